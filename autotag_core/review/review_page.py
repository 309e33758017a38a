"""The queue as one page: a tag at a time with its GIF, decided by keys, saved as a CSV."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from autotag_core.reports.gif_thumbnails import Thumbnail
from autotag_core.reports.page_parts import data_element, head, own_script_only
from autotag_core.reports.section_parts import figure
from autotag_core.review.queue import QueuedTag
from autotag_core.terminal import shown

_PAGE = Path(__file__).with_name("page")


def review_page(tags: Sequence[QueuedTag], run_id: str, thumbnails: Mapping[str, Thumbnail]) -> Iterator[str]:
    """The page as HTML, in parts, without a network. Only its own script runs: its hash says so.

    Each GIF is in it once; one that is not shown has the reason in its place.
    """
    script = (_PAGE / "review.js").read_text(encoding="utf-8")
    policy = own_script_only(script)
    yield head("Is this tag right?", (_PAGE / "review.css").read_text(encoding="utf-8"), policy)
    yield (_PAGE / "review.html").read_text(encoding="utf-8")
    numbers = {gif_id: number for number, gif_id in enumerate(dict.fromkeys(one.gif_id for one in tags))}
    for gif_id, number in numbers.items():
        yield f'<template id="gif-{number}">{figure(gif_id, thumbnails.get(gif_id), "")}</template>'
    yield data_element({"run_id": run_id, "tags": _data(tags, numbers)})
    yield f"<script>{script}</script></body></html>\n"


def _data(tags: Sequence[QueuedTag], numbers: Mapping[str, int]) -> list[dict[str, Any]]:
    """What the script knows of each tag. gif_id and tag are exact, the other texts are `shown`."""
    return [
        {
            "gif": numbers[one.gif_id],
            "gif_id": one.gif_id,
            "tag": one.tag,
            "said": shown(one.tag),
            "kind": one.kind,
            "probability": None if one.probability is None else round(one.probability, 4),
            "popularity": one.popularity,
            "about": shown(one.gif_id),
            "caption": shown(one.caption or ""),
            "others": [shown(tag) for tag in one.other_tags],
        }
        for one in tags
    ]

"""Pairs of result lists as one page: a person picks left, right or tie, and saves their choices as a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from autotag_core.evaluation.search_quality.head_to_head import BlindPair
from autotag_core.reports.page_parts import data_element, head, own_script_only
from autotag_core.reports.pictures import gif_strip
from autotag_core.terminal import shown

_PAGE = Path(__file__).with_name("page")
_MAX_BYTES = 60 * 1024 * 1024
"""Of pictures in a page: browsers open it within seconds, and a mail may still hold it."""


def blind_page(pairs: Sequence[BlindPair], places: Sequence[str]) -> Iterator[str]:
    """The page as HTML, in parts, without a network. Only its own script runs: its hash says so.

    Each GIF is in it once. Only files below `places` are opened, and one that is not shown has the reason in its place.
    Pairs whose pictures would make it larger than 60 MB are left out.
    """
    script = (_PAGE / "head_to_head.js").read_text(encoding="utf-8")
    policy = own_script_only(script)
    yield head("Which GIFs are better?", (_PAGE / "head_to_head.css").read_text(encoding="utf-8"), policy)
    yield (_PAGE / "head_to_head.html").read_text(encoding="utf-8")
    numbers: dict[str, int] = {}
    num_bytes, kept = 0, []
    for pair in pairs:
        if num_bytes > _MAX_BYTES:
            break
        for hit in (*pair.left, *pair.right):
            if hit.gif_id not in numbers:
                numbers[hit.gif_id] = len(numbers)
                strip = gif_strip([{"gif_id": hit.gif_id, "uri": hit.uri or ""}], "", places)
                num_bytes += len(strip)
                yield f'<template id="gif-{numbers[hit.gif_id]}">{strip}</template>'
        kept.append(pair)
    yield data_element(_data(kept, numbers))
    yield f"<script>{script}</script></body></html>\n"


def _data(pairs: Sequence[BlindPair], numbers: Mapping[str, int]) -> list[dict[str, Any]]:
    return [
        {
            "page": pair.page,
            "number": pair.number,
            "pair": pair.pair,
            "query": shown(pair.query),
            "left": [numbers[hit.gif_id] for hit in pair.left],
            "right": [numbers[hit.gif_id] for hit in pair.right],
        }
        for pair in pairs
    ]

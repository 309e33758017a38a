"""GIFs as HTML, for notebooks: the pictures themselves, inside the page."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from autotag_core.failures import ItemError
from autotag_core.reports.page_parts import encoded_picture, text_of
from autotag_core.warehouse import RunRecord

_HEIGHT = 96  # pixels
_MAX_BYTES = 5 * 1024 * 1024


def release_places(release: RunRecord) -> tuple[str, ...]:
    """The places that the release's night was allowed to read GIFs from. Empty where its record does not say."""
    return tuple(json.loads(release.config).get("frames", {}).get("allowed_places", ()))


def gif_strip(gifs: Iterable[Mapping[str, str]], title: str, places: Sequence[str]) -> str:
    """A row of pictures for {gif_id, uri} under a title. A GIF that is not shown has the reason in its place.

    Whoever wrote a catalog could name any file of the machine that this runs on. So only files below `places` are
    opened (prefixes of URIs, such as `release_places`), and of these only pictures of at most 5 MiB are shown.
    """
    cells = "".join(
        f'<figure style="display:inline-block;margin:4px;text-align:center">{_picture(gif["uri"], places)}'
        f'<figcaption style="font-size:10px">{text_of(gif["gif_id"])}</figcaption></figure>'
        for gif in gifs
    )
    return f"<div><b>{text_of(title)}</b><br>{cells}</div>"


def _picture(uri: str, places: Sequence[str]) -> str:
    from autotag_core.config import FramesConfig
    from autotag_core.frames import fetch_bytes, read_header  # takes seconds, as it brings torch
    from autotag_core.frames.limits import check_header, check_pixels

    if not places:
        return text_of(f"{uri}: not read: name the places of pictures, such as a bucket or a folder")
    config = FramesConfig(max_bytes=_MAX_BYTES, allowed_places=tuple(places))
    config = config.model_copy(update={"fetch_attempts": 2, "fetch_deadline_s": 20})
    try:
        data = fetch_bytes(uri, config)
        header = read_header(data)
        check_header(header, config)
        check_pixels(header, [header.num_frames - 1], config)
    except ItemError as error:
        message = error.message.replace("no place that frames.allowed_places names", "none of the places allowed here")
        return text_of(message if uri in message else f"{uri}: {message}")
    address = encoded_picture(data, header.format)
    if header.format in ("MP4", "WEBM"):
        address = address.replace("data:image/", "data:video/", 1)
        return f'<video height="{_HEIGHT}" src="{address}" title="{text_of(uri)}" autoplay loop muted></video>'
    return f'<img height="{_HEIGHT}" src="{address}" alt="{text_of(uri)}">'

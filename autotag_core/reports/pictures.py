"""GIFs as HTML, for notebooks: the pictures themselves, inside the page."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Mapping

from autotag_core import storage
from autotag_core.errors import InputError

_HEIGHT = 96  # pixels
_MAX_BYTES = 5 * 1024 * 1024


def gif_strip(gifs: Iterable[Mapping[str, str]], title: str) -> str:
    """A row of pictures for {gif_id, uri} under a title. A GIF that can't be read or is over 5 MiB shows why."""
    cells = "".join(
        f'<figure style="display:inline-block;margin:4px;text-align:center">{_picture(gif["uri"])}'
        f'<figcaption style="font-size:10px">{html.escape(gif["gif_id"])}</figcaption></figure>'
        for gif in gifs
    )
    return f"<div><b>{html.escape(title)}</b><br>{cells}</div>"


def _picture(uri: str) -> str:
    try:
        data = storage.read_bytes(uri)
    except InputError as error:
        return html.escape(str(error))
    if len(data) > _MAX_BYTES:
        return html.escape(f"{uri}: {len(data)} bytes, too large to show")
    # as an image element, whatever the bytes hold is never run by a browser
    encoded = base64.b64encode(data).decode()
    return f'<img height="{_HEIGHT}" src="data:image/gif;base64,{encoded}" alt="{html.escape(uri)}">'

"""What pages have in common: one file each, no network, texts and pictures of other people as text and pictures."""

from __future__ import annotations

import base64
import hashlib
import html
import io
import json
from typing import TYPE_CHECKING, Any

from autotag_core.terminal import shown

if TYPE_CHECKING:
    import numpy as np

PICTURES_ONLY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""A content security policy: no script, nothing from elsewhere."""


def head(title: str, style: str, policy: str = PICTURES_ONLY) -> str:
    """The beginning of a page, to the start of its body. All three are the job's own."""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}"><style>{style}</style></head><body>'
    )


def own_script_only(script: str) -> str:
    """A content security policy: nothing from elsewhere, and of scripts only this one, by its hash."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'"
    )


def data_element(value: Any) -> str:
    """The value as JSON for the page's script, in the element `data`. No text in it can end the element."""
    text = json.dumps(value, separators=(",", ":"))
    text = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return f'<script type="application/json" id="data">{text}</script>'


def text_of(text: str) -> str:
    """The text of somebody else as HTML, on one line."""
    return html.escape(shown(text))


def picture_data(pixels: np.ndarray, kind: str, side: int | None = None) -> str:
    """Pixels (height, width, 3) as the address of a PNG or JPEG picture of at most `side` by `side`."""
    from PIL import Image

    image = Image.fromarray(pixels)
    if side is not None:
        image.thumbnail((side, side))
    file = io.BytesIO()
    image.save(file, kind, quality=85)
    return encoded_picture(file.getvalue(), kind)


def encoded_picture(data: bytes, kind: str) -> str:
    """The bytes of a picture as an address. A browser that shows it runs nothing of what they hold."""
    return f"data:image/{kind.lower()};base64,{base64.b64encode(data).decode()}"

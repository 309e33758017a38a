"""Predictions as a page: each GIF's sampled frames, its tags, and under each tag the frames that speak for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from autotag_core.reports.page_parts import head, picture_data, text_of
from autotag_core.tagger.predictor import Prediction, SuggestedTag

_STYLE = (
    "body{font-family:sans-serif;margin:1.5em;color:#222}section{border-top:1px solid #ccc;padding:1em 0}"
    "h2{font-size:1em;overflow-wrap:anywhere}img{width:72px;height:72px;margin:1px}"
    ".tag{display:inline-block;vertical-align:top;margin:0 1em 1em 0}.tag p{margin:.2em 0}.accepted{font-weight:bold}"
    ".error{color:#a00}"
)
_SIDE = 72
"""Pixels of a picture on the page."""


def contact_sheet(predictions: Iterable[Prediction], model: str) -> Iterator[str]:
    """The page as HTML, in parts: one GIF's pictures at a time are in memory. Texts of other people stay texts."""
    yield (
        f"{head('Suggested tags', _STYLE)}<h1>Suggested tags</h1>"
        f"<p>By {text_of(model)}. Bold: accepted. Under each tag: the frames that speak for it.</p>"
    )
    for prediction in predictions:
        yield f"<section><h2>{text_of(prediction.uri)}</h2>{_body(prediction)}</section>"
    yield "</body></html>\n"


def _body(prediction: Prediction) -> str:
    if prediction.error is not None:
        return f'<p class="error">{text_of(prediction.error)}</p>'
    pictures = [] if prediction.pictures is None else [_picture(frame) for frame in prediction.pictures]
    tags = "".join(_tag(tag, pictures) for tag in prediction.tags)
    return f"<div>{''.join(pictures)}</div><div>{tags}</div>"


def _tag(tag: SuggestedTag, pictures: list[str]) -> str:
    frames = "".join(pictures[at] for at in tag.frames if at < len(pictures))
    name = f'<p class="{"accepted" if tag.accepted else "suggested"}">{text_of(tag.tag)} {tag.probability:.2f}</p>'
    return f'<div class="tag">{name}{frames}</div>'


def _picture(frame: np.ndarray) -> str:
    """A frame (3, size, size) as an image element."""
    pixels = np.ascontiguousarray(frame.transpose(1, 2, 0))
    return f'<img alt="" src="{picture_data(pixels, "PNG", _SIDE)}">'

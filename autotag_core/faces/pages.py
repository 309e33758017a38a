"""Faces as pages: pictures to enroll with their doubts, and the people who were found. One file each, no network."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from PIL import Image

from autotag_core.faces.enrolling import CheckedPicture
from autotag_core.faces.finder import FoundPeople, FoundPerson
from autotag_core.terminal import shown

_STYLE = (
    "body{font-family:sans-serif;margin:1.5em;color:#222;background:#fff}"
    "section{border-top:1px solid #ccc;padding:1em 0}"
    "h2{font-size:1em;overflow-wrap:anywhere}figure{display:inline-block;vertical-align:top;margin:0 1em 1em 0}"
    "img{display:block;max-width:150px}figcaption{max-width:150px;overflow-wrap:anywhere}"
    ".doubt,.error{color:#a00}.unknown{color:#666}"
    "@media(prefers-color-scheme:dark){body{color:#ddd;background:#111}.doubt,.error{color:#f77}.unknown{color:#999}}"
)


def review_page(found: Sequence[CheckedPicture]) -> Iterator[str]:
    """Every picture by person, in doubt or not, in parts."""
    yield _head("Pictures to enroll")
    for person in sorted({one.picture.person_id for one in found}):
        pictures = [one for one in found if one.picture.person_id == person]
        yield f"<section><h2>{_text(pictures[0].picture.name)}</h2>{''.join(map(_picture, pictures))}</section>"
    yield "</body></html>\n"


def people_page(found: Iterable[FoundPeople]) -> Iterator[str]:
    """Each file's people, one figure a person: the best face, the name and how sure it is, in parts."""
    yield _head("People found")
    for one in found:
        body = f'<p class="error">{_text(one.error)}</p>' if one.error else "".join(_person(one, p) for p in one.people)
        yield f"<section><h2>{_text(one.uri)}</h2>{body or '<p>Nobody.</p>'}</section>"
    yield "</body></html>\n"


def _head(title: str) -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        f"style-src 'unsafe-inline'\"><style>{_STYLE}</style></head><body><h1>{title}</h1>"
    )


def _picture(one: CheckedPicture) -> str:
    doubt = f'<br><span class="doubt">{one.doubt}: {_text(one.said)}</span>' if one.doubt else "<br>enrolled"
    return _figure(one.chip, f"{_text(one.picture.uri.rpartition('/')[2])}{doubt}")


def _person(file: FoundPeople, one: FoundPerson) -> str:
    best = one.person.best
    name = (
        f"{_text(one.name)} {one.named.probability:.2f}"
        if one.name and one.named
        else '<span class="unknown">unknown</span>'
    )
    return _figure(
        best.chip, f"{name}<br>{len(one.person.frames)} of {file.num_frames} frames, here frame {best.face.frame}"
    )


def _figure(chip: np.ndarray | None, caption: str) -> str:
    picture = ""
    if chip is not None:
        file = io.BytesIO()
        Image.fromarray(chip).save(file, "PNG")
        picture = f'<img alt="" src="data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}">'
    return f"<figure>{picture}<figcaption>{caption}</figcaption></figure>"


def _text(text: str) -> str:
    return html.escape(shown(text))

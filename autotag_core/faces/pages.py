"""Faces as pages: pictures to enroll with their doubts, and the people who were found. One file each, no network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from autotag_core.faces.enrolling import CheckedPicture
from autotag_core.faces.finder import FoundPeople
from autotag_core.faces.gallery import called
from autotag_core.faces.naming import FoundPerson
from autotag_core.frames.decode import KeptFrame
from autotag_core.reports.page_parts import head, picture_data, text_of

_STYLE = (
    "body{font-family:sans-serif;margin:1.5em;color:#222;background:#fff}"
    "section{border-top:1px solid #ccc;padding:1em 0}"
    "h2{font-size:1em;overflow-wrap:anywhere}figure{display:inline-block;vertical-align:top;margin:0 1em 1em 0}"
    "img{display:block;max-width:150px}figcaption{max-width:150px;overflow-wrap:anywhere}"
    "svg{display:block;max-width:100%;height:auto;margin:0 0 1em}rect{fill:none;stroke:#0c6;stroke-width:2}"
    "text{font-size:14px;fill:#fff;stroke:#000;stroke-width:3px;paint-order:stroke}rect.unknown{stroke:#ccc}"
    ".doubt,.error{color:#a00}span.unknown{color:#666}"
    "@media(prefers-color-scheme:dark){body{color:#ddd;background:#111}.doubt,.error{color:#f77}span.unknown{color:#999}}"
)


def review_page(found: Sequence[CheckedPicture]) -> Iterator[str]:
    """Every picture by person, in doubt or not, in parts."""
    yield f"{head('Pictures to enroll', _STYLE)}<h1>Pictures to enroll</h1>"
    for person in sorted({one.picture.person_id for one in found}):
        pictures = [one for one in found if one.picture.person_id == person]
        name = called(person, pictures[0].picture.name)
        yield f"<section><h2>{text_of(name)}</h2>{''.join(map(_picture, pictures))}</section>"
    yield "</body></html>\n"


def people_page(found: Iterable[FoundPeople]) -> Iterator[str]:
    """Each file's people, in parts: the frames that show them best with boxes and names, and each one's face."""
    yield f"{head('People found', _STYLE)}<h1>People found</h1>"
    for one in found:
        body = f'<p class="error">{text_of(one.error)}</p>' if one.error else _people(one)
        yield f"<section><h2>{text_of(one.uri)}</h2>{body or '<p>Nobody.</p>'}</section>"
    yield "</body></html>\n"


def _people(one: FoundPeople) -> str:
    frames = "".join(_frame(frame, one.people) for frame in one.shown)
    return frames + "".join(_person(one, person) for person in one.people)


def _frame(frame: KeptFrame, people: Sequence[FoundPerson]) -> str:
    """A frame as a drawing: its picture, and a box with a name around each face."""
    height, width = frame.pixels.shape[:2]
    scale = width / frame.width
    marks = []
    for one in people:
        box = one.person.box_in(frame.index)
        if box is not None:
            left, top, right, bottom = (side * scale for side in box)
            kind = "known" if one.name else "unknown"
            marks.append(
                f'<rect class="{kind}" x="{left:.0f}" y="{top:.0f}" width="{right - left:.0f}" '
                f'height="{bottom - top:.0f}"/><text class="{kind}" x="{left:.0f}" y="{max(top - 4, 12):.0f}">'
                f"{text_of(one.name or 'unknown')}</text>"
            )
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" role="img" aria-label="frame {frame.index}">'
        f'<image href="{picture_data(frame.pixels, "JPEG")}" width="{width}" height="{height}"/>{"".join(marks)}</svg>'
    )


def _picture(one: CheckedPicture) -> str:
    became = "enrolled" if one.is_taken else "refused" if one.decision is False else ""
    doubt = f'<span class="doubt">{one.doubt}: {text_of(one.said)}</span>' if one.doubt else ""
    return _figure(one.chip, "<br>".join(filter(None, (text_of(one.picture.uri.rpartition("/")[2]), became, doubt))))


def _person(file: FoundPeople, one: FoundPerson) -> str:
    best = one.person.best
    name = (
        f"{text_of(one.name)} {one.named.probability:.2f}"
        if one.name and one.named
        else '<span class="unknown">unknown</span>'
    )
    return _figure(
        best.chip, f"{name}<br>{len(one.person.frames)} of {file.num_frames} frames, here frame {best.frame}"
    )


def _figure(chip: np.ndarray | None, caption: str) -> str:
    picture = "" if chip is None else f'<img alt="" src="{picture_data(chip, "PNG")}">'
    return f"<figure>{picture}<figcaption>{caption}</figcaption></figure>"

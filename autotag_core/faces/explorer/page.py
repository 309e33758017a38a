"""The cloud of enrolled faces as one page: plotly.js inside, no network."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autotag_core.faces.packages import need
from autotag_core.reports.page_parts import data_element, head
from autotag_core.terminal import shown

_PAGE = Path(__file__).with_name("page")


@dataclass(frozen=True, eq=False)
class ExploredFaces:
    """What the page shows: n faces of enrolled people."""

    people: Sequence[tuple[str, str]]
    """(person_id, name)."""
    owners: np.ndarray
    """(n,) the place of each face's person among `people`."""
    points: np.ndarray
    """(n, 3) from -1 to 1."""
    method: str
    thumbnails: Sequence[bytes | None]
    """JPEG of each face; None where there is none."""
    values: Mapping[str, Sequence[str]]
    """By attribute, each person's value, by which they can be coloured; empty where it is not known."""


def explorer_page(faces: ExploredFaces) -> Iterator[str]:
    """The page as HTML, in parts. Nothing in it is loaded, and only its own two scripts run: their hashes say so.

    InputError where plotly is not installed.
    """
    scripts = [need("plotly.offline").get_plotlyjs(), (_PAGE / "explorer.js").read_text(encoding="utf-8")]
    allowed = " ".join(f"'sha256-{_hash(script)}'" for script in scripts)
    style = (_PAGE / "explorer.css").read_text(encoding="utf-8")
    body = (_PAGE / "explorer.html").read_text(encoding="utf-8")
    policy = (
        "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data: blob:; style-src 'unsafe-inline'; "
        f"script-src {allowed}"
    )
    yield head("Enrolled faces", style, policy) + body
    yield data_element(_data(faces))
    for script in scripts:
        yield f"<script>{script}</script>"
    yield "</body></html>\n"


def _data(faces: ExploredFaces) -> dict[str, Any]:
    """What the script knows. Pictures are in base64, coordinates in thousandths."""
    return {
        "method": faces.method,
        "people": [[shown(text) for text in one] for one in faces.people],
        "owners": faces.owners.tolist(),
        "points": np.round(faces.points * 1000).astype(int).T.tolist(),
        "pictures": [base64.b64encode(one).decode() if one else "" for one in faces.thumbnails],
        "values": {shown(name): [shown(value) for value in values] for name, values in faces.values.items()},
    }


def _hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()

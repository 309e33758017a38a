"""Enrolled faces as small pictures, in a table beside the gallery."""

from __future__ import annotations

import io
from collections.abc import Iterable

import pyarrow as pa
from PIL import Image

from autotag_core.faces.enrolling import CheckedPicture
from autotag_core.tables import GALLERY_THUMBNAILS
from autotag_core.warehouse.own_tables import read_newest

SIDE, _QUALITY = 48, 80
"""Pixels, and JPEG's quality: about 1.2 KB a face."""


def as_thumbnails(pictures: Iterable[CheckedPicture]) -> pa.Table:
    """Rows of GALLERY_THUMBNAILS, of the pictures that have a chip."""
    rows = [
        {"person_id": one.picture.person_id, "picture": one.key, "thumbnail": _thumbnail(Image.fromarray(one.chip))}
        for one in pictures
        if one.chip is not None
    ]
    return pa.Table.from_pylist(rows, schema=GALLERY_THUMBNAILS.plain_schema)


def _thumbnail(chip: Image.Image) -> bytes:
    file = io.BytesIO()
    chip.resize((SIDE, SIDE), Image.Resampling.BOX).save(file, "JPEG", quality=_QUALITY)
    return file.getvalue()


def read_thumbnails(uri: str) -> dict[tuple[str, str], bytes]:
    """{(person_id, picture): JPEG} of a gallery's folder. Empty where it was made before there were thumbnails."""
    found = read_newest(uri, GALLERY_THUMBNAILS)
    rows = [] if found is None else found[0].to_pylist()
    return {(row["person_id"], row["picture"]): row["thumbnail"] for row in rows}

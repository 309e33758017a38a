"""Small pictures of enrolled faces."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from autotag_core.faces.enrolling import CheckedPicture, PersonPicture
from autotag_core.faces.thumbnails import as_thumbnails, read_thumbnails
from autotag_core.tables import GALLERY_THUMBNAILS
from autotag_core.warehouse.own_tables import append_rows


def test_each_enrolled_face_is_a_small_jpeg_under_its_key(tmp_path: Path) -> None:
    chip = np.full((150, 150, 3), (200, 30, 90), np.uint8)
    picture = PersonPicture("ann", "Ann Lee", "/a.png")
    rows = as_thumbnails([CheckedPicture(picture, "k1", None, "", chip), CheckedPicture(picture, "k2", None, "")])
    append_rows(str(tmp_path), GALLERY_THUMBNAILS, rows)
    ((key, data),) = read_thumbnails(str(tmp_path)).items()
    image = Image.open(io.BytesIO(data))
    assert (key, image.format, image.size) == (("ann", "k1"), "JPEG", (48, 48))
    assert np.abs(np.asarray(image).astype(int) - (200, 30, 90)).max() < 6
    assert len(data) < 2000


def test_a_gallery_without_thumbnails_has_none(tmp_path: Path) -> None:
    assert read_thumbnails(str(tmp_path)) == {}

"""Doubts about pictures that only show beside others, with literal embeddings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from autotag_core.config import FramesConfig
from autotag_core.faces.embedder import FaceEmbedder
from autotag_core.faces.enrolling import MAX_PICTURES, CheckedPicture, Doubt, PersonPicture, PictureChecker, compared
from autotag_core.faces.gallery import Gallery, empty_gallery


def checked(person: str, key: str, first: float, doubt: Doubt | None = None) -> CheckedPicture:
    embedding = np.array([first, *[0.0] * 127], np.float32)
    return CheckedPicture(PersonPicture(person, person.title(), f"{key}.png"), key, doubt, "", embedding=embedding)


def doubts(*found: CheckedPicture, gallery: Gallery | None = None) -> list[Doubt | None]:
    return [one.doubt for one in compared(found, gallery or empty_gallery())]


def test_pictures_that_agree_are_enrolled() -> None:
    assert doubts(checked("ann", "1", 0.0), checked("ann", "2", 0.3), checked("bob", "3", 3.0)) == [None] * 3


def test_a_picture_of_somebody_else_is_unlike_the_others() -> None:
    found = [checked("ann", "1", 0.0), checked("ann", "2", 0.1), checked("ann", "3", 0.1), checked("ann", "4", 1.5)]
    assert doubts(*found) == [None, None, None, Doubt.UNLIKE_OTHERS]


def test_a_picture_of_another_person_of_the_folder_or_the_gallery_names_them() -> None:
    found = [checked("ann", "1", 0.0), checked("ann", "2", 0.1), checked("ann", "3", 5.1), checked("bob", "4", 5.0)]
    assert doubts(*found)[2] == Doubt.LIKE_ANOTHER
    gallery = Gallery((("zoe", "Zoe"),), np.array([0]), np.array([[0.0] * 128], np.float32), 0)
    (one,) = compared([checked("ann", "1", 0.2)], gallery)
    assert (one.doubt, one.said) == (Doubt.LIKE_ANOTHER, "looks like Zoe (zoe), distance 0.20")


def test_a_picture_in_doubt_vouches_for_nobody() -> None:
    assert doubts(checked("ann", "1", 0.0, Doubt.BLURRED), checked("bob", "2", 0.0)) == [Doubt.BLURRED, None]


@pytest.mark.parametrize("extra", [0, 2])
def test_a_person_has_at_most_so_many_pictures(extra: int) -> None:
    found = [checked("ann", str(number), 0.001 * number) for number in range(MAX_PICTURES + extra)]
    assert doubts(*found).count(Doubt.TOO_MANY) == extra


def test_pictures_that_are_enrolled_already_count_too() -> None:
    rows = np.zeros((MAX_PICTURES - 1, 128), np.float32)
    gallery = Gallery((("ann", "Ann"),), np.zeros(len(rows), np.int64), rows, 0)
    assert doubts(checked("ann", "1", 0.0), checked("ann", "2", 0.0), gallery=gallery) == [None, Doubt.TOO_MANY]


def test_a_refused_picture_vouches_for_nobody() -> None:
    found = [checked("ann", "1", 0.0), replace(checked("bob", "2", 0.0), decision=False)]
    assert [one.doubt for one in compared(found, empty_gallery())] == [None, None]


def test_an_editor_overrules_a_doubt_and_not_that_there_is_no_face() -> None:
    one = checked("ann", "1", 0.0, Doubt.BLURRED)
    taken = [replace(one, decision=said).is_taken for said in (None, True, False)]
    assert taken == [False, True, False]
    assert not replace(one, embedding=None, decision=True).is_taken


@pytest.mark.parametrize("person", ["s2", "s3", "s9"])
def test_a_blurred_face_is_in_doubt_also_where_the_picture_ends_beside_it(
    person: str, faces_folder: Path, embedder: FaceEmbedder, tmp_path: Path
) -> None:
    image = Image.open(faces_folder / person / "1.png").convert("RGB")
    image.save(tmp_path / "sharp.png")
    image.filter(ImageFilter.GaussianBlur(2)).save(tmp_path / "blurred.png")
    checker = PictureChecker(FramesConfig(allowed_places=(str(tmp_path),)), embedder)
    pictures = [PersonPicture("ann", "Ann", str(tmp_path / f"{name}.png")) for name in ("sharp", "blurred")]
    assert [one.doubt for one in checker.check(pictures)] == [None, Doubt.BLURRED]

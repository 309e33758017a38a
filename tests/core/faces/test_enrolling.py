"""Doubts about pictures that only show beside others, with literal embeddings."""

from __future__ import annotations

import numpy as np
import pytest

from autotag_core.faces.enrolling import MAX_PICTURES, CheckedPicture, Doubt, PersonPicture, compared
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

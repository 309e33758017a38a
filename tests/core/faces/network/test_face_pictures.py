"""Which pictures are watched."""

from __future__ import annotations

import numpy as np
import pytest

from autotag_core.errors import InputError
from autotag_core.faces.network.face_pictures import split_pictures


def test_a_fifth_of_each_persons_pictures_is_watched_and_one_of_two_and_none_of_one() -> None:
    owners = np.array([0] * 10 + [1] * 2 + [2])
    is_watched = split_pictures(owners, 7)
    assert [int(is_watched[owners == person].sum()) for person in range(3)] == [2, 1, 0]
    assert (split_pictures(owners, 7) == is_watched).all()
    assert any((split_pictures(owners, seed) != is_watched).any() for seed in range(3))


def test_where_everybody_has_one_picture_nothing_can_be_watched() -> None:
    with pytest.raises(InputError, match="nobody has two pictures"):
        split_pictures(np.arange(4), 7)

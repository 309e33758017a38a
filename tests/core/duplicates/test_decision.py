"""Whether two GIFs are copies: literal hashes, colours and distances."""

import numpy as np
import pytest

from autotag_core.config import DuplicatesConfig
from autotag_core.duplicates import color_distances, hash_distances, is_duplicate
from autotag_core.errors import InputError


def test_hash_distances_are_mean_differing_bits():
    left = [[0, 0, 0, 0], [-1, -1, -1, -1], [1, 2, 4, 8], [-(2**63), 0, 0, 0]]
    right = [[0, 1, 3, 7], [0, 0, 0, 0], [1, 2, 4, 8], [2**63 - 1, 0, 0, 0]]
    assert hash_distances(left, right, min_hashes=4).tolist() == [1.5, 64.0, 0.0, 16.0]


def test_hash_distances_equal_the_count_of_unequal_binary_digits():
    random = np.random.default_rng(3)
    left, right = (random.integers(-(2**63), 2**63, (50, 4)).tolist() for _ in range(2))
    digits = [
        np.mean(
            [
                sum(p != q for p, q in zip(f"{a % 2**64:064b}", f"{b % 2**64:064b}", strict=True))
                for a, b in zip(*pair, strict=True)
            ]
        )
        for pair in zip(left, right, strict=True)
    ]
    assert hash_distances(left, right, 1).tolist() == digits


def test_only_frames_with_a_hash_in_both_are_compared_and_too_few_are_no_evidence():
    left = [[None, 0, 3, 0], [None, None, None, 1], [None] * 4, None, [0, 0, 0, 0]]
    right = [[0, 1, 0, None], [None, 0, 0, 1], [None] * 4, [0, 0, 0, 0], None]
    assert np.array_equal(hash_distances(left, right, 2), [1.5, np.nan, np.nan, np.nan, np.nan], equal_nan=True)
    assert np.array_equal(hash_distances(left, right, 1), [1.5, 0.0, np.nan, np.nan, np.nan], equal_nan=True)


def test_nothing_in_nothing_out():
    assert hash_distances([], [], 2).tolist() == color_distances([], []).tolist() == []
    assert is_duplicate([], [], [], DuplicatesConfig()).tolist() == []


def test_color_distances_are_mean_differences_of_bytes():
    found = color_distances(
        [b"\x00\x0a\xff", b"\x05\x05\x05", None], [b"\xff\x07\xff", b"\x05\x05\x05", b"\x01\x01\x01"]
    )
    assert np.array_equal(found, [86.0, 0.0, np.nan], equal_nan=True)


def test_copies_must_pass_every_limit_and_the_limits_themselves_pass():
    config = DuplicatesConfig(max_distance=0.5, max_hash_bits=6, max_color_difference=3)
    rows = [(0.5, 6, 3), (0.51, 6, 3), (0.5, 6.25, 3), (0.5, 6, 3.1), (0, np.nan, 0), (0, 0, np.nan)]
    assert is_duplicate(*zip(*rows, strict=True), config).tolist() == [True, False, False, False, False, False]


@pytest.mark.parametrize(
    ("compare", "message"),
    [
        (lambda: hash_distances([[1]], [[1], [2]], 1), "1 GIFs on the left and 2 on the right"),
        (lambda: hash_distances([[1, 2]], [[1]], 1), "2 hashes on the left and 1 on the right"),
        (lambda: hash_distances([[1, 2], [1]], [[1, 2], [1]], 1), "1 hashes of one GIF and 2 of another"),
        (lambda: color_distances([b"abc"], []), "1 GIFs on the left and 0 on the right"),
        (lambda: color_distances([b"abc"], [b"ab"]), "colours of 2 and of 3 bytes"),
    ],
)
def test_what_cannot_be_compared_is_said(compare, message):
    with pytest.raises(InputError, match=message):
        compare()

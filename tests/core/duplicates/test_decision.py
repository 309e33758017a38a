"""Whether two GIFs are copies: literal hashes, colours and distances."""

import numpy as np
import pytest

from autotag_core.config import DuplicatesConfig
from autotag_core.duplicates import is_duplicate, picture_distances
from autotag_core.errors import InputError


def grey(*levels):
    """Colours of pictures that are all of these levels."""
    return b"".join(bytes([level]) * 12 for level in levels)


def compared(left, right):
    """(bits, levels) of one pair; each is ([hashes], colours)."""
    bits, levels = picture_distances(([left[0]], [left[1]]), ([right[0]], [right[1]]))
    return bits[0], levels[0]


def by_hand(left, right):
    """The stated formula, picture by picture."""
    means = []
    for these, those in ((left, right), (right, left)):
        bits, levels = [], []
        for number, color in zip(these[0], these[1], strict=True):
            known = [
                (((number ^ other) & (2**64 - 1)).bit_count(), float(np.abs(color - shade).mean()))
                for other, shade in zip(*those, strict=True)
            ]
            best = min(known, key=lambda one: one[0] / 4 + one[1])
            bits.append(best[0])
            levels.append(best[1])
        means.append((np.mean(bits), np.mean(levels)))
    return tuple(np.max(means, axis=0))


def test_order_and_repeated_pictures_do_not_matter():
    assert compared(([0, 255, 7], grey(10, 20, 30)), ([7, 0, 255], grey(30, 10, 20))) == (0, 0)
    assert compared(([0, 255], grey(10, 20)), ([0, 255, 0, 255, 0], grey(10, 20, 10, 20, 10))) == (0, 0)
    # each has a picture of 1 bit and 2 levels more
    assert compared(([0, 255], grey(10, 20)), ([1, 255], grey(12, 20))) == (0.5, 1)


def test_a_part_of_a_gif_is_not_its_copy():
    whole, part = ([0, 255, 2**20 - 1], grey(10, 90, 200)), ([0], grey(10))
    # of the part 0 bits; of the whole 0, 8 and 20 bits, 0, 80 and 190 levels
    assert compared(whole, part) == compared(part, whole) == (28 / 3, 90)


def test_distances_are_the_stated_formula():
    random = np.random.default_rng(3)
    gifs = [
        (random.integers(-(2**63), 2**63, number).tolist(), random.integers(0, 256, (number, 12)))
        for number in random.integers(1, 17, 60)
    ]
    stored = ([hashes for hashes, _ in gifs], [colors.astype(np.uint8).tobytes() for _, colors in gifs])
    backwards = ([*reversed(stored[0])], [*reversed(stored[1])])
    found = np.stack(picture_distances(stored, backwards), axis=1)
    assert np.allclose(found, [by_hand(*pair) for pair in zip(gifs, reversed(gifs), strict=True)], atol=1e-12)
    assert np.array_equal(found, found[::-1])


def test_more_pairs_than_are_compared_at_once():
    hashes = [[number] for number in range(2500)]
    bits, levels = picture_distances((hashes, [grey(0)] * 2500), ([[0]] * 2500, [grey(3)] * 2500))
    assert bits.tolist() == [number.bit_count() for number in range(2500)]
    assert set(levels.tolist()) == {3}


def test_pictures_without_a_hash_are_compared_by_colour_and_too_few_hashes_are_no_evidence():
    left, right = ([None, 0], grey(50, 10)), ([None, 1], grey(52, 10))
    assert compared(left, right) == (1, 1)
    assert np.array_equal(compared(([None, None, 0], grey(1, 2, 3)), ([0], grey(3))), (np.nan, 1), equal_nan=True)
    assert np.isnan(compared(([None], grey(1)), ([None], grey(1)))[0])
    for unknown in ((None, None), ([], b""), (None, grey(1)), ([1], None)):
        assert np.isnan(compared(unknown, right)).all() and np.isnan(compared(right, unknown)).all()


def test_nothing_in_nothing_out():
    assert [len(found) for found in picture_distances(([], []), ([], []))] == [0, 0]
    assert is_duplicate([], [], [], DuplicatesConfig()).tolist() == []


def test_copies_must_pass_every_limit_and_the_limits_themselves_pass():
    config = DuplicatesConfig(max_distance=0.5, max_hash_bits=6, max_color_difference=3)
    rows = [(0.5, 6, 3), (0.51, 6, 3), (0.5, 6.25, 3), (0.5, 6, 3.1), (0, np.nan, 0), (0, 0, np.nan)]
    assert is_duplicate(*zip(*rows, strict=True), config).tolist() == [True, False, False, False, False, False]


@pytest.mark.parametrize(
    ("left", "right", "message"),
    [
        (([[1]], [grey(1)]), ([[1], [2]], [grey(1)] * 2), "hashes and colours of 1, 2 GIFs"),
        (([[1]], []), ([[1]], [grey(1)]), "hashes and colours of 0, 1 GIFs"),
        (([[1, 2]], [grey(1)]), ([[1]], [grey(1)]), "2 hashes of a GIF and 12 bytes of colours"),
    ],
)
def test_what_cannot_be_compared_is_said(left, right, message):
    with pytest.raises(InputError, match=message):
        picture_distances(left, right)

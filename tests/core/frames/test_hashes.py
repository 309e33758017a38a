"""Hashes and colours of frames: the stated formula, copies agree, others do not, flat ones say nothing."""

import math

import numpy as np
import pytest
import torch

from autotag_core.frames.hashes import MARGIN, averaged, hash_frames, perceptual_hashes, quarter_colors


def picture(seed, size=224):
    """A few smooth blobs of different colours, (3, size, size) uint8."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0 : 1 : size * 1j, 0 : 1 : size * 1j]
    canvas = np.full((3, size, size), 230.0)
    for _ in range(12):
        place, width, colour = random.uniform(0, 1, 2), random.uniform(0.05, 0.3), random.uniform(0, 255, 3)
        blob = np.exp(-((y - place[0]) ** 2 + (x - place[1]) ** 2) / width**2)
        canvas += blob * (colour[:, None, None] - canvas)
    return torch.from_numpy(canvas.round().astype(np.uint8))


def hash_of(*pictures):
    return perceptual_hashes(averaged(torch.stack(pictures)))


def num_bits(left, right):
    return ((left ^ right) & (2**64 - 1)).bit_count()


def test_a_hash_is_the_stated_formula():
    one = picture(1)
    grey = np.tensordot([0.299, 0.587, 0.114], one.numpy().astype(float), axes=1).reshape(32, 7, 32, 7).mean((1, 3))

    def cosine(u, y):
        return math.sqrt((2 if u else 1) / 32) * math.cos(math.pi * u * (2 * y + 1) / 64)

    values = [
        sum(cosine(u, y) * cosine(v, x) * grey[y, x] for y in range(32) for x in range(32))
        for u in range(8)
        for v in range(8)
    ]
    median = np.median(values[1:])
    expected = sum(1 << k for k in range(1, 64) if values[k] > median + 32 * MARGIN)
    assert hash_of(one) == [expected - (1 << 64) * (expected >> 63)]


def test_resized_recoded_and_brighter_pictures_keep_their_hash():
    one = picture(2)
    small = torch.nn.functional.interpolate(one[None].float(), (90, 90), mode="bilinear", antialias=True)
    back = torch.nn.functional.interpolate(small, (224, 224), mode="bilinear")[0].round().to(torch.uint8)
    noisy = (one.float() + torch.from_numpy(np.random.default_rng(5).normal(0, 12, one.shape))).clamp(0, 255)
    hashes = hash_of(one, back, noisy.to(torch.uint8), (one.float() * 0.9).to(torch.uint8))
    assert max(num_bits(hashes[0], other) for other in hashes[1:]) <= 3


def test_different_pictures_have_hashes_far_apart():
    hashes = hash_of(*(picture(seed) for seed in range(10, 22)))
    assert min(num_bits(a, b) for i, a in enumerate(hashes) for b in hashes[:i]) >= 12


def test_pictures_with_too_little_in_them_have_no_hash():
    white = torch.full((3, 224, 224), 255, dtype=torch.uint8)
    edge = white.clone()
    edge[:, :, 112:] = 0
    faint = (254 + (picture(3) > 120).to(torch.uint8)).clamp(max=255)
    assert hash_of(white, edge, faint, picture(3))[:3] == [None, None, None]
    assert hash_of(picture(3)) != [None]


@pytest.mark.parametrize("size", [32, 33, 50, 224])
def test_areas_keep_the_mean_and_quarters_know_their_places(size):
    one = torch.zeros((1, 3, size, size), dtype=torch.uint8)
    one[0, 0] = 200
    one[0, 1, size - size // 2 :, :] = 100
    one[0, 2, :, size - size // 2 :] = 50
    colors = quarter_colors(averaged(one))
    middle = size % 2 * np.array([0, 1, 1]) * [0, 100, 50] / size  # of an odd side half a pixel of the other colour
    expected = [[[200, 0, 0], [200, 0, 50]], [[200, 100, 0], [200, 100, 50]]]
    assert colors.shape == (1, 2, 2, 3)
    assert np.abs(colors[0].astype(int) - expected).max() <= middle.max() + 1


PICTURES = torch.stack([picture(seed) for seed in range(8)])


def hashed(places, delays, indices=None):
    """Which of PICTURES the four hashes are of, for frames that show these."""
    found = hash_frames(PICTURES[places], range(len(places)) if indices is None else indices, delays)
    known = hash_of(*PICTURES)
    assert len(found.colors) == 48
    colors = [quarter_colors(averaged(PICTURES))[known.index(one)].tobytes() for one in found.hashes]
    assert found.colors == b"".join(colors)
    return [known.index(one) for one in found.hashes]


@pytest.mark.parametrize(
    ("places", "delays", "chosen"),
    [
        (range(8), [100] * 8, [1, 3, 5, 7]),
        (range(8), [50] * 8, [1, 3, 5, 7]),
        (range(8), [0] * 8, [1, 3, 5, 7]),
        (range(4), [100] * 4, [0, 1, 2, 3]),
        # one frame holds most of the loop
        (range(5), [1000, 20, 20, 20, 20], [0, 1, 3, 4]),
        (range(5), [20, 20, 20, 20, 5000], [0, 2, 3, 4]),
        (range(4), [7000, 100, 100, 100], [0, 1, 2, 3]),
        # few pictures: each comes as often as it can, whatever its time
        (range(3), [700, 100, 100], [0, 1, 1, 2]),
        (range(2), [700, 100], [0, 0, 1, 1]),
        (range(2), [100, 700], [0, 0, 1, 1]),
        (range(1), [100], [0, 0, 0, 0]),
        # frames that show the same picture count once
        ([0] * 9 + [1, 2, 3], [100] * 12, [0, 1, 2, 3]),
        ([0, 1] * 8, [100] * 16, [0, 0, 1, 1]),
        ([0, 1, 2, 3, 4, 3, 2, 1], [100] * 8, [1, 2, 3, 4]),
    ],
)
def test_hashes_are_of_distinct_pictures_spread_over_the_playing_time(places, delays, chosen):
    assert hashed(list(places), delays) == chosen


def test_a_frame_stands_for_those_after_it_that_were_not_sampled():
    # 40 frames of which 5 are sampled: the first stands for 0 .. 29
    assert hashed([0, 1, 2, 3, 4], [100] * 40, [2, 30, 32, 34, 38]) == [0, 1, 3, 4]


def test_a_copy_at_another_speed_has_the_same_hashes_and_colours():
    slow = hash_frames(PICTURES, range(8), [40, 80, 120, 40, 80, 40, 200, 40])
    fast = hash_frames(PICTURES, range(8), [20, 40, 60, 20, 40, 20, 100, 20])
    assert slow == fast
    assert None not in slow.hashes and len(slow.hashes) == 4 and len(slow.colors) == 48


def test_a_copy_that_writes_a_standing_picture_as_one_frame_has_the_same_hashes_and_colours():
    many = [0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 6]
    once = hash_frames(PICTURES[:7], range(7), [500, 100, 100, 100, 100, 100, 200])
    assert hash_frames(PICTURES[many], range(12), [100] * 12) == once


def test_frames_that_differ_in_one_pixel_are_distinct():
    changed = PICTURES[0].clone()
    changed[0, 5, 5] ^= 1
    found = hash_frames(torch.stack([PICTURES[0], changed, PICTURES[1]]), range(3), [100] * 3)
    assert list(found.hashes) == hash_of(PICTURES[0], changed, changed, PICTURES[1])

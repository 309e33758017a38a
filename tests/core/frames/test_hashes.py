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


def hashed(*places):
    """Which of PICTURES the hashes are of, for frames that show these."""
    found = hash_frames(PICTURES[list(places)])
    known = hash_of(*PICTURES)
    colors = [quarter_colors(averaged(PICTURES))[known.index(one)].tobytes() for one in found.hashes]
    assert found.colors == b"".join(colors)
    return [known.index(one) for one in found.hashes]


def test_each_picture_is_hashed_once_in_the_order_in_which_it_appears():
    assert hashed(0, 1, 2, 3, 4, 5, 6, 7) == [0, 1, 2, 3, 4, 5, 6, 7]
    assert hashed(3, 3, 3, 1, 1, 3, 0, 1) == [3, 1, 0]
    assert hashed(5) == hashed(5, 5) == [5]


def test_what_a_codec_changes_is_no_new_picture_and_what_moves_is_one():
    noise = torch.from_numpy(np.random.default_rng(4).normal(0, 6, PICTURES[0].shape))
    noisy = (PICTURES[0].float() + noise).round().clamp(0, 255).to(torch.uint8)
    moved = PICTURES[0].roll(4, dims=2)
    found = hash_frames(torch.stack([PICTURES[0], noisy, moved]))
    assert list(found.hashes) == hash_of(PICTURES[0], moved)
    assert len(found.colors) == 24

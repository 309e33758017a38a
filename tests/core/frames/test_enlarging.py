"""Canvases smaller than a frame are enlarged by the published bilinear formula, whole or in part."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from autotag_core.frames import fit_frame
from autotag_core.frames.enlarging import axis, enlarge_into

SIDES = st.integers(1, 60)


def noise(height, width, seed=5):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 4), dtype=np.uint8)


def exactly(pixels, resized):
    """In float64, (3, *resized): torch's bilinear interpolation without antialiasing."""
    planes = torch.from_numpy(pixels[..., :3].astype(np.float64)).permute(2, 0, 1)[None]
    return torch.nn.functional.interpolate(planes, resized, mode="bilinear", align_corners=False)[0].numpy()


@settings(max_examples=40, deadline=None)
@given(SIDES, SIDES, st.data())
def test_any_cut_out_of_any_enlarged_canvas_is_the_nearest_level_to_the_exact_one(height, width, data):
    resized = height + data.draw(st.integers(0, 70)), width + data.draw(st.integers(0, 70))
    size = data.draw(st.integers(1, min(resized)))
    top, left = (data.draw(st.integers(0, side - size)) for side in resized)
    pixels = noise(height, width)
    found = np.empty((3, size, size), np.uint8)
    enlarge_into(found, pixels, resized, (top, left))
    expected = exactly(pixels, resized)[:, top : top + size, left : left + size]
    assert np.abs(found - expected).max() <= 0.5 + 1e-3


def test_a_row_of_pixels_twice_as_wide():
    assert axis(2, 4, 0, 4).before.tolist() == [0, 0, 0, 1]
    assert axis(2, 4, 0, 4).after.tolist() == [1, 1, 1, 1]
    assert axis(2, 4, 0, 4).weights.tolist() == [0, 0.25, 0.75, 0]


def test_one_pixel_is_its_colour_everywhere():
    pixels = np.array([[[10, 20, 30, 255]]], np.uint8)
    assert fit_frame(pixels, 32).reshape(3, -1).unique(dim=1).tolist() == [[10], [20], [30]]


@pytest.mark.parametrize("shape", [(31, 31), (16, 64), (64, 16), (31, 33)])
def test_the_middle_is_cut_out_of_canvases_that_are_no_squares(shape):
    pixels = noise(*shape)
    side = min(shape)
    resized = 32 * shape[0] // side, 32 * shape[1] // side
    top, left = (round((length - 32) / 2) for length in resized)
    expected = exactly(pixels, resized)[:, top : top + 32, left : left + 32]
    assert np.abs(fit_frame(pixels, 32).numpy() - expected).max() <= 0.5 + 1e-3

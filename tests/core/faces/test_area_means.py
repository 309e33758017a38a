"""Smaller frames and parts of them, held against torch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import interpolate

from autotag_core.faces.area_means import AreaMeans


@pytest.fixture
def frames() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (3, 37, 53, 3), dtype=np.uint8)


def by_torch(frames: np.ndarray, height: int, width: int) -> np.ndarray:
    pictures = torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2).float()
    return interpolate(pictures, size=(height, width), mode="area").permute(0, 2, 3, 1).numpy()


@pytest.mark.parametrize(("height", "width"), [(37, 53), (20, 31), (1, 1), (5, 60), (80, 7)])
def test_whole_frames_are_those_of_torch(frames: np.ndarray, height: int, width: int) -> None:
    found = AreaMeans(frames).whole(height, width)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, by_torch(frames, height, width), atol=1e-4)


def test_parts_are_those_of_torch(frames: np.ndarray) -> None:
    boxes = np.array([[0, 0, 53, 37], [10, 5, 11, 6], [20, 0, 53, 3], [7, 8, 31, 32]])
    owners = np.array([0, 2, 1, 2])
    right = [
        by_torch(frames[at : at + 1, y:y_end, x:x_end], 24, 24)[0]
        for at, (x, y, x_end, y_end) in zip(owners, boxes, strict=True)
    ]
    np.testing.assert_allclose(AreaMeans(frames).parts(owners, boxes, 24), np.stack(right), atol=1e-4)


def test_a_frame_whose_sum_overflows_gives_right_means() -> None:
    frame = np.full((1, 3000, 3000, 3), 255, np.uint8)  # 2.3e9 in all, more than int32 holds
    frame[0, 2990:, 2990:] = 7
    means = AreaMeans(frame)
    assert means.parts(np.zeros(1, int), np.array([[2980, 2980, 3000, 3000]]), 2)[0, :, :, 0].tolist() == [
        [255, 255],
        [255, 7],
    ]
    assert means.whole(300, 300)[0, 298:, 298:, 0].tolist() == [[255, 255], [255, 7]]

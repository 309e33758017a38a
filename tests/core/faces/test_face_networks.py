"""Faces in a batch of frames, held against facenet-pytorch's own search."""

from __future__ import annotations

from pathlib import Path

import cv2
import facenet_pytorch
import numpy as np
import pytest
import torch
from facenet_pytorch.models.utils.detect_face import detect_face

from autotag_core.faces import face_networks
from autotag_core.faces.face_networks import SCALE_FACTOR, FaceNetworks
from tests.core.faces.conftest import picture


@pytest.fixture(scope="module")
def networks() -> FaceNetworks:
    return FaceNetworks()


def hold_against_the_library(networks: FaceNetworks, frames: np.ndarray, smallest: float) -> int:
    """Asserts that boxes, scores and landmarks are the library's. How many faces there are."""
    own = facenet_pytorch.MTCNN(device="cpu")
    with torch.inference_mode():
        boxes, landmarks = detect_face(
            frames, smallest, own.pnet, own.rnet, own.onet, face_networks.THRESHOLDS, SCALE_FACTOR, "cpu"
        )
    found = networks.search(frames, smallest)
    assert [len(one) for one, _ in found] == [len(one) for one in boxes]
    for (seen, points), right, right_points in zip(found, boxes, landmarks, strict=True):
        np.testing.assert_allclose(seen, right.reshape(-1, 5), atol=1e-2)
        np.testing.assert_allclose(points, right_points.reshape(-1, 5, 2), atol=1e-2)
    return sum(len(one) for one, _ in found)


def test_faces_of_people_are_those_of_the_library(networks: FaceNetworks, faces_folder: Path) -> None:
    random = np.random.default_rng(5)
    frames = random.integers(60, 90, (4, 240, 420, 3), dtype=np.uint8)
    for at, number in enumerate((1, 4, 7)):
        for place, person in enumerate(("s1", "s8", "s20")[: at + 1]):
            face = picture(faces_folder, person, number)[:200]
            frames[at, 20 : 20 + len(face), 130 * place + 10 : 130 * place + 10 + 120] = cv2.resize(
                face, (120, len(face))
            )
    assert hold_against_the_library(networks, frames, 36) >= 6


def test_candidates_of_low_scores_are_those_of_the_library(
    networks: FaceNetworks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pictures without a face have candidates enough where all thresholds are low, and need no people."""
    monkeypatch.setattr(face_networks, "THRESHOLDS", (0.15, 0.02, 0.001))
    coarse = np.random.default_rng(1).integers(0, 256, (3, 12, 15, 3), dtype=np.uint8)
    frames = np.stack([cv2.resize(one, (150, 120), interpolation=cv2.INTER_CUBIC) for one in coarse])
    assert hold_against_the_library(networks, frames, 20) > 5


@pytest.mark.parametrize("shape", [(2, 12, 12, 3), (1, 15, 400, 3), (2, 400, 15, 3), (1, 11, 30, 3)])
def test_small_and_narrow_frames_without_a_face_have_none(networks: FaceNetworks, shape: tuple[int, ...]) -> None:
    found = networks.search(np.full(shape, 128, np.uint8), 12)
    assert [boxes.shape + points.shape for boxes, points in found] == [(0, 5, 0, 5, 2)] * shape[0]

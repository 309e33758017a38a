"""Embeds faces: what an embedder is, and the default one.

That is dlib's ResNet (King 2017), 128 numbers a face; faces of one person are less than about 0.6 apart.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import torch

from autotag_core.faces.detector import Face
from autotag_core.faces.dlib_network import DIMENSION, read_dlib_network
from autotag_core.faces.packages import need, not_installed

CHIP_SIDE = 150
"""Pixels of a chip: a face that is turned upright and scaled, as the network was trained with."""
_RISE = 0.05
"""How much lower than MTCNN's box the landmark model expects one, as a share of its side."""
_OUTSIDE = 0.2
"""Of a chip's side, at each end: what is not the face's middle."""
_BATCH = 32
NETWORK, _LANDMARKS = "dlib_face_recognition_resnet_model_v1.dat", "shape_predictor_5_face_landmarks.dat"


class Embedder(Protocol):
    """Cuts faces out of frames and embeds them. Limits of distances hold for each embedder (see KNOWN_DISTANCE)."""

    dimension: int
    model_version: str
    """A gallery's embeddings can be compared with those of the same version alone."""

    def chip(self, frame: np.ndarray, face: Face) -> np.ndarray:
        """The face alone, (side, side, 3) uint8 RGB."""

    def embed(self, chips: Sequence[np.ndarray]) -> np.ndarray:
        """(n, dimension) float32 of n chips."""


class FaceEmbedder:
    """The network and the landmark model that turns faces upright, loaded once."""

    dimension = DIMENSION

    def __init__(self) -> None:
        dlib = need("dlib")
        self.model_version = model_version()
        folder = weights_folder()
        self._network = read_dlib_network(folder / NETWORK)
        self._landmarks = dlib.shape_predictor(str(folder / _LANDMARKS))

    def chip(self, frame: np.ndarray, face: Face) -> np.ndarray:
        """The face alone, (150, 150, 3) uint8 RGB, upright. Beyond the frame's edge it is black."""
        dlib = need("dlib")
        left, top, right, bottom = face.box
        x, y, half = (left + right) / 2, (top + bottom) / 2 + _RISE * face.size, face.size / 2
        box = dlib.rectangle(*(round(number) for number in (x - half, y - half, x + half, y + half)))
        frame = np.ascontiguousarray(frame)
        return np.asarray(dlib.get_face_chip(frame, self._landmarks(frame, box), CHIP_SIDE))

    @torch.inference_mode()
    def embed(self, chips: Sequence[np.ndarray]) -> np.ndarray:
        """(n, 128) float32 of n chips."""
        found = [np.empty((0, DIMENSION), np.float32)]
        for start in range(0, len(chips), _BATCH):
            found.append(self._network(torch.from_numpy(np.stack(chips[start : start + _BATCH]))).numpy())
        return np.concatenate(found)


@cache
def model_version() -> str:
    """Names both models: a gallery's embeddings can be compared with those of the same version alone."""
    files = [weights_folder() / name for name in (NETWORK, _LANDMARKS)]
    sums = [hashlib.sha256(file.read_bytes()).hexdigest()[:8] for file in files]
    return f"dlib-resnet-{'-'.join(sums)}-mtcnn"


def sharpness(chip: np.ndarray) -> float:
    """Variance of the Laplacian of the chip in grey levels (Pech-Pacheco 2000): low is blurred.

    A chip of another side is first made CHIP_SIDE large, so that limits hold for each embedder.
    """
    return float(_edges(chip).var())


def middle_sharpness(chip: np.ndarray) -> float:
    """As `sharpness`, of the middle of the chip: without the edges that a picture has where it ends inside the chip."""
    outside = round(_OUTSIDE * CHIP_SIDE)
    return float(_edges(chip)[outside:-outside, outside:-outside].var())


def _edges(chip: np.ndarray) -> np.ndarray:
    """(CHIP_SIDE, CHIP_SIDE) float64."""
    grey = cv2.cvtColor(chip, cv2.COLOR_RGB2GRAY)
    if len(grey) != CHIP_SIDE:
        grey = cv2.resize(grey, (CHIP_SIDE, CHIP_SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.Laplacian(grey, cv2.CV_64F))


def weights_folder() -> Path:
    """Where face-recognition-models keeps its files. Its own import needs a module that Python no longer has.

    InputError where it is not installed.
    """
    spec = find_spec("face_recognition_models")
    if spec is None or spec.origin is None:
        raise not_installed("face-recognition-models")
    return Path(spec.origin).parent / "models"

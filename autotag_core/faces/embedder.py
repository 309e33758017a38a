"""Embeds faces: dlib's ResNet (King 2017), 128 numbers a face; faces of one person are less than about 0.6 apart."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np

from autotag_core.faces.detector import Face

DIMENSION = 128
CHIP_SIDE = 150
"""Pixels of a chip: a face that is turned upright and scaled, as the network was trained with."""
_RISE = 0.05
"""How much lower than MTCNN's box the landmark model expects one, as a share of its side."""
_NETWORK, _LANDMARKS = "dlib_face_recognition_resnet_model_v1.dat", "shape_predictor_5_face_landmarks.dat"


class FaceEmbedder:
    """The network and the landmark model that turns faces upright, loaded once."""

    def __init__(self) -> None:
        import dlib

        folder = weights_folder()
        self._network = dlib.face_recognition_model_v1(str(folder / _NETWORK))
        self._landmarks = dlib.shape_predictor(str(folder / _LANDMARKS))

    def chip(self, frame: np.ndarray, face: Face) -> np.ndarray:
        """The face alone, (150, 150, 3) uint8 RGB, upright. Beyond the frame's edge it is black."""
        import dlib

        left, top, right, bottom = face.box
        x, y, half = (left + right) / 2, (top + bottom) / 2 + _RISE * face.size, face.size / 2
        box = dlib.rectangle(*(round(number) for number in (x - half, y - half, x + half, y + half)))
        frame = np.ascontiguousarray(frame)
        return np.asarray(dlib.get_face_chip(frame, self._landmarks(frame, box), CHIP_SIDE))

    def embed(self, chips: Sequence[np.ndarray]) -> np.ndarray:
        """(n, 128) float32 of n chips, all at once."""
        if not chips:
            return np.empty((0, DIMENSION), np.float32)
        return np.array(self._network.compute_face_descriptor(list(chips)), np.float32).reshape(-1, DIMENSION)


@cache
def model_version() -> str:
    """Names both models: a gallery's embeddings can be compared with those of the same version alone."""
    files = [weights_folder() / name for name in (_NETWORK, _LANDMARKS)]
    sums = [hashlib.sha256(file.read_bytes()).hexdigest()[:8] for file in files]
    return f"dlib-resnet-{'-'.join(sums)}-mtcnn"


def sharpness(chip: np.ndarray) -> float:
    """Variance of the Laplacian of the chip in grey levels (Pech-Pacheco 2000): low is blurred."""
    return float(cv2.Laplacian(cv2.cvtColor(chip, cv2.COLOR_RGB2GRAY), cv2.CV_64F).var())


def weights_folder() -> Path:
    """Where face-recognition-models keeps its files. Its own import needs a module that Python no longer has."""
    spec = find_spec("face_recognition_models")
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent / "models"

"""Embeds faces with a network of one's own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image

from autotag_core.faces.detector import Face
from autotag_core.faces.network.face_model import read_face_model
from autotag_core.faces.network.face_network import DIMENSION, FaceNetwork
from autotag_core.faces.network.face_record import FaceRecord

_BATCH = 32


class TrainedEmbedder:
    """The network of a folder, loaded once, on the CPU."""

    dimension = DIMENSION

    def __init__(self, network: FaceNetwork, record: FaceRecord, sha256: str) -> None:
        self._network, self._record = network, record
        self.model_version = f"{record.stem}-{sha256[:16]}-mtcnn"

    def chip(self, frame: np.ndarray, face: Face) -> np.ndarray:
        """The face with its margin, (side, side, 3) uint8 RGB. It is not turned upright, as published."""
        return cut_out(frame, face.box, self._record.margin, self._record.side)

    def embed(self, chips: Sequence[np.ndarray]) -> np.ndarray:
        """(n, 256) float32 of n chips, each of the length `scale` of the record."""
        found = embed_chips(self._network, chips)
        return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12) * np.float32(self._record.scale)


def load_trained(uri: str) -> TrainedEmbedder:
    """The embedder in a folder. InputError: see read_face_model."""
    return TrainedEmbedder(*read_face_model(uri))


def cut_out(frame: np.ndarray, box: tuple[float, float, float, float], margin: float, side: int) -> np.ndarray:
    """(side, side, 3) uint8: the box, larger by the margin, as far as it is in the frame. Resized bilinearly."""
    height, width = frame.shape[:2]
    left, top, right, bottom = box
    more_x, more_y = margin * (right - left) / 2, margin * (bottom - top) / 2
    first_x, first_y = (int(min(max(at, 0), end - 1)) for at, end in ((left - more_x, width), (top - more_y, height)))
    last_x = int(min(max(right + more_x, first_x + 1), width))
    last_y = int(min(max(bottom + more_y, first_y + 1), height))
    picture = Image.fromarray(np.ascontiguousarray(frame[first_y:last_y, first_x:last_x]))
    return np.asarray(picture.resize((side, side), Image.Resampling.BILINEAR))


@torch.inference_mode()
def embed_chips(network: FaceNetwork, chips: Sequence[np.ndarray]) -> np.ndarray:
    """(n, 256) float32 of n chips (side, side, 3) uint8 as the network gives them, of any length."""
    found = [np.empty((0, DIMENSION), np.float32)]
    network.eval()
    for start in range(0, len(chips), _BATCH):
        batch = torch.from_numpy(np.stack(chips[start : start + _BATCH])).permute(0, 3, 1, 2).float() / 255
        found.append(network.embed(batch).numpy())
    return np.concatenate(found)

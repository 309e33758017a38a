"""The three networks of MTCNN (Zhang et al. 2016) over a batch of frames: proposed, refined, and final faces.

Networks, weights and the arithmetic of boxes are facenet-pytorch's. Its `detect_face` takes most of its time to make
candidates smaller one by one, and to pool with channels first in memory. Here all are made smaller at once, and
channels come last. The faces are the same; a test holds that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torchvision.ops import batched_nms

from autotag_core.faces.area_means import AreaMeans
from autotag_core.faces.packages import need

THRESHOLDS, SCALE_FACTOR = (0.6, 0.7, 0.7), 0.709
"""Scores that pass each of the three networks, and steps of the image pyramid, as published (celeb-detection-oss)."""
_CELL = 12
"""Pixels of a face for the first network."""
_BATCH = 256
"""Candidates that a network sees at once."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """Boxes (k, 5) with their scores last, and the frame (k,) of each."""

    boxes: torch.Tensor
    frames: torch.Tensor

    def of(self, which: torch.Tensor) -> Candidates:
        """Some of them: places, or a mask."""
        return Candidates(self.boxes[which], self.frames[which])

    def apart(self, overlap: float) -> torch.Tensor:
        """Places of those that overlap no better one of their frame by more than this."""
        return batched_nms(self.boxes[:, :4], self.boxes[:, 4], self.frames, overlap)


class FaceNetworks:
    """Loaded once, on the CPU. Several threads may search at once."""

    def __init__(self) -> None:
        networks = need("facenet_pytorch").MTCNN(device="cpu").to(memory_format=torch.channels_last)
        self._first, self._second, self._third = networks.pnet, networks.rnet, networks.onet
        self._boxes = need("facenet_pytorch.models.utils.detect_face")

    @torch.inference_mode()
    def search(self, frames: np.ndarray, smallest: float) -> list[tuple[np.ndarray, np.ndarray]]:
        """Boxes with scores (k, 5) and landmarks (k, 5, 2) in each frame (n, height, width, 3) uint8.

        The smallest face has so many pixels, at least 12.
        """
        means = AreaMeans(frames)
        found = self._refined(means, self._proposed(means, frames.shape[1:3], smallest))
        found, landmarks = self._final(means, found)
        owners = found.frames.numpy()
        boxes, points = found.boxes.numpy(), landmarks.numpy()
        return [(boxes[owners == at], points[owners == at]) for at in range(len(frames))]

    def _proposed(self, means: AreaMeans, sides: tuple[int, int], smallest: float) -> Candidates:
        """What the first network takes for a face, at each step of the pyramid."""
        scale, found = _CELL / smallest, []
        while min(sides) * scale >= _CELL:
            pictures = _pictures(means.whole(*(int(side * scale + 1) for side in sides)))
            moves, scores = self._first(pictures)
            boxes, frames = self._boxes.generateBoundingBox(moves, scores[:, 1], scale, THRESHOLDS[0])
            step = Candidates(boxes, frames)
            found.append(step.of(step.apart(0.5)))
            scale *= SCALE_FACTOR
        if not found:
            return Candidates(torch.zeros(0, 5), torch.zeros(0, dtype=torch.long))
        every = Candidates(torch.cat([one.boxes for one in found]), torch.cat([one.frames for one in found]))
        every = every.of(every.apart(0.7))
        boxes, moves = every.boxes[:, :5], every.boxes[:, 5:]
        boxes[:, :4] += moves * (boxes[:, 2:4] - boxes[:, :2]).repeat(1, 2)
        return Candidates(self._boxes.rerec(boxes), every.frames)

    def _refined(self, means: AreaMeans, found: Candidates) -> Candidates:
        """Those that pass the second network, moved by it and made square."""
        found, pictures = _cut_out(means, found, 24)
        if not len(pictures):
            return found
        moves, scores = _answers(self._second, pictures)
        found, moves = _passing(found, moves, scores, THRESHOLDS[1])
        apart = found.apart(0.7)
        return Candidates(self._boxes.rerec(self._boxes.bbreg(found.boxes[apart], moves[apart])), found.frames[apart])

    def _final(self, means: AreaMeans, found: Candidates) -> tuple[Candidates, torch.Tensor]:
        """Those that pass the third network, and landmarks (k, 5, 2)."""
        found, pictures = _cut_out(means, found, 48)
        if not len(pictures):
            return found, torch.zeros(0, 5, 2)
        moves, points, scores = _answers(self._third, pictures)
        found, numbers = _passing(found, torch.cat([moves, points], 1), scores, THRESHOLDS[2])
        corners, sides = found.boxes[:, None, :2], found.boxes[:, 2:4] - found.boxes[:, :2] + 1
        landmarks = numbers[:, 4:].reshape(-1, 2, 5).mT * sides[:, None] + corners - 1
        boxes = self._boxes.bbreg(found.boxes, numbers[:, :4])
        apart = self._boxes.batched_nms_numpy(boxes[:, :4], boxes[:, 4], found.frames, 0.7, "Min")
        return Candidates(boxes[apart], found.frames[apart]), landmarks[apart]


def _cut_out(means: AreaMeans, found: Candidates, side: int) -> tuple[Candidates, torch.Tensor]:
    """Candidates that have pixels in their frame, and those (k, 3, side, side)."""
    height, width = means.sides
    corners = found.boxes[:, :4].trunc().int().numpy()  # the first pixel is 1
    inside = np.stack(
        [
            np.maximum(corners[:, 0], 1) - 1,
            np.maximum(corners[:, 1], 1) - 1,
            np.minimum(corners[:, 2], width),
            np.minimum(corners[:, 3], height),
        ],
        axis=1,
    )
    is_there = (inside[:, 2] > inside[:, 0]) & (inside[:, 3] > inside[:, 1])
    found = found.of(torch.from_numpy(is_there))
    return found, _pictures(means.parts(found.frames.numpy(), inside[is_there], side))


def _passing(
    found: Candidates, numbers: torch.Tensor, scores: torch.Tensor, threshold: float
) -> tuple[Candidates, torch.Tensor]:
    """Candidates with a new score above the threshold, and their numbers."""
    score = scores[:, 1]
    passes = score > threshold
    boxes = torch.cat([found.boxes[passes, :4], score[passes, None]], 1)
    return Candidates(boxes, found.frames[passes]), numbers[passes]


def _answers(network: torch.nn.Module, pictures: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """What the network says of all pictures."""
    batches = [network(batch) for batch in pictures.split(_BATCH)]
    return tuple(torch.cat(parts) for parts in zip(*batches, strict=True))


def _pictures(pixels: np.ndarray) -> torch.Tensor:
    """(n, height, width, 3) 0 to 255 as the networks want them: (n, 3, height, width) -1 to 1."""
    return torch.from_numpy((pixels - np.float32(127.5)) * np.float32(0.0078125)).permute(0, 3, 1, 2)

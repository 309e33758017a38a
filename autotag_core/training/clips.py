"""From a row of training_examples to its place in a batch: decoded, frames chosen, augmented."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from autotag_core.config import FramesConfig
from autotag_core.errors import AutotagError
from autotag_core.failures import ItemError
from autotag_core.frames import load_frames
from autotag_core.training.augmentation import augmented, chosen_frames, jittered_frames
from autotag_core.training.index import ExampleIndex
from autotag_core.training.pictures import decode_frames
from autotag_core.training.settings import LoaderSettings

_AUGMENTATION = 7
"""Keeps its random numbers apart from those of plan.py."""


@dataclass(frozen=True)
class Row:
    """What it takes to make a GIF's frames: stored frames, or where the GIF is."""

    gif_id: str
    uri: str
    version: str
    files: tuple[bytes, ...]


class ClipMaker:
    """Fills batches. Many threads may use it, each for its own places."""

    def __init__(
        self,
        index: ExampleIndex,
        rates: NDArray[np.float64],
        is_train: bool,
        settings: LoaderSettings,
        frames: FramesConfig,
    ) -> None:
        self._index, self._rates, self._settings, self._frames = index, rates, settings, frames
        self._augmentation = settings.augmentation if is_train else None

    def empty_batch(self, size: int) -> dict[str, torch.Tensor]:
        """A batch of `size` places. Frames are not set, everything else is 0."""
        num_frames, side = self._settings.num_frames, self._frames.size
        return {
            "frames": torch.empty((size, num_frames, 3, side, side), dtype=torch.uint8),
            "mask": torch.zeros((size, num_frames), dtype=torch.bool),
            "targets": torch.zeros((size, self._index.labels.num_classes)),
            "index": torch.full((size,), -1, dtype=torch.int64),
        }

    def fill(self, batch: dict[str, torch.Tensor], place: int, row: Row, draw: tuple[int, int, int]) -> None:
        """Set one place. draw is (example, number of this draw in the epoch, epoch); the augmentation follows from it.

        AutotagError names the GIF if its frames can't be had, or are not those that its labels are about.
        """
        clip = self._clip(row, *draw)  # (m, 3, size, size)
        batch["frames"][place, : len(clip)] = clip
        batch["frames"][place, len(clip) :] = 0
        batch["mask"][place, : len(clip)] = True
        labels = self._index.labels
        own = slice(labels.offsets[draw[0]], labels.offsets[draw[0] + 1])
        classes = torch.from_numpy(labels.classes[own].astype(np.int64))
        batch["targets"][place, classes] = torch.from_numpy(self._index.confidences[own])

    def _clip(self, row: Row, example: int, repeat: int, epoch: int) -> torch.Tensor:
        frames = None if row.files else self._load(row)
        num_frames, num_wanted = len(row.files) if frames is None else len(frames), self._settings.num_frames
        if self._augmentation is None:
            return self._take(row, frames, chosen_frames(num_frames, num_wanted))
        rng = np.random.default_rng([self._settings.seed, epoch, _AUGMENTATION, example, repeat])
        strength = self._augmentation.strength(self._rates[example], self._settings.max_repeats)
        indices = jittered_frames(num_frames, num_wanted, self._augmentation, strength, rng)
        may_flip = not self._index.has_text[example]
        return augmented(self._take(row, frames, indices), self._augmentation, strength, may_flip, rng)

    def _take(self, row: Row, frames: torch.Tensor | None, indices: list[int]) -> torch.Tensor:
        """The frames of these indices. Of stored frames, each one that is needed is decoded once."""
        if frames is not None:
            return frames[indices]
        needed = sorted(set(indices))
        try:
            decoded = decode_frames([row.files[index] for index in needed])
        except ValueError as error:
            raise AutotagError(f"{row.gif_id}: {error}") from None
        return decoded[[needed.index(index) for index in indices]]

    def _load(self, row: Row) -> torch.Tensor:
        try:
            gif = load_frames(row.uri, self._frames)
        except ItemError as error:
            raise AutotagError(f"{row.gif_id}: {error.message}") from None
        if gif.media.version != row.version:
            raise AutotagError(
                f"{row.gif_id}: {row.uri} is no longer the file that was tagged (version {gif.media.version}, not "
                f"{row.version}): with training.frames=jpeg a run keeps the frames themselves"
            )
        return gif.frames

"""Batches of frames on their way through the networks. A GPU has two at once, so that copies and computing overlap."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from autotag_core.experts.frames.memory import compute_in_batches, is_out_of_memory
from autotag_core.experts.frames.packing import pack
from autotag_core.experts.registry import FrameModels

if TYPE_CHECKING:
    import torch

MAX_IN_FLIGHT = 2
"""Batches. While the device computes one, the next is copied, and the host prepares the one after that."""

Features = dict[str, "torch.Tensor"]
"""By backbone: (n, d) float32."""


class Computed(NamedTuple):
    """A batch that came back."""

    features: dict[str, np.ndarray]
    """By backbone: (n, d) float32."""
    lost: np.ndarray
    """(n,): True for frames that did not fit the device's memory even alone; their features are 0."""
    seconds: float
    """How long the device computed: on a GPU by its own clock, without the copy to it."""


class Launched(Protocol):
    """A batch that was given to a device."""

    def is_done(self) -> bool:
        """Whether wait() returns at once."""

    def wait(self) -> tuple[Features, float]:
        """Features on the host and the seconds that they took."""


class Lane(Protocol):
    """How bytes get to a device, and features back."""

    pinned: bool
    """Whether the bytes must lie in pinned memory."""

    def launch(self, data: torch.Tensor, compute: Callable[[torch.Tensor], Features]) -> Launched:
        """Start to compute on these bytes, which belong to the lane from now on."""


class InFlight:
    """Takes batches and gives them back in their order: on a CPU at once, on a GPU one or two later.

    Where a GPU's memory is full, it waits for the earlier batches and computes this one alone, halved until it fits.
    `size` then stays what fitted.
    """

    def __init__(self, models: FrameModels, lane: Lane | None = None) -> None:
        self.size = models.batch_size
        """Frames of the next batch. A smaller one is filled up."""
        self._models = models
        self._lane = lane or (GpuLane(models.device) if models.device.type == "cuda" else CpuLane())
        self._sent: deque[_Sent] = deque()

    def send(self, pieces: Sequence[torch.Tensor], then: Callable[[Computed], None]) -> None:
        """Compute a batch of at most `size` frames, pieces as `pack` takes them. `then` is called when it is back."""
        frames = pack(pieces, self.size, self._models.frame_size, self._lane.pinned)
        while len(self._sent) >= MAX_IN_FLIGHT:
            self._receive()
        launched = self._launched(frames)
        self._sent.append(_Sent(tuple(pieces), launched, then))
        if launched is None:
            self.finish()
        while self._sent and (first := self._sent[0].launched) is not None and first.is_done():
            self._receive()

    def finish(self) -> None:
        """Wait for all batches."""
        while self._sent:
            self._receive()

    def _launched(self, frames: torch.Tensor) -> Launched | None:
        """The batch, given to the device. None: there is not enough memory."""
        try:
            return self._launch(frames)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            return None

    def _launch(self, frames: torch.Tensor) -> Launched:
        def compute(data: torch.Tensor) -> Features:
            return {name: backbone.features(data) for name, backbone in self._models.backbones.items()}

        return self._lane.launch(frames, compute)

    def _receive(self) -> None:
        sent = self._sent.popleft()
        computed = self._waited_for(sent)
        # outside the `except`, whose traceback would hold the batch's memory
        sent.then(self._alone(sent.pieces) if computed is None else computed)

    def _waited_for(self, sent: _Sent) -> Computed | None:
        """What the batch gave. None: there was not enough memory."""
        if sent.launched is None:
            return None
        try:
            features, seconds = sent.launched.wait()
        except RuntimeError as error:  # the driver may report missing memory as late as here
            if not is_out_of_memory(error):
                raise
            return None
        num_frames = sum(map(len, sent.pieces))
        found = {name: tensor[:num_frames].numpy() for name, tensor in features.items()}
        return Computed(found, np.zeros(num_frames, bool), seconds)

    def _alone(self, pieces: Sequence[torch.Tensor]) -> Computed:
        """The batch computed once more, alone and waited for, in smaller batches if it must be."""
        num_frames = sum(map(len, pieces))
        backbones = self._models.backbones.items()
        features = {name: np.zeros((num_frames, backbone.dimension), np.float32) for name, backbone in backbones}
        seconds = []

        def compute(start: int, stop: int, size: int) -> None:
            frames = pack(_cut(pieces, start, stop), size, self._models.frame_size, self._lane.pinned)
            found, taken = self._launch(frames).wait()
            for name, tensor in found.items():
                features[name][start:stop] = tensor[: stop - start]
            seconds.append(taken)

        self.size, alone = compute_in_batches(num_frames, self.size, compute, "frames")
        lost = np.zeros(num_frames, bool)
        lost[alone] = True
        return Computed(features, lost, sum(seconds))


@dataclass(frozen=True)
class _Sent:
    pieces: tuple[torch.Tensor, ...]
    """Kept in case the batch must be computed once more."""
    launched: Launched | None
    then: Callable[[Computed], None]


def _cut(pieces: Sequence[torch.Tensor], start: int, stop: int) -> list[torch.Tensor]:
    """Frames start .. stop - 1 of all pieces."""
    found = []
    for piece in pieces:
        found.append(piece[max(start, 0) : max(stop, 0)])
        start, stop = start - len(piece), stop - len(piece)
    return [piece for piece in found if len(piece)]


class CpuLane:
    """A lane without copies: a batch is done as soon as it is launched."""

    pinned = False

    def launch(self, data: torch.Tensor, compute: Callable[[torch.Tensor], Features]) -> Launched:
        """Compute the batch; it is done on return."""
        start = time.perf_counter()
        features = compute(data)
        return _Done(features, time.perf_counter() - start)


@dataclass(frozen=True)
class _Done:
    features: Features
    seconds: float

    def is_done(self) -> bool:
        return True

    def wait(self) -> tuple[Features, float]:
        return self.features, self.seconds


class GpuLane:
    """Copies bytes to the GPU on a stream of their own while it computes; features come back without a wait."""

    def __init__(self, device: torch.device) -> None:
        import torch

        self.pinned = device.type == "cuda"
        self._device = device
        self._copies = torch.cuda.Stream(device)

    def launch(self, data: torch.Tensor, compute: Callable[[torch.Tensor], Features]) -> Launched:
        """Queue the copy, and the computation after it."""
        import torch

        computing = torch.cuda.current_stream(self._device)
        with torch.cuda.stream(self._copies):
            data = data.to(self._device, non_blocking=True)
        computing.wait_stream(self._copies)
        data.record_stream(computing)  # otherwise the copies' stream, which owns the memory, would reuse it too early
        started, ended = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        started.record(computing)
        features = {name: self._to_host(found) for name, found in compute(data).items()}
        ended.record(computing)
        return _OnItsWay(features, started, ended)

    def _to_host(self, found: torch.Tensor) -> torch.Tensor:
        import torch

        host = torch.empty(found.shape, dtype=found.dtype, pin_memory=self.pinned)
        return host.copy_(found, non_blocking=True)


@dataclass(frozen=True)
class _OnItsWay:
    features: Features
    started: torch.cuda.Event
    ended: torch.cuda.Event

    def is_done(self) -> bool:
        return self.ended.query()

    def wait(self) -> tuple[Features, float]:
        self.ended.synchronize()
        return self.features, self.started.elapsed_time(self.ended) / 1000

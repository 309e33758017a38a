"""Two batches at once on a device that answers later: order, bounds, the order of copies, and full memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any

import numpy as np
import pytest
import torch

from autotag_core.experts import FrameModels
from autotag_core.experts.frames.in_flight import Computed, CpuLane, GpuLane, InFlight

CPU = torch.device("cpu")
FULL = torch.cuda.OutOfMemoryError("CUDA out of memory")


class Red:
    """A frame's one feature is its mean red; so many frames fit at once."""

    dimension = 1

    def __init__(self, fits: int = 1_000_000) -> None:
        self.fits, self.sizes = fits, []

    def features(self, frames: torch.Tensor) -> torch.Tensor:
        self.sizes.append(len(frames))
        if len(frames) > self.fits:
            raise FULL
        return frames[:, :1].float().mean((2, 3))


class Later:
    """A batch that is done when it is waited for, and may then turn out not to have fitted."""

    def __init__(self, lane: LateLane, features: dict[str, torch.Tensor], fails: bool) -> None:
        self.lane, self.features, self.fails, self.done = lane, features, fails, False

    def is_done(self) -> bool:
        return self.done

    def wait(self) -> tuple[dict[str, torch.Tensor], float]:
        self.done = True
        self.lane.under_way.remove(self)
        if self.fails:
            raise torch.AcceleratorError("CUDA error: out of memory", 2)
        return self.features, 0.5


class LateLane:
    """A device that is done with nothing before it is waited for."""

    pinned = False

    def __init__(self, failing: tuple[int, ...] = ()) -> None:
        self.failing, self.num_launched, self.most = failing, 0, 0
        self.under_way: deque[Later] = deque()

    def launch(self, data: torch.Tensor, compute: Callable[[torch.Tensor], dict[str, torch.Tensor]]) -> Later:
        later = Later(self, compute(data), self.num_launched in self.failing)
        self.num_launched += 1
        self.under_way.append(later)
        self.most = max(self.most, len(self.under_way))
        return later


def batch(*reds: int) -> list[torch.Tensor]:
    """A frame (3, 32, 32) for each red, cut into two pieces."""
    frames = torch.tensor(reds, dtype=torch.uint8).reshape(-1, 1, 1, 1).expand(-1, 3, 32, 32)
    return [frames[:1], frames[1:]]


def run(lane: Any, backbone: Red, num_batches: int, size: int = 4) -> tuple[InFlight, list[Computed]]:
    flight = InFlight(FrameModels({"red": backbone}, (), size, 32, CPU), lane)  # type: ignore[dict-item]
    found: list[Computed] = []
    left = [10 * number + i for number in range(num_batches) for i in range(4)]
    while left:
        now, left = left[: flight.size], left[flight.size :]
        flight.send(batch(*now), found.append)
    flight.finish()
    return flight, found


def reds(found: list[Computed]) -> list[list[float]]:
    return [computed.features["red"][:, 0].tolist() for computed in found]


IN_ORDER = [[0, 1, 2, 3], [10, 11, 12, 13], [20, 21, 22, 23], [30, 31, 32, 33], [40, 41, 42, 43]]


def test_on_a_cpu_a_batch_is_back_before_the_next_is_sent() -> None:
    flight = InFlight(FrameModels({"red": Red()}, (), 4, 32, CPU))  # type: ignore[dict-item]
    found: list[Computed] = []
    flight.send(batch(5, 6), found.append)
    assert reds(found) == [[5, 6]], "and without what it was filled up with"
    assert found[0].seconds > 0
    assert found[0].lost.tolist() == [False, False]


def test_two_batches_are_under_way_and_all_come_back_in_order() -> None:
    lane, backbone = LateLane(), Red()
    _, found = run(lane, backbone, 5)
    assert (reds(found), lane.most, backbone.sizes) == (IN_ORDER, 2, [4] * 5)
    assert [computed.seconds for computed in found] == [0.5] * 5


def test_what_is_done_comes_back_without_a_wait() -> None:
    lane = LateLane()
    flight = InFlight(FrameModels({"red": Red()}, (), 4, 32, CPU), lane)  # type: ignore[arg-type,dict-item]
    found: list[Computed] = []
    flight.send(batch(1, 2), found.append)
    assert found == []
    lane.under_way[0].done = True
    flight.send(batch(3, 4), found.append)
    assert reds(found) == [[1, 2]]


@pytest.mark.parametrize("failing", [(0,), (1,), (2, 3), (4,), (0, 1, 2, 3)])
def test_memory_that_turns_out_full_while_two_are_under_way_loses_nothing(failing: tuple[int, ...]) -> None:
    flight, found = run(LateLane(failing), Red(), 5)
    assert list(chain(*reds(found))) == list(chain(*IN_ORDER))
    assert not np.concatenate([computed.lost for computed in found]).any()
    assert flight.size == (1 if len(failing) == 4 else 4), "halved only where a batch did not fit alone either"


def test_memory_that_is_full_at_the_start_waits_for_the_batches_before_and_halves() -> None:
    backbone = Red()
    lane = LateLane()
    flight = InFlight(FrameModels({"red": backbone}, (), 4, 32, CPU), lane)  # type: ignore[arg-type,dict-item]
    found: list[Computed] = []
    flight.send(batch(1, 2, 3, 4), found.append)
    backbone.fits = 1
    flight.send(batch(5, 6, 7, 8), found.append)
    assert reds(found) == [[1, 2, 3, 4], [5, 6, 7, 8]]
    assert (backbone.sizes, flight.size) == ([4, 4, 4, 2, 1, 1, 1, 1], 1)
    assert found[1].seconds == 4 * 0.5


def test_frames_that_do_not_fit_alone_are_lost_and_only_they() -> None:
    class FullOfSix(Red):
        def features(self, frames: torch.Tensor) -> torch.Tensor:
            if (frames == 6).any():
                raise FULL
            return super().features(frames)

    for lane in (CpuLane(), LateLane()):
        flight = InFlight(FrameModels({"red": FullOfSix()}, (), 4, 32, CPU), lane)  # type: ignore[arg-type,dict-item]
        found: list[Computed] = []
        flight.send(batch(5, 6, 7), found.append)
        assert reds(found) == [[5, 0, 7]]
        assert found[0].lost.tolist() == [False, True, False]


def test_another_error_is_raised() -> None:
    class Broken(Red):
        def features(self, frames: torch.Tensor) -> torch.Tensor:
            raise RuntimeError("CUDA error: an illegal memory access was encountered")

    with pytest.raises(RuntimeError, match="illegal memory access"):
        run(LateLane(), Broken(), 1)


class Stream:
    """Writes down what a CUDA stream is asked to do."""

    def __init__(self, log: list[str], name: str) -> None:
        self.log, self.name = log, name

    def wait_stream(self, other: Stream) -> None:
        self.log.append(f"{self.name} waits for {other.name}")


def test_a_gpu_copies_on_a_stream_of_its_own_and_tells_its_own_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    log: list[str] = []
    computing = Stream(log, "computing")

    class Event:
        def __init__(self, enable_timing: bool) -> None:
            assert enable_timing
            self.at = -1

        def record(self, stream: Stream) -> None:
            self.at = len(log)
            log.append(f"event on {stream.name}")

        def query(self) -> bool:
            return "synchronize" in log

        def synchronize(self) -> None:
            log.append("synchronize")

        def elapsed_time(self, end: Event) -> float:
            assert log[self.at : end.at] == ["event on computing", "compute"], "what the device computes, no copy to it"
            return 250.0

    @contextmanager
    def on(stream: Stream) -> Iterator[None]:
        log.append(f"on {stream.name}")
        yield
        log.append(f"off {stream.name}")

    def record_stream(tensor: torch.Tensor, stream: Stream) -> None:
        assert tensor.tolist() == [1, 2, 3]
        log.append(f"kept for {stream.name}")

    monkeypatch.setattr(torch.cuda, "Stream", lambda device: Stream(log, "copies"))
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: computing)
    monkeypatch.setattr(torch.cuda, "stream", on)
    monkeypatch.setattr(torch.cuda, "Event", Event)
    monkeypatch.setattr(torch.Tensor, "record_stream", record_stream)

    def compute(data: torch.Tensor) -> dict[str, torch.Tensor]:
        log.append("compute")
        return {"red": 2.0 * data}

    launched = GpuLane(CPU).launch(torch.tensor([1, 2, 3], dtype=torch.uint8), compute)
    assert not launched.is_done()
    features, seconds = launched.wait()
    assert (features["red"].tolist(), seconds, launched.is_done()) == ([2, 4, 6], 0.25, True)
    assert log == [
        *("on copies", "off copies", "computing waits for copies", "kept for computing"),
        *("event on computing", "compute", "event on computing", "synchronize"),
    ]

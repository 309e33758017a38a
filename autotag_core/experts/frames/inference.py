"""Sends frames of many GIFs through the backbones in batches of one fixed shape, and collects them GIF by GIF."""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from autotag_core.experts.frames.in_flight import Computed, InFlight
from autotag_core.experts.registry import FrameModels
from autotag_core.failures import ItemError, Reason, Stage

if TYPE_CHECKING:
    from autotag_core.faces.persons import SeenFace
    from autotag_core.frames import LoadedGif, Spent


@dataclass(frozen=True)
class Embedding:
    """A GIF as one expert sees it: vector (d,) float32, L2-normalised."""

    expert: str
    vector: np.ndarray
    model_version: str


@dataclass(frozen=True)
class Outcome:
    """What became of one GIF: its media if its frames were read, and embeddings or an error."""

    gif_id: str
    media: Any = None
    embeddings: tuple[Embedding, ...] = ()
    error: ItemError | None = None
    frame_features: np.ndarray | None = None
    """Features of FrameModels.kept: (n, d) float32, frames in their order."""
    spent: Spent | None = None
    """What loading it took."""
    seconds: float = 0.0
    """Its frames' share of the time that their batches took."""
    faces: tuple[SeenFace, ...] | None = None
    """As LoadedGif has them."""


@dataclass
class _Waiting:
    """A GIF on its way: frames before num_sent are in batches, those before num_done are embedded or given up."""

    gif_id: str
    item: LoadedGif | ItemError
    num_frames: int
    num_sent: int = 0
    num_done: int = 0
    features: dict[str, np.ndarray] = field(default_factory=dict)  # by backbone: (n, d) float32
    lost: bool = False
    seconds: float = 0.0


def embed_gifs(loaded: Iterable[tuple[str, LoadedGif | ItemError]], models: FrameModels) -> Iterator[Outcome]:
    """One Outcome per item, in the order of the items, whatever happens to a GIF.

    Batches run over GIF borders and always have the full size, so that a frame meets the same kernels in every task.
    Black frames fill up the last batch. On a GPU up to two batches are under way (in_flight.py) while the next GIFs are
    loaded. CUDA out of memory, in any of its forms (memory.py), halves the batch for the rest of this call. A GIF with
    a frame that does not fit alone fails with Reason.OUT_OF_MEMORY; the others go on.
    """
    batches = InFlight(models)
    queue: deque[_Waiting] = deque()
    num_waiting = 0
    for gif_id, item in loaded:
        queue.append(_Waiting(gif_id, item, 0 if isinstance(item, ItemError) else len(item.frames)))
        num_waiting += queue[-1].num_frames
        while num_waiting >= batches.size:
            num_waiting -= _send_batch(queue, batches)
        yield from _finished(queue, models)
    while num_waiting:
        num_waiting -= _send_batch(queue, batches)
    batches.finish()
    yield from _finished(queue, models)


def _finished(queue: deque[_Waiting], models: FrameModels) -> Iterator[Outcome]:
    while queue and queue[0].num_done == queue[0].num_frames:
        yield _outcome(queue.popleft(), models)


def _outcome(gif: _Waiting, models: FrameModels) -> Outcome:
    if isinstance(gif.item, ItemError):
        return Outcome(gif.gif_id, error=gif.item)
    if gif.lost:
        message = "not even one frame fits the device's memory: is another process using it?"
        return Outcome(gif.gif_id, gif.item.media, error=ItemError(Stage.EMBEDDINGS, Reason.OUT_OF_MEMORY, message))
    embeddings = []
    for expert in models.experts:
        vector = expert.pool(gif.item, gif.features[expert.backbone] if expert.backbone else None)
        if vector is not None:
            embeddings.append(Embedding(expert.name, vector, expert.model_version))
    features = gif.features[models.kept] if models.kept is not None else None
    return Outcome(
        gif.gif_id,
        gif.item.media,
        tuple(embeddings),
        frame_features=features,
        spent=gif.item.spent,
        seconds=gif.seconds,
        faces=gif.item.faces,
    )


def _send_batch(queue: deque[_Waiting], batches: InFlight) -> int:
    """Send off the next frames of the queue, at most one batch. Gives how many there are."""
    slices = _next_slices(queue, batches.size)
    pieces = [gif.item.frames[start:stop] for gif, start, stop in slices]  # type: ignore[union-attr]
    batches.send(pieces, functools.partial(_take, slices))
    return sum(map(len, pieces))


def _take(slices: list[tuple[_Waiting, int, int]], computed: Computed) -> None:
    """Give each GIF of a batch its own features."""
    seconds_each = computed.seconds / len(computed.lost)
    offset = 0
    for gif, start, stop in slices:
        rows = slice(offset, offset + stop - start)
        for name, features in computed.features.items():
            gif.features.setdefault(name, np.empty((gif.num_frames, features.shape[1]), np.float32))
            gif.features[name][start:stop] = features[rows]
        gif.lost |= bool(computed.lost[rows].any())
        gif.seconds += (stop - start) * seconds_each
        gif.num_done = stop
        offset = rows.stop


def _next_slices(queue: deque[_Waiting], size: int) -> list[tuple[_Waiting, int, int]]:
    """(GIF, first frame, last + 1) of the next frames in order, at most size in all. Marks them as sent."""
    slices = []
    for gif in queue:
        stop = min(gif.num_frames, gif.num_sent + size)
        if stop > gif.num_sent:
            slices.append((gif, gif.num_sent, stop))
            size -= stop - gif.num_sent
            gif.num_sent = stop
        if size == 0:
            break
    return slices

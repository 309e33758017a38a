"""The examples of a release as an iterable of torch batches: drawn by class, augmented, sharded, resumable."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from autotag_core.config import FramesConfig
from autotag_core.errors import InputError
from autotag_core.splits import SPLITS, TRAIN
from autotag_core.storage.uris import absolute
from autotag_core.tables import TRAINING_EXAMPLES
from autotag_core.training.balance import draw_rates
from autotag_core.training.clips import ClipMaker, Row
from autotag_core.training.index import ExampleIndex, read_index
from autotag_core.training.plan import Draws, Ints, every_example, plan_draws, share_of, shuffled
from autotag_core.training.row_groups import Visit, iter_rows
from autotag_core.training.settings import LoaderSettings, checked_settings
from autotag_core.warehouse import RunRecord, current_release

Batch = dict[str, torch.Tensor]
_WINDOWS = {"reference": 65_536, "jpeg": 1_024, "webp": 1_024}


def open_examples(
    warehouse: str, run_id: str | None = None, split: str = TRAIN, rank: int = 0, world: int = 1, **settings: Any
) -> Examples:
    """The examples of a split, of the current release or the one that run_id published; settings: LoaderSettings.

    Cost: the labels of all examples are read. InputError where there is no such release, split, class or setting.
    """
    checked = checked_settings(settings)
    if not 0 <= rank < world:
        raise InputError(f"open_examples: rank {rank} of {world}: ranks are 0 to world - 1")
    if split not in SPLITS:
        raise InputError(f"open_examples: split {split!r}: train, validation or test")
    warehouse = absolute(warehouse)
    release = current_release(warehouse, run_id)
    index = read_index(warehouse, release, split, checked.min_examples)
    if index.labels.num_classes > checked.max_classes:
        raise InputError(
            f"{warehouse}: {index.labels.num_classes} labels have {checked.min_examples} train examples, more than "
            f"max_classes={checked.max_classes}: raise min_examples, or build a vocabulary of labels"
        )
    return Examples(index, release, split, (rank, world), checked)


class Examples:
    """Batches of one rank: {frames, mask, targets, index}. Iterate once for each epoch.

    frames (batch, num_frames, 3, size, size) uint8, and mask (batch, num_frames) bool: which of them are there.
    targets (batch, classes) float32: the confidence of each class, 0 where the GIF does not have it. index (batch,)
    int64: which example of this split; -1 where a row only fills the last batch of a validation or test epoch.
    """

    def __init__(
        self, index: ExampleIndex, release: RunRecord, split: str, place: tuple[int, int], settings: LoaderSettings
    ) -> None:
        self.split, self.settings, self.run_id = split, settings, release.release_of or release.run_id
        self.rank, self.world = place
        self.epoch = self.step = 0
        self._index = index
        self._planned: tuple[int, Draws] | None = None
        self._version = release.table_versions[TRAINING_EXAMPLES.name]
        config = json.loads(release.config)
        self._window = settings.window or _WINDOWS[config["training"]["frames"]]
        num_draws = settings.num_draws or len(index)
        self.rates: NDArray[np.float64] = np.ones(len(index))
        """How often an epoch draws each example, on average."""
        if split == TRAIN:
            self.rates = draw_rates(index.labels, settings.scheme, num_draws, settings.max_repeats)
        self._clips = ClipMaker(index, self.rates, split == TRAIN, settings, FramesConfig(**config["frames"]))
        if len(self) == 0:
            raise InputError(
                f"an epoch of {self.rates.sum():.0f} {split} draws does not fill one batch of {settings.batch_size} on "
                f"each of {self.world} ranks: lower batch_size"
            )

    @property
    def labels(self) -> list[str]:
        """The label of each column of targets."""
        return self._index.names

    def gif_id(self, index: int) -> str:
        """The GIF of an index of a batch."""
        return str(self._index.gif_ids[index].as_py())

    def set_epoch(self, epoch: int) -> None:
        """Set which epoch the next iteration is. The current or loaded epoch goes on where it was."""
        if epoch != self.epoch:
            self.epoch, self.step = epoch, 0

    def __len__(self) -> int:
        """Batches of this epoch, the same on every rank. Epochs differ by a few draws."""
        return len(self._own_draws()) // self.settings.batch_size

    def state_dict(self) -> dict[str, Any]:
        """Where the epoch is, for load_state_dict: after the batches that were taken, whatever was read ahead."""
        return {**self._identity(), "epoch": self.epoch, "step": self.step}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where state_dict was taken. InputError unless the examples, the ranks and the settings are the same."""
        differing = [name for name, value in self._identity().items() if state.get(name) != value]
        if differing:
            found = ", ".join(f"{name} {state.get(name)!r} is now {self._identity()[name]!r}" for name in differing)
            raise InputError(f"this state can't go on here: {found}")
        self.epoch, self.step = int(state["epoch"]), int(state["step"])

    def class_draws(self) -> list[tuple[str, int, float, int]]:
        """For each class: (label, examples, expected draws of an epoch, draws of this epoch over all ranks)."""
        labels = self._index.labels
        natural = labels.count(np.ones(len(self._index)))
        drawn = np.bincount(self._all_draws().examples, minlength=len(self._index)).astype(float)
        columns = (natural, labels.count(self.rates), labels.count(drawn))
        return [
            (name, int(one), float(two), int(three))
            for name, one, two, three in zip(self.labels, *columns, strict=True)
        ]

    def __iter__(self) -> Iterator[Batch]:
        """The batches from self.step on. The epoch's number goes up with the last one.

        AutotagError where a file of the table can't be read, or a GIF can't be read or decoded.
        """
        draws = self._own_draws()
        size, num_steps = self.settings.batch_size, len(draws) // self.settings.batch_size
        pool = ThreadPoolExecutor(
            self.settings.num_decoders, "examples", initializer=torch.set_num_threads, initargs=(1,)
        )
        pending: deque[tuple[Batch, list[Future[None]]]] = deque()
        try:
            with closing(self._rows(draws, self.step * size)) as rows:
                while self.step < num_steps:
                    while len(pending) < min(self.settings.prefetch, num_steps - self.step):
                        pending.append(self._start_batch(draws, list(islice(rows, size)), pool))
                    batch, futures = pending.popleft()
                    for future in futures:
                        future.result()
                    self.step += 1
                    yield batch
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        self.epoch, self.step = self.epoch + 1, 0

    def _start_batch(
        self, draws: Draws, rows: list[tuple[int, Row]], pool: ThreadPoolExecutor
    ) -> tuple[Batch, list[Future[None]]]:
        """A batch, and futures: its frames are complete when these are."""
        batch = self._clips.empty_batch(len(rows))
        futures = []
        for place, (at, row) in enumerate(rows):
            example, repeat = int(draws.examples[at]), int(draws.repeats[at])
            batch["index"][place] = example if at < len(draws) - draws.num_padding else -1
            futures.append(pool.submit(self._clips.fill, batch, place, row, (example, repeat, self.epoch)))
        return batch, futures

    def _rows(self, draws: Draws, first: int) -> Generator[tuple[int, Row], None, None]:
        """(position in draws, its row) in the order in which they come out, from position `first` on."""
        order = self._order(len(draws))
        start = first // self._window * self._window
        begins = np.flatnonzero(np.diff(draws.visits[start:], prepend=-1)) + start
        groups = self._index.groups[draws.examples[begins]]
        rows = np.split(self._index.rows[draws.examples[start:]], begins[1:] - start)
        visits = [Visit(self._index.row_groups[group], wanted) for group, wanted in zip(groups, rows, strict=True)]
        num_readers = self.settings.num_readers
        ahead = num_readers + 2 + self._window * len(visits) // max(len(draws) - start, 1)
        with closing(iter_rows(self._index.filesystem, visits, num_readers, ahead)) as found:
            for begin in range(start, len(draws), self._window):
                end = min(begin + self._window, len(draws))
                held = list(islice(found, end - begin))
                yield from ((int(at), held[at - begin]) for at in order[max(begin, first) : end])

    def _order(self, num_draws: int) -> Ints:
        if self.split != TRAIN:
            return np.arange(num_draws)
        return shuffled(num_draws, self._window, self.settings.seed, self.epoch, self.rank)

    def _all_draws(self) -> Draws:
        if self.split != TRAIN:
            return every_example(self._index.groups)
        return plan_draws(self.rates, self._index.groups, self.settings.seed, self.epoch)

    def _own_draws(self) -> Draws:
        """This rank's draws of this epoch, planned once: that takes seconds for millions of examples."""
        if self._planned is None or self._planned[0] != self.epoch:
            is_padded = self.split != TRAIN
            own = share_of(self._all_draws(), self.rank, self.world, self.settings.batch_size, is_padded)
            self._planned = (self.epoch, own)
        return self._planned[1]

    def _identity(self) -> dict[str, Any]:
        """Everything that the draws follow from. It must be equal for an epoch to go on."""
        names = ("batch_size", "num_frames", "seed", "min_examples", "scheme", "num_draws", "max_repeats")
        return {
            "run_id": self.run_id,
            "version": self._version,
            "split": self.split,
            "rank": self.rank,
            "world": self.world,
            "window": self._window,
            **{name: getattr(self.settings, name) for name in names},
        }

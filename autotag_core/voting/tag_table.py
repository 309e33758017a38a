"""The tags of the GIFs that vote, as a compressed sparse table in files: written by one task, mapped by every other.

Of n GIFs it holds what maps the hash of an id to where its tags start (24 bytes a GIF) and the tags as numbers (4 bytes
each): 43 bytes a GIF at 4.8 tags, so 43 MB a million. Ids are not held: two of n ids share a 64-bit hash, and the one
then votes with the other's tags, with a chance of n^2 / 2^65, one in a million at 6 million GIFs.

A table is cut into slices of SLICE_GIFS, 2.2 GB. One slice stays mapped, shared by the tasks of a host. Where there are
several, each task goes through them one after the other, for a block of GIFs at a time, so that what is looked at in
no order is never larger than a slice; the results are the same.
"""

from __future__ import annotations

import functools
import hashlib
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from autotag_core import storage

if TYPE_CHECKING:
    from autotag_core.voting.kernels import Found, Int32s, Strings, Uint64s

SLICE_GIFS = 50_000_000
"""GIFs in a slice of the table."""


@dataclass(frozen=True)
class TagTable:
    """Where a table's files are; travels to the tasks."""

    names: str
    slices: tuple[str, ...]
    num_gifs: int
    num_tags: int


@dataclass(frozen=True)
class OpenTagTable:
    """A table of which nothing is in memory but what is looked at; the tags' names are by their numbers."""

    names: pa.StringArray
    name_slots: Uint64s
    slices: tuple[tuple[Uint64s, Int32s], ...]

    def numbers_of(self, tags: pa.StringArray) -> Int32s:
        """The number (n,) of each tag, -1 for one that no GIF of the table has."""
        from autotag_core.voting import kernels

        found = kernels.find(self.name_slots, hash_strings(tags))
        return np.where(found == kernels.ABSENT, -1, found.astype(np.int32)).astype(np.int32)

    def tags_of(self, ids: pa.StringArray, is_neighbor: npt.NDArray[np.bool_]) -> Found:
        """The tags of each id (n,) that is a neighbor; none where it is not in the table."""
        from autotag_core.voting import kernels

        hashes = hash_strings(ids)
        counts = np.zeros(len(ids) + 1, np.int64)
        values = []
        for slots, _ in self.slices:
            found = kernels.find(slots, hashes)
            found[~is_neighbor | (counts[1:] > 0)] = kernels.ABSENT
            counts[1:] += kernels.num_tags(found)
            values.append(found)
        starts = np.cumsum(counts)
        copies = np.empty(starts[-1], np.int32)
        for found, (_, tags) in zip(values, self.slices, strict=True):
            kernels.copy_tags(found, tags, starts, copies)
        return kernels.Found(starts, copies)


def write_tag_table(
    batches: Iterable[tuple[pa.StringArray, pa.ListArray]], uri: str, workspace: Path, slice_gifs: int = SLICE_GIFS
) -> TagTable:
    """Write the table of GIFs that come in batches (gif_id, tags), in any order, under the URI.

    Each id comes once, with distinct tags. Files get names of their own, so that a task that is tried twice disturbs no
    one. Memory: one slice twice, and 150 bytes a distinct tag.
    """
    from autotag_core.voting import kernels

    numbers: dict[str, int] = {}
    slices, num_gifs = [], 0
    workspace.mkdir(parents=True, exist_ok=True)
    for hashes, counts, tags in _slices(batches, numbers, slice_gifs):
        starts = np.cumsum(counts) - counts
        slots = _slots(hashes, kernels.as_values(starts, counts))
        slices.append(_write({"slots": slots.ravel(), "tags": tags}, storage.join(uri, _new_name()), workspace))
        num_gifs += len(hashes)
    names = pa.array(list(numbers), pa.string())
    slots = _slots(hash_strings(names), np.arange(len(names), dtype=np.uint64))
    written = _write({"names": names, "slots": slots.ravel()}, storage.join(uri, _new_name()), workspace)
    return TagTable(written, tuple(slices), num_gifs, len(names))


@functools.lru_cache(maxsize=2)
def open_tag_table(table: TagTable, workspace: Path) -> OpenTagTable:
    """Map the table's files; those on S3 are first downloaded, once for all processes of the host."""
    names = _open(table.names, workspace)
    slices = (_open(uri, workspace) for uri in table.slices)
    return OpenTagTable(
        names["names"],
        _as_slots(names["slots"]),
        tuple((_as_slots(one["slots"]), one["tags"].to_numpy()) for one in slices),
    )


def hash_strings(strings: pa.StringArray) -> Uint64s:
    """A 64-bit hash (n,) of each string; of a null that of the empty one."""
    from autotag_core.voting import kernels

    return kernels.hash_strings(strings_of(strings))


def strings_of(array: pa.StringArray) -> Strings:
    """The strings' bytes, where Arrow holds them; a null is an empty string."""
    from autotag_core.voting.kernels import Strings

    _, offsets, data = array.buffers()
    here = np.frombuffer(offsets, np.int32)[array.offset : array.offset + len(array) + 1] if offsets else [0]
    return Strings(np.asarray(here, np.int32), np.frombuffer(data or b"", np.uint8))


def _slices(
    batches: Iterable[tuple[pa.StringArray, pa.ListArray]], numbers: dict[str, int], slice_gifs: int
) -> Iterator[tuple[Uint64s, npt.NDArray[np.int64], Int32s]]:
    """(hashes, number of tags, tags by number) of at most slice_gifs GIFs each; at least one slice."""
    waiting: list[tuple[Uint64s, npt.NDArray[np.int64], Int32s]] = []
    num_waiting = 0

    def joined() -> tuple[Uint64s, npt.NDArray[np.int64], Int32s]:
        return tuple(np.concatenate(parts) for parts in zip(*waiting, strict=True))

    parts = (
        (ids[start : start + slice_gifs], lists[start : start + slice_gifs])
        for ids, lists in batches
        for start in range(0, len(ids), slice_gifs)
    )
    for ids, lists in parts:
        if waiting and num_waiting + len(ids) > slice_gifs:
            yield joined()
            waiting, num_waiting = [], 0
        counts = np.diff(lists.offsets.to_numpy()).astype(np.int64)
        waiting.append((hash_strings(ids), counts, _numbered(lists.flatten(), numbers)))
        num_waiting += len(ids)
    waiting = waiting or [(np.zeros(0, np.uint64), np.zeros(0, np.int64), np.zeros(0, np.int32))]
    yield joined()


def _numbered(tags: pa.StringArray, numbers: dict[str, int]) -> Int32s:
    """Each tag's number, the next one for a tag that is new."""
    encoded = tags.dictionary_encode()
    here = [numbers.setdefault(tag, len(numbers)) for tag in encoded.dictionary.to_pylist()]
    return np.asarray(here, np.int32)[encoded.indices.to_numpy()]


def _slots(hashes: Uint64s, values: Uint64s) -> Uint64s:
    from autotag_core.voting import kernels

    slots = np.full((len(hashes) * 3 // 2 + 1, 2), kernels.ABSENT, np.uint64)
    kernels.insert(slots, hashes, values)
    return slots


def _as_slots(flat: pa.UInt64Array) -> Uint64s:
    slots: Uint64s = flat.to_numpy().reshape(-1, 2)
    return slots


def _new_name() -> str:
    return f"{uuid.uuid4().hex[:12]}.arrow"


def _write(columns: dict[str, pa.Array | Uint64s | Int32s], uri: str, workspace: Path) -> str:
    """An Arrow file of one row, each column a list: it can be mapped as it is."""
    lists = [
        pa.LargeListArray.from_arrays(pa.array([0, len(values)], pa.int64()), pa.array(values))
        for values in columns.values()
    ]
    batch = pa.RecordBatch.from_arrays(lists, list(columns))
    with tempfile.TemporaryDirectory(prefix="tags-", dir=workspace) as folder:
        path = Path(folder, "table.arrow")
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
            writer.write_batch(batch)
        storage.upload_file(path, uri)
    return uri


def _open(uri: str, workspace: Path) -> dict[str, pa.Array]:
    path = storage.local_path(uri) if not storage.is_s3(uri) else _downloaded(uri, workspace)
    batch = pa.ipc.open_file(pa.memory_map(str(path))).get_batch(0)
    return {name: batch[name].values for name in batch.schema.names}


def _downloaded(uri: str, workspace: Path) -> Path:
    path = workspace / hashlib.sha256(uri.encode()).hexdigest()[:32]
    workspace.mkdir(parents=True, exist_ok=True)
    with storage.locked(path.with_suffix(".lock")):
        if not path.exists():  # it appears only when it is complete
            storage.download_file(uri, path)
    return path

"""The tags of the GIFs that vote, as a compressed sparse table in files: written by one task, mapped by every other.

Every tag of the catalog has a number. For the n train GIFs the table maps the hash of an id to where its tags start (24
bytes a GIF). It has the tags as numbers (4 bytes each), ~number where only an editor gave it. That is 43 bytes a GIF at
4.8 tags, so 43 MB a million. Ids are not held. If two of n ids share a 64-bit hash, the one votes with the other's
tags. The chance is n^2 / 2^65, one in a million at 6 million GIFs. Of tags, each hash is checked.

A table is cut into slices of SLICE_GIFS, 2.2 GB. One slice stays mapped, shared by the tasks of a host. With several
slices, each task goes through them one after the other, for a block of GIFs at a time. So random access never covers
more than a slice. The results are the same.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from autotag_core.errors import AutotagError
from autotag_core.storage.arrays import open_arrays, write_arrays

if TYPE_CHECKING:
    from autotag_core.votes.tally.string_loops import Int32s, Strings, Uint64s
    from autotag_core.votes.tally.tally_loops import Found

SLICE_GIFS = 50_000_000
"""GIFs in a slice of the table."""
_Part = tuple["Uint64s", npt.NDArray[np.int64], "Int32s"]


@dataclass(frozen=True)
class TagTable:
    """Where a table's files are. It is sent to the tasks."""

    names: str
    slices: tuple[str, ...]
    num_gifs: int
    num_tags: int


@dataclass(frozen=True)
class OpenTagTable:
    """A table of which only what is looked at is in memory. The tags' names are by their numbers.

    meant (tags,): the number of what a tag that looks like a slip may have meant, else its own. Empty without slips.
    """

    names: pa.StringArray
    name_slots: Uint64s
    meant: Int32s
    slices: tuple[tuple[Uint64s, Int32s], ...]

    def numbers_of(self, tags: pa.StringArray) -> Int32s:
        """The number (n,) of each tag. AutotagError for a tag that the catalog did not have when the table was made."""
        from autotag_core.votes.tally import string_loops

        found = string_loops.find(self.name_slots, hash_strings(tags))
        unknown = np.flatnonzero(found == string_loops.ABSENT)
        if len(unknown):
            raise AutotagError(f"the table of tags was made of another catalog: it has no tag {tags[unknown[0]]}")
        return found.astype(np.int32)

    def as_written(self, found: Found) -> Found:
        """The result of `find`, as numbers of tags."""
        from autotag_core.votes.tally import tally_loops

        return tally_loops.as_meant(found, self.meant[:0], only_own=False)

    def as_meant(self, found: Found, only_own: bool = False) -> Found:
        """The same by what the tags were meant as, each once; with only_own without those that only editors gave."""
        from autotag_core.votes.tally import tally_loops

        return tally_loops.as_meant(found, self.meant, only_own)

    def find(self, ids: pa.StringArray, is_asked: npt.NDArray[np.bool_]) -> Found:
        """The tags of each asked id (n,), as the table holds them; none where the id is not in it."""
        from autotag_core.votes.tally import string_loops, tally_loops

        hashes = hash_strings(ids)
        counts = np.zeros(len(ids) + 1, np.int64)
        values = []
        for slots, _ in self.slices:
            found = string_loops.find(slots, hashes)
            found[~is_asked | (counts[1:] > 0)] = string_loops.ABSENT
            counts[1:] += string_loops.num_tags(found)
            values.append(found)
        starts = np.cumsum(counts)
        copies = np.empty(starts[-1], np.int32)
        for found, (_, tags) in zip(values, self.slices, strict=True):
            string_loops.copy_tags(found, tags, starts, copies)
        return tally_loops.Found(starts, copies)


def write_tag_table(
    batches: Iterable[pa.RecordBatch], uri: str, workspace: Path, slice_gifs: int = SLICE_GIFS
) -> TagTable:
    """Write the table of GIFs that come in batches of gif_blocks.ABOUT, in any order, each once, under the URI.

    A row without a gif_id has two items: a tag that is a slip, and what it may have meant. Files get names of their
    own, so a task that is tried twice disturbs no other. Memory: one slice twice, and 150 bytes a distinct tag.
    AutotagError if two tags have the same 64-bit hash: the chance is 3 in 100 million at a million tags.
    """
    from autotag_core.votes.tally import string_loops

    numbers: dict[str, int] = {}
    slips: dict[int, int] = {}
    slices, num_gifs = [], 0
    workspace.mkdir(parents=True, exist_ok=True)
    for hashes, counts, tags in _slices(_train_gifs(batches, numbers, slips), slice_gifs):
        starts = np.cumsum(counts) - counts
        slots = new_slots(hashes, string_loops.as_values(starts, counts))
        slices.append(write_arrays({"slots": slots.ravel(), "tags": tags}, uri, workspace))
        num_gifs += len(hashes)
    names = pa.array(list(numbers), pa.string())
    hashes = hash_strings(names)
    if len(np.unique(hashes)) < len(names):
        raise AutotagError("two tags of the catalog have the same 64-bit hash")
    slots = new_slots(hashes, np.arange(len(names), dtype=np.uint64))
    meant = np.arange(len(names) if slips else 0, dtype=np.int32)
    meant[list(slips)] = list(slips.values())
    written = write_arrays({"names": names, "slots": slots.ravel(), "meant": meant}, uri, workspace)
    return TagTable(written, tuple(slices), num_gifs, len(names))


@functools.lru_cache(maxsize=2)
def open_tag_table(table: TagTable, workspace: Path) -> OpenTagTable:
    """Map the table's files. Files on S3 are first downloaded, once for all processes of the host."""
    names = open_arrays(table.names, workspace)
    slices = (open_arrays(uri, workspace) for uri in table.slices)
    return OpenTagTable(
        names["names"],
        _as_slots(names["slots"]),
        names["meant"].to_numpy(),
        tuple((_as_slots(one["slots"]), one["tags"].to_numpy()) for one in slices),
    )


def hash_strings(strings: pa.StringArray) -> Uint64s:
    """A 64-bit hash (n,) of each string; a null has that of the empty string."""
    from autotag_core.votes.tally import string_loops

    return string_loops.hash_strings(strings_of(strings))


def strings_of(array: pa.StringArray) -> Strings:
    """The strings' bytes, where Arrow holds them; a null is an empty string."""
    from autotag_core.votes.tally.string_loops import Strings

    _, offsets, data = array.buffers()
    here = np.frombuffer(offsets, np.int32)[array.offset : array.offset + len(array) + 1] if offsets else [0]
    return Strings(np.asarray(here, np.int32), np.frombuffer(data or b"", np.uint8))


def _train_gifs(batches: Iterable[pa.RecordBatch], numbers: dict[str, int], slips: dict[int, int]) -> Iterator[_Part]:
    """(hashes, number of tags, tags) of each batch's train GIFs. All tags get numbers, and slips what they meant."""
    for batch in batches:
        items = batch["items"]
        offsets = items.offsets.to_numpy().astype(np.int64)
        tags = _numbered(items.flatten(), numbers)
        starts = offsets[:-1] - offsets[0]
        for start in starts[batch["gif_id"].is_null().to_numpy(zero_copy_only=False)]:
            slips[int(tags[start])] = int(tags[start + 1])
        is_train = pc.fill_null(batch["is_train"], False).to_numpy(zero_copy_only=False)
        first_own, counts = (
            pc.fill_null(batch[name], 0).to_numpy()[is_train] for name in ("first_own", "first_copied")
        )
        place = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        theirs = tags[np.repeat(starts[is_train], counts) + place]
        theirs = np.where(place < np.repeat(first_own, counts), ~theirs, theirs)
        yield hash_strings(batch["gif_id"].filter(pa.array(is_train))), counts.astype(np.int64), theirs


def _slices(parts: Iterable[_Part], slice_gifs: int) -> Iterator[_Part]:
    """The parts put together and cut into slices of at most slice_gifs GIFs; at least one slice."""
    waiting: list[_Part] = []
    num_waiting = 0

    def joined() -> _Part:
        hashes, counts, tags = (np.concatenate(columns) for columns in zip(*waiting, strict=True))
        return hashes, counts, tags

    for part in (smaller for one in parts for smaller in _cut(one, slice_gifs)):
        if waiting and num_waiting + len(part[0]) > slice_gifs:
            yield joined()
            waiting, num_waiting = [], 0
        waiting.append(part)
        num_waiting += len(part[0])
    waiting = waiting or [(np.zeros(0, np.uint64), np.zeros(0, np.int64), np.zeros(0, np.int32))]
    yield joined()


def _cut(part: _Part, slice_gifs: int) -> Iterator[_Part]:
    hashes, counts, tags = part
    ends = np.concatenate([[0], np.cumsum(counts)])
    for start in range(0, len(hashes), slice_gifs):
        end = min(start + slice_gifs, len(hashes))
        yield hashes[start:end], counts[start:end], tags[ends[start] : ends[end]]


def _numbered(tags: pa.StringArray, numbers: dict[str, int]) -> Int32s:
    """Each tag's number. A new tag gets the next number."""
    encoded = tags.dictionary_encode()
    here = [numbers.setdefault(tag, len(numbers)) for tag in encoded.dictionary.to_pylist()]
    return np.asarray(here, np.int32)[encoded.indices.to_numpy()]


def new_slots(hashes: Uint64s, values: Uint64s) -> Uint64s:
    """Slots (m, 2) in which string_loops.find finds the value of each hash."""
    from autotag_core.votes.tally import string_loops

    slots = np.full((len(hashes) * 3 // 2 + 1, 2), string_loops.ABSENT, np.uint64)
    string_loops.insert(slots, hashes, values)
    return slots


def _as_slots(flat: pa.UInt64Array) -> Uint64s:
    slots: Uint64s = flat.to_numpy().reshape(-1, 2)
    return slots

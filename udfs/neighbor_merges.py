"""Old lists of neighbors in, those of now out: what lost a neighbor is told apart, other lists take in what is new.

What was lost is a file that every task maps. A task works on some MB of lists at a time: the sets of ids that it looks
for in them are made once for these.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import from_arrow_schema

from autotag_core.array_files import open_arrays, write_arrays
from autotag_core.config import NeighborsConfig
from autotag_core.neighbors import Neighbors, merged, search_shards
from udfs.local_files import local_folder
from udfs.neighbor_rows import COLUMNS, LISTS, as_batch, as_neighbors, ids_and_vectors, offsets_of
from udfs.neighbors import ShardRow, search_device

BLOCK_BYTES = 64 * 1024 * 1024
"""Lists, and vectors where there are some, that a task works on at once."""
FARTHEST = 2
"""No distance is more."""
_KEYS = ["gif_id", "expert"]
_MARKS = ("lost", "is_stale")
_Ids = Mapping[str, pa.Array]
"""What write_lost wrote, by _key."""


def write_lost(changes_df: DataFrame, experts: Sequence[str], folder: str) -> str:
    """The URI of a file of ids by expert, under `folder` (local or s3a): of lost references, and of GIFs whose own list
    is stale, from rows (gif_id, expert, lost, is_stale).

    Cost: one task reads them all, and holds some 50 bytes a row.
    """

    def write_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        rows = pa.Table.from_batches(batches)
        ids = {}
        for expert in experts:
            for mark in _MARKS:
                is_meant = pc.and_(pc.equal(rows["expert"], expert), rows[mark])
                ids[_key(expert, mark)] = rows["gif_id"].filter(is_meant).combine_chunks()
        yield pa.RecordBatch.from_pydict({"uri": [write_arrays(ids, folder, local_folder())]})

    rows_df = changes_df.select(*_KEYS, *_MARKS).coalesce(1)
    return str(rows_df.mapInArrow(write_partition, "uri string").collect()[0]["uri"])


def broken_lists(neighbors_df: DataFrame, lost: str) -> DataFrame:
    """(gif_id, expert) of the lists that hold a lost reference and are not stale; lost is write_lost's. No shuffle."""

    def find_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        ids = open_arrays(lost, local_folder())
        for rows in _blocks(batches):
            is_stale, is_broken = _marks(rows, ids)
            broken = pa.array(is_broken & ~is_stale)
            yield pa.RecordBatch.from_arrays([rows[name].filter(broken) for name in _KEYS], _KEYS)

    schema = from_arrow_schema(pa.schema([LISTS.field(name) for name in _KEYS]))
    return neighbors_df.select(*_KEYS, "neighbor_ids").mapInArrow(find_partition, schema)


def unbroken_lists(neighbors_df: DataFrame, lost: str) -> DataFrame:
    """NEIGHBORS: the lists that are neither stale nor hold a lost reference. No shuffle."""

    def keep_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        ids = open_arrays(lost, local_folder())
        for rows in _blocks(batches):
            yield _lists(_kept(rows, ids))

    return neighbors_df.select(*LISTS.names).mapInArrow(keep_partition, from_arrow_schema(LISTS))


def merged_lists(
    neighbors_df: DataFrame, embeddings_df: DataFrame, lost: str, gained: list[ShardRow], config: NeighborsConfig
) -> DataFrame:
    """NEIGHBORS: of the unbroken lists, each GIF's k nearest of its list and of the shards of gained references.

    Cost: lists and embeddings are shuffled once. Only references that are nearer than a list's last one are looked at
    closer; a list that none of them enters is passed on as it came.
    """

    def merge_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        ids, device = open_arrays(lost, local_folder()), search_device()
        for rows in _blocks(batches):
            kept = _kept(rows, ids)
            if not kept.num_rows:
                continue
            expert = kept["expert"][0].as_py()
            uris = [shard.uri for shard in gained if shard.expert == expert]
            reach = _reach(kept["distances"], config.k)
            found = search_shards(uris, *ids_and_vectors(kept), config, local_folder(), device, reach)
            gains = np.diff(found.offsets)
            yield _lists(kept.filter(pa.array(gains == 0)))
            if gains.any():
                grown = kept.filter(pa.array(gains > 0))
                found = Neighbors(offsets_of(gains[gains > 0]), found.neighbor_ids, found.distances)
                yield as_batch(expert, grown["gif_id"].to_pylist(), merged(as_neighbors(grown), found, config.k), 0)

    joined_df = neighbors_df.join(embeddings_df.select(*COLUMNS), ["expert", "gif_id"])
    return joined_df.select(*LISTS.names, "embedding").mapInArrow(merge_partition, from_arrow_schema(LISTS))


def _key(expert: str, mark: str) -> str:
    return f"{expert} {mark}"


def _blocks(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The rows, an expert's at a time, about BLOCK_BYTES together."""
    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        waiting.append(batch)
        if sum(part.nbytes for part in waiting) >= BLOCK_BYTES:
            yield from _by_expert(waiting)
            waiting = []
    if waiting:
        yield from _by_expert(waiting)


def _by_expert(batches: list[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    rows = pa.Table.from_batches(batches)
    for expert in rows["expert"].unique():
        yield from rows.filter(pc.equal(rows["expert"], expert)).combine_chunks().to_batches()


def _kept(rows: pa.RecordBatch, ids: _Ids) -> pa.RecordBatch:
    """The rows whose lists are neither stale nor broken."""
    is_stale, is_broken = _marks(rows, ids)
    return rows.filter(pa.array(~(is_stale | is_broken)))


def _marks(rows: pa.RecordBatch, ids: _Ids) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Which of an expert's lists are stale, and which hold a lost reference."""
    lost, stale = (ids[_key(rows["expert"][0].as_py(), mark)] for mark in _MARKS)
    is_lost = pc.is_in(rows["neighbor_ids"].flatten(), lost).to_numpy(zero_copy_only=False)
    num_lost = np.concatenate([[0], np.cumsum(is_lost)])[offsets_of(pc.list_value_length(rows["neighbor_ids"]))]
    return pc.is_in(rows["gif_id"], stale).to_numpy(zero_copy_only=False), np.diff(num_lost) > 0


def _reach(distances: pa.ListArray, k: int) -> npt.NDArray[np.float32]:
    """How far away a reference may be that enters a list: not further than the k-th, where there is one."""
    offsets = offsets_of(pc.list_value_length(distances))
    is_full = np.diff(offsets) == k
    reach = np.full(len(distances), FARTHEST, np.float32)
    reach[is_full] = distances.flatten().to_numpy()[offsets[1:][is_full] - 1]
    return reach


def _lists(rows: pa.RecordBatch) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([rows[field.name].cast(field.type) for field in LISTS], schema=LISTS)

"""What a block of GIFs' neighbors say of each of their tags: similarity-weighted shares and votes, in one pass.

Loads numba: import it where it is used.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from autotag_core.compiled import compiled
from autotag_core.config import VoteConfig
from autotag_core.errors import AutotagError
from autotag_core.voting.evidence import SHARE_UNIT
from autotag_core.voting.gif_blocks import GifBlock, share_schema
from autotag_core.voting.kernels import Found, Int32s, Int64s, Lists, count_tags, new_tally
from autotag_core.voting.tag_table import OpenTagTable

_ROWS_PER_BATCH = 100_000


class Shares(NamedTuple):
    """A row for each tag of a GIF's neighbors; `firsts` is the GIF's first row in the block."""

    firsts: Int64s
    tags: Int32s
    weights: Int64s  # (rows, experts), SHARE_UNITs
    votes: Int32s  # (rows, experts)


def share_rows(
    block: GifBlock, table: OpenTagTable, experts: Sequence[str], config: VoteConfig
) -> Iterator[pa.RecordBatch]:
    """Rows of `share_schema` of the block's GIFs, each tag of a GIF once; the block has distances beside its items."""
    lists = block.rows["distances"].chunk(0)
    odd = np.flatnonzero(np.diff(block.lists.starts) != pc.fill_null(pc.list_value_length(lists), 0).to_numpy())
    if len(odd):
        raise AutotagError(f"{block.rows['gif_id'][odd[0]]}: a list of its neighbors has not as many distances")
    distances = lists.flatten().to_numpy()
    weights = list_weights(block.lists, distances, config.similarity, SHARE_UNIT)
    found = table.tags_of(block.items, block.is_neighbor)
    shares = share_gifs(block.lists, found, weights, config.neighbors, len(table.names), len(experts))
    gif_ids = block.rows["gif_id"].chunk(0)
    for start in range(0, len(shares.tags), _ROWS_PER_BATCH):
        here = slice(start, start + _ROWS_PER_BATCH)
        columns = [gif_ids.take(pa.array(shares.firsts[here])), table.names.take(pa.array(shares.tags[here]))]
        for number in range(len(experts)):
            columns += [pa.array(shares.weights[here, number]), pa.array(shares.votes[here, number])]
        yield pa.RecordBatch.from_arrays(columns, schema=share_schema(experts))


@compiled
def list_weights(lists: Lists, distances: npt.NDArray[np.float32], similarity: float, unit: int) -> Int64s:
    """Of each neighbor (items,) exp(-similarity (distance - distance of the nearest)) over the list's sum, in units."""
    weights = np.empty(len(distances), np.int64)
    for row in range(len(lists.starts) - 1):
        start, end = lists.starts[row], lists.starts[row + 1]
        total = 0.0
        for item in range(start, end):
            total += math.exp(-similarity * np.float64(distances[item] - distances[start]))
        for item in range(start, end):
            share = math.exp(-similarity * np.float64(distances[item] - distances[start])) / total
            weights[item] = math.floor(share * unit + 0.5)
    return weights


@compiled
def share_gifs(lists: Lists, found: Found, weights: Int64s, neighbors: int, num_tags: int, num_experts: int) -> Shares:
    """Sum up GIF by GIF; rows of one stand together."""
    tally = new_tally(lists, found, num_tags, num_experts)
    most = len(found.tags)
    out = Shares(
        np.empty(most, np.int64),
        np.empty(most, np.int32),
        np.empty((most, num_experts), np.int64),
        np.empty((most, num_experts), np.int32),
    )
    num_rows = 0
    for gif in range(len(lists.gif_starts) - 1):
        num_slots = count_tags(lists, found, weights, neighbors, tally, gif)
        end = num_rows + num_slots
        out.firsts[num_rows:end] = lists.gif_starts[gif]
        out.tags[num_rows:end] = tally.tags[:num_slots]
        out.weights[num_rows:end] = tally.weights[:num_slots]
        out.votes[num_rows:end] = tally.votes[:num_slots]
        num_rows = end
    return Shares(out.firsts[:num_rows], out.tags[:num_rows], out.weights[:num_rows], out.votes[:num_rows])

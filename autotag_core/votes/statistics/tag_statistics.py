"""What the catalog as a whole says of its tags: how many train GIFs have one, how many have each pair, and how well
each expert sees one. Spark adds up counts of parts; two files that every task maps keep them.

Of t tags, p pairs and e experts the files hold 8 t (3 e + 1) and 24 p bytes. Pairs on one GIF alone are left out: only
that GIF would tell anything of them.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from autotag_core.storage.arrays import open_arrays, write_arrays
from autotag_core.votes.discriminant.mean_looks import MeanLooks, open_means
from autotag_core.votes.evidence.evidence import SHARE_UNIT, Floats, Ints
from autotag_core.votes.tally.tag_table import OpenTagTable, TagTable, new_slots, open_tag_table

if TYPE_CHECKING:
    from autotag_core.votes.tally.gif_batches import GifBlock
    from autotag_core.votes.tally.string_loops import Uint64s

MAX_OWN_TAGS = 32
"""Only this many of a GIF's own tags are compared with each other: pairs grow with the square."""
MAX_LIFT = 50.0
COUNTS = pa.schema([pa.field(name, pa.int64()) for name in ("key", "num_train", "num_others")])
"""For two tags, key is one number << 32 | the larger one. The counts are the train GIFs and the other GIFs whose
uploader gave both. For a tag with itself: the train GIFs with it, and those whose uploader gave it."""
SEEN = pa.schema(
    [
        pa.field("tag", pa.int32()),
        pa.field("expert", pa.int32()),
        pa.field("seen", pa.int64()),
        pa.field("num", pa.int64()),
    ]
)
"""Over train GIFs whose uploader gave the tag: its summed shares, in SHARE_UNITs, among the expert's neighbors, and how
many GIFs have such neighbors. expert is its place among the experts."""


@dataclass(frozen=True)
class TagStatistics:
    """A table of tags, and where the files on its tags are. It is sent to the tasks."""

    table: TagTable
    experts: tuple[str, ...]
    counts: str
    lifts: str
    looks: str = ""
    """Mean looks (discriminant/sums.py), or "" where there are none."""


@dataclass(frozen=True)
class OpenStatistics:
    """num_gifs (tags,): train GIFs with each tag, as meant. pair_slots: by a pair's hash, the train GIFs with both.
    lifts (tags, experts): how much likelier than chance neighbors of a GIF with the tag have it, 1 to MAX_LIFT.
    num_train: train GIFs in all. looks: mean looks by tag.
    seen, num (tags, experts), means (experts,), lift_prior: what lifts are made of
    (`write_lifts`).
    """

    table: OpenTagTable
    num_gifs: Ints
    pair_slots: Uint64s
    lifts: Floats
    num_train: int
    looks: MeanLooks
    seen: Ints
    num: Ints
    means: Floats
    lift_prior: float

    def lifts_of_others(self, tags: Ints, seen: Ints, num: Ints) -> Floats:
        """Lifts (n, experts) of tags (n,), each without one train GIF that has it.

        seen, num (n, experts) are what that GIF has added to the sums: its share in SHARE_UNITs, and 1 where the expert
        has neighbors of it. A validation GIF has added nothing, so these lifts compare with its own.
        """
        prior = np.maximum(self.num_gifs[tags] - 1, 0) / max(self.num_train - 1, 1)
        rest_seen, rest_num = self.seen[tags] - seen, self.num[tags] - num
        return _shrunk_lifts(rest_seen, prior[:, None] * rest_num, self.means, self.lift_prior)

    def excess(self) -> dict[int, float]:
        """By place of an expert: the mean of share - prior of the tags that uploaders gave train GIFs and others have.

        It is what an expert says of GIFs whose tags it may have learned, to compare with what it says of validation
        GIFs.
        """
        prior = np.maximum(self.num_gifs - 1, 0) / max(self.num_train - 1, 1)
        shared = self.num_gifs >= 2
        seen, num = self.seen[shared] / SHARE_UNIT, self.num[shared]
        total = num.sum(axis=0)
        above = seen.sum(axis=0) - (prior[shared, None] * num).sum(axis=0)
        return {place: float(above[place] / total[place]) for place in np.flatnonzero(total).tolist()}


def count_tags(block: GifBlock, table: OpenTagTable) -> pa.RecordBatch:
    """COUNTS of the block's GIFs, of tags as they were meant."""
    from autotag_core.votes.statistics.statistics_loops import tag_keys

    keys, is_second = tag_keys(block.lists, block.abouts(table), table.meant, MAX_OWN_TAGS)
    distinct, places = np.unique(keys, return_inverse=True)
    columns = [np.bincount(places[is_second == second], minlength=len(distinct)) for second in (False, True)]
    return pa.RecordBatch.from_arrays([pa.array(one, pa.int64()) for one in (distinct, *columns)], schema=COUNTS)


def write_counts(batches: Iterable[pa.RecordBatch], table: TagTable, folder: str, workspace: Path) -> str:
    """Write the counts of all GIFs, each key once, to a file in the folder; gives its URI. Memory: 60 bytes a pair."""
    from autotag_core.votes.statistics.statistics_loops import hash_keys

    counts = pa.Table.from_batches(batches, COUNTS)
    keys, train, others = (counts[name].to_numpy() for name in COUNTS.names)
    first, second = keys >> 32, keys & 0xFFFFFFFF
    is_tag = first == second
    num_gifs, num_given = np.zeros((2, table.num_tags), np.int64)
    num_gifs[first[is_tag]], num_given[first[is_tag]] = train[is_tag], others[is_tag]
    slots = new_slots(hash_keys(keys[~is_tag]), train[~is_tag].astype(np.uint64))
    return write_arrays({"num_gifs": num_gifs, "is_given": num_given > 0, "pairs": slots.ravel()}, folder, workspace)


def see_own_tags(block: GifBlock, table: OpenTagTable, similarity: float) -> pa.RecordBatch:
    """SEEN of the block's lists, of tags as they were meant. Its rows need not come GIF by GIF."""
    from autotag_core.votes.statistics.statistics_loops import own_shares

    weights, _ = block.weights(similarity)
    gif_ids = block.rows["gif_id"].chunk(0)
    own = table.as_meant(table.find(gif_ids, block.lists.experts >= 0), only_own=True)
    found = table.as_meant(table.find(block.items, block.is_neighbor))
    keys, seen = own_shares(block.lists, found, own, weights)
    order = np.argsort(keys, kind="stable")
    distinct, starts = np.unique(keys[order], return_index=True)
    sums = np.add.reduceat(seen[order], starts) if len(distinct) else np.zeros(0, np.int64)
    nums = np.diff(np.append(starts, len(keys)))
    columns = (distinct & 0xFFFFFFFF, distinct >> 32, sums, nums)
    arrays = [
        pa.array(column.astype(field.type.to_pandas_dtype())) for column, field in zip(columns, SEEN, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=SEEN)


def write_lifts(
    batches: Iterable[pa.RecordBatch],
    counts: str,
    num_train: int,
    num_experts: int,
    lift_prior: float,
    folder: str,
    workspace: Path,
) -> str:
    """Write the lifts, from SEEN of all lists with each (tag, expert) once, to a file in the folder; gives its URI.

    lift = (seen + m mean) / (expected + m). seen and expected sum the share and the prior of the tag over the train
    GIFs whose uploader gave it and that have neighbors. The prior is the share of the other train GIFs with it. m is
    vote.lift_prior. mean is that of the tags with at least two such GIFs, so rare tags are shrunk to it. The lift is 1
    for a tag that no uploader of a train GIF gave.
    """
    counted = open_arrays(counts, workspace)
    num_gifs, is_given = (counted[name].to_numpy(zero_copy_only=False) for name in ("num_gifs", "is_given"))
    prior = np.maximum(num_gifs - 1, 0) / max(num_train - 1, 1)
    shape = (len(num_gifs), num_experts)
    seen, num = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for batch in batches:
        tags, experts, sums, nums = (batch[name].to_numpy() for name in SEEN.names)
        seen[tags, experts], num[tags, experts] = sums, nums
    means = np.ones(num_experts)
    for expert in range(num_experts):
        often = num[:, expert] >= 2
        chance = np.floor(prior * num[:, expert] * SHARE_UNIT + 0.5)[often].sum()
        means[expert] = max(seen[often, expert].sum() / chance, 1.0) if chance > 0 else 1.0
    lifts = _shrunk_lifts(seen, prior[:, None] * num, means, lift_prior)
    lifts[(num_gifs > 0) & ~is_given] = 1.0
    columns = {"lifts": lifts.ravel(), "seen": seen.ravel(), "num": num.ravel(), "means": means}
    return write_arrays(columns | {"lift_prior": np.array([lift_prior])}, folder, workspace)


def _shrunk_lifts(seen: Ints, expected: Floats, means: Floats, lift_prior: float) -> Floats:
    """Lifts (n, experts) from the shares that were seen, in SHARE_UNITs, and those expected by chance."""
    lifts = (seen / SHARE_UNIT + lift_prior * means) / (expected + lift_prior)
    return np.asarray(np.clip(lifts, 1.0, MAX_LIFT), np.float64)


@functools.lru_cache(maxsize=2)
def open_statistics(statistics: TagStatistics, workspace: Path) -> OpenStatistics:
    """Map the files."""
    counts, lifts = open_arrays(statistics.counts, workspace), open_arrays(statistics.lifts, workspace)
    num_gifs = counts["num_gifs"].to_numpy()
    shape = (len(num_gifs), len(statistics.experts))
    return OpenStatistics(
        open_tag_table(statistics.table, workspace),
        num_gifs,
        counts["pairs"].to_numpy().reshape(-1, 2),
        lifts["lifts"].to_numpy().reshape(shape),
        statistics.table.num_gifs,
        open_means(statistics.looks, workspace),
        lifts["seen"].to_numpy().reshape(shape),
        lifts["num"].to_numpy().reshape(shape),
        lifts["means"].to_numpy(),
        float(lifts["lift_prior"][0].as_py()),
    )

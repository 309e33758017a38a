"""The published vote of a block of GIFs, in one pass over their neighbors' tags. udfs/votes/votes.py says it in words.

Loads numba: import it where it is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from autotag_core.config import VoteConfig
from autotag_core.votes.evidence.evidence import Floats
from autotag_core.votes.published.publish_loops import SOURCES, UNCONFIRMED, VOTED, Rows, Rule, vote_gifs
from autotag_core.votes.tally.gif_batches import PUBLISHED, GifBlock
from autotag_core.votes.tally.string_loops import Int32s
from autotag_core.votes.tally.tag_table import OpenTagTable, strings_of
from autotag_core.votes.tally.tally_loops import Abouts, Found


@dataclass(frozen=True)
class Published:
    """The published rule's result for a block: rows GIF by GIF, their scores and confidences (rows,), 0..1."""

    rows: Rows
    scores: Floats
    confidences: Floats


def publish(
    block: GifBlock,
    abouts: Abouts,
    found: Found,
    num_tags: int,
    weights: Mapping[str, float],
    config: VoteConfig,
) -> Published:
    """Vote on the block's GIFs that have a row about them, by experts with these weights.

    `found` are the neighbors' tags as written.
    """
    experts = sorted(weights)
    rule = Rule(np.array([weights[name] for name in experts], np.float64), config.neighbors, config.lower_bound)
    rows = vote_gifs(block.lists, strings_of(block.items), found, abouts, rule, num_tags)
    largest = rows.largest
    if config.normalise == "possible":
        largest = np.full(len(rows.rows), float(sum(weights[name] for name in experts) * config.neighbors))
    scores = np.minimum(np.divide(rows.votes, largest, out=np.zeros_like(largest), where=largest > 0), 1.0)
    confidences = np.ones(len(scores))
    confidences[rows.sources == UNCONFIRMED] = config.unconfirmed_confidence
    confidences[rows.sources == VOTED] = scores[rows.sources == VOTED]
    return Published(rows, scores, confidences)


def published_rows(
    block: GifBlock, table: OpenTagTable, weights: Mapping[str, float], config: VoteConfig
) -> pa.RecordBatch:
    """PUBLISHED rows of the block's GIFs."""
    found = table.as_written(table.find(block.items, block.is_neighbor))
    published = publish(block, block.abouts(table), found, len(table.names), weights, config)
    rows = published.rows
    columns = [
        block.rows["gif_id"].chunk(0).take(pa.array(rows.rows)),
        table.names.take(pa.array(rows.tags)),
        pa.array(published.confidences.astype(np.float32)),
        pa.array(SOURCES).take(pa.array(rows.sources)),
        pa.array(published.scores.astype(np.float32)),
        as_maps(rows.counts, sorted(weights)),
        pa.ListArray.from_arrays(pa.array(rows.evidence_starts, pa.int32()), block.items.take(pa.array(rows.evidence))),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=PUBLISHED)


def as_maps(counts: Int32s, experts: list[str]) -> pa.MapArray:
    """For each row (n, experts) the counts above 0 by expert."""
    rows, columns = np.nonzero(counts)
    offsets = np.searchsorted(rows, np.arange(len(counts) + 1)).astype(np.int32)
    keys = pa.array(experts, pa.string()).take(pa.array(columns))
    return pa.MapArray.from_arrays(pa.array(offsets), keys, pa.array(counts[rows, columns]))

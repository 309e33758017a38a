"""The published vote of a block of GIFs: what udfs/votes.py says in words, in one pass over their neighbors' tags.

Loads numba: import it where it is used.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from autotag_core.config import VoteConfig
from autotag_core.voting.gif_blocks import PUBLISHED, GifBlock
from autotag_core.voting.kernels import Int32s
from autotag_core.voting.published_loops import SOURCES, UNCONFIRMED, VOTED, Own, Rule, vote_gifs
from autotag_core.voting.tag_table import OpenTagTable, strings_of


def published_rows(
    block: GifBlock, table: OpenTagTable, weights: Mapping[str, float], config: VoteConfig
) -> pa.RecordBatch:
    """PUBLISHED rows of the block's GIFs; of one without a row about itself none.

    The block has num_editorial and is_train in the rows about GIFs. experts: those of the weights, sorted.
    """
    experts = sorted(weights)
    numbers = np.full(len(block.items), -1, np.int32)
    is_own = ~block.is_neighbor
    numbers[is_own] = table.numbers_of(block.items.filter(pa.array(is_own)))
    about = block.rows.select(["num_editorial", "is_train"])
    own = Own(
        numbers,
        pc.fill_null(about["num_editorial"], 0).to_numpy(),
        pc.fill_null(about["is_train"], False).to_numpy(),
    )
    rule = Rule(np.array([weights[name] for name in experts], np.float64), config.neighbors, config.lower_bound)
    found = table.tags_of(block.items, ~is_own)
    rows = vote_gifs(block.lists, strings_of(block.items), found, own, rule, len(table.names))
    largest = rows.largest
    if config.normalise == "possible":
        largest = np.full(len(rows.rows), float(sum(weights[name] for name in experts) * config.neighbors))
    scores = np.minimum(np.divide(rows.votes, largest, out=np.zeros_like(largest), where=largest > 0), 1.0)
    confidences = np.ones(len(scores))
    confidences[rows.sources == UNCONFIRMED] = config.unconfirmed_confidence
    confidences[rows.sources == VOTED] = scores[rows.sources == VOTED]
    is_new = rows.items < 0
    columns = [
        block.rows["gif_id"].chunk(0).take(pa.array(rows.rows)),
        pc.coalesce(
            block.items.take(pa.array(rows.items, mask=is_new)), table.names.take(pa.array(rows.tags, mask=~is_new))
        ),
        pa.array(confidences.astype(np.float32)),
        pa.array(SOURCES).take(pa.array(rows.sources)),
        pa.array(scores.astype(np.float32)),
        _as_maps(rows.counts, experts),
        pa.ListArray.from_arrays(pa.array(rows.evidence_starts, pa.int32()), block.items.take(pa.array(rows.evidence))),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=PUBLISHED)


def _as_maps(counts: Int32s, experts: list[str]) -> pa.MapArray:
    """Of each row (n, experts) the counts above 0 by expert."""
    rows, columns = np.nonzero(counts)
    offsets = np.searchsorted(rows, np.arange(len(counts) + 1)).astype(np.int32)
    keys = pa.array(experts, pa.string()).take(pa.array(columns))
    return pa.MapArray.from_arrays(pa.array(offsets), keys, pa.array(counts[rows, columns]))

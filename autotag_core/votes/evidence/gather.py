"""Gathers the evidence on every (GIF, tag) pair of a block of GIFs, in one pass over their neighbors' tags.

There is a pair for every tag of the GIF, as its uploader wrote it and as it was meant, of a neighbor, and of a copy.

Loads numba: import it where it is used.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from autotag_core.config import VoteConfig
from autotag_core.votes.discriminant.look_loops import likeness
from autotag_core.votes.evidence.evidence import SHARE_UNIT, Evidence, ExpertEvidence, evidence_schema
from autotag_core.votes.evidence.gather_loops import (
    COPIED,
    CORRECTION,
    EDITORIAL,
    OWN,
    SLIP,
    EvidenceRows,
    Known,
    gather_rows,
    gif_spreads,
)
from autotag_core.votes.statistics.tag_statistics import OpenStatistics
from autotag_core.votes.tally.gif_batches import GifBlock
from autotag_core.votes.tally.tally_loops import Abouts, Found


@dataclass(frozen=True)
class Gathered:
    """Evidence on n pairs, GIF by GIF. `rows` has the numbers of their tags."""

    rows: EvidenceRows
    evidence: Evidence


def gather(
    block: GifBlock, abouts: Abouts, found: Found, known: OpenStatistics, experts: list[str], config: VoteConfig
) -> Gathered:
    """The evidence on the block's GIFs that have a row about them.

    The block's rows have distances; `found` are the neighbors' tags as meant.
    """
    weights, spreads = block.weights(config.similarity)
    of_tags = Known(known.table.meant, known.num_gifs, known.pair_slots, known.num_train)
    rows = gather_rows(block.lists, found, weights, abouts, of_tags, config.neighbors, len(experts))
    gifs = np.repeat(np.arange(len(rows.starts) - 1), np.diff(rows.starts))
    spread = gif_spreads(block.lists, spreads, len(experts))[gifs]
    is_train = np.logical_or.reduceat(abouts.is_train, block.lists.gif_starts[:-1])
    is_taught = is_train[gifs] & (rows.flags & (OWN | CORRECTION) != 0)
    lifts = known.lifts[rows.meant]
    heard = ~np.isnan(spread[is_taught])
    lifts[is_taught] = known.lifts_of_others(rows.meant[is_taught], rows.weights[is_taught], heard)
    flags = {flag: rows.flags & flag != 0 for flag in (OWN, SLIP, CORRECTION, COPIED, EDITORIAL)}
    evidence = Evidence(
        gifs=gifs,
        is_own=flags[OWN],
        is_slip=flags[SLIP],
        is_correction=flags[CORRECTION],
        is_copied=flags[COPIED],
        is_editorial=flags[EDITORIAL],
        is_taught=is_taught,
        prior=rows.priors,
        together=rows.together,
        likeness=likeness(known.looks, *block.looks(), gifs, rows.meant, is_taught),
        experts={
            name: ExpertEvidence(
                share=np.where(np.isnan(spread[:, at]), np.nan, rows.weights[:, at] / SHARE_UNIT),
                spread=np.nan_to_num(spread[:, at]),
                lift=lifts[:, at],
                votes=rows.votes[:, at].astype(np.int64),
            )
            for at, name in enumerate(experts)
        },
    )
    return Gathered(rows, evidence)


def evidence_rows(block: GifBlock, known: OpenStatistics, experts: list[str], config: VoteConfig) -> pa.RecordBatch:
    """Rows of evidence_schema."""
    found = known.table.as_meant(known.table.find(block.items, block.is_neighbor))
    gathered = gather(block, block.abouts(known.table), found, known, experts, config)
    evidence = gathered.evidence
    gif_ids = block.rows["gif_id"].chunk(0).take(pa.array(block.lists.gif_starts[:-1]))
    columns = {
        "gif_id": gif_ids.take(pa.array(evidence.gifs)),
        "tag": known.table.names.take(pa.array(gathered.rows.tags)),
        "prior": evidence.prior,
        "together": evidence.together,
        "likeness": pa.array(evidence.likeness, from_pandas=True),
    }
    columns |= {name: getattr(evidence, name) for name in evidence_schema([]).names if name.startswith("is_")}
    for name, expert in evidence.experts.items():
        columns[f"share_{name}"] = pa.array(expert.share, from_pandas=True)
        columns |= {f"spread_{name}": expert.spread, f"lift_{name}": expert.lift, f"votes_{name}": expert.votes}
    schema = evidence_schema(experts)
    return pa.RecordBatch.from_arrays([pa.array(columns[one.name]).cast(one.type) for one in schema], schema=schema)

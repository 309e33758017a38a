"""The vote on a block of GIFs, as published and as the scoring rule sees it, in one table.

Loads numba: import it where it is used.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from autotag_core.tables import VOTED_TAGS
from autotag_core.votes.evidence.evidence import Bools, Evidence, Floats, Ints
from autotag_core.votes.evidence.gather import gather
from autotag_core.votes.judge.judge import Judge
from autotag_core.votes.judge.learned import reasons
from autotag_core.votes.published.publish import as_maps, publish
from autotag_core.votes.published.publish_loops import EDITORIAL, SOURCES
from autotag_core.votes.result.merge_loops import merge_rows
from autotag_core.votes.statistics.tag_statistics import OpenStatistics
from autotag_core.votes.tally.gif_batches import GifBlock
from autotag_core.votes.tally.tag_table import strings_of

_SOURCES = pa.array([*SOURCES, "proposed"])
_PROPOSED = len(SOURCES)


def voted_rows(block: GifBlock, known: OpenStatistics, judge: Judge) -> pa.RecordBatch:
    """VOTED_TAGS rows of the block's GIFs: the published dataset with its scores, and the best proposed tags.

    A train GIF gets at most vote.max_proposed new tags with a score in all, highest first, ties alphabetical. Those
    that the published rule does not add have source `proposed` and confidence 0. A tag that the scoring rule knows
    nothing of has score 0.

    An editor has said that an editorial tag is right. That is no estimate, so its probability is null, and with
    vote.target_precision it is accepted. An uploader's tag that stays untouched (`original`) is as doubtful as any
    other uploader's, so it is judged by its score.
    """
    config, experts = judge.config, sorted(judge.weights.experts)
    table, names = known.table, known.table.names
    abouts, found = block.abouts(table), table.find(block.items, block.is_neighbor)
    weights = {name: judge.weights.experts[name].published for name in experts}
    published = publish(block, abouts, table.as_written(found), len(names), weights, config)
    gathered = gather(block, abouts, table.as_meant(found), known, experts, config)
    evidence = gathered.evidence
    scores = judge.scores(evidence)
    is_train = np.logical_or.reduceat(abouts.is_train, block.lists.gif_starts[:-1])
    merged = merge_rows(
        published.rows.starts,
        published.rows.tags,
        gathered.rows,
        scores,
        is_train[evidence.gifs] & ~evidence.is_own,
        config.max_proposed,
        strings_of(names),
    )
    num_new = len(merged.proposed)

    def with_new(values: np.ndarray, of_new: float) -> np.ndarray:
        return np.concatenate([values, np.full(num_new, of_new, values.dtype)])

    rows = np.concatenate([published.rows.rows, block.lists.gif_starts[:-1][evidence.gifs[merged.proposed]]])
    tags = names.take(pa.array(np.concatenate([published.rows.tags, gathered.rows.tags[merged.proposed]])))
    sources = with_new(published.rows.sources, _PROPOSED)
    scored = np.concatenate([merged.scored, merged.proposed])
    is_scored, is_editorial = scored >= 0, sources == EDITORIAL
    shown_scores, probabilities = _shown(judge, evidence, scores, scored)
    probabilities[is_editorial] = np.nan
    counts = np.concatenate([published.rows.counts, np.zeros((num_new, len(experts)), np.int32)])
    ends = with_new(published.rows.evidence_starts, published.rows.evidence_starts[-1])
    behind = block.items.take(pa.array(published.rows.evidence))
    columns = {
        "gif_id": block.rows["gif_id"].chunk(0).take(pa.array(rows)),
        "tag": tags,
        "confidence": with_new(published.confidences, 0.0).astype(np.float32),
        "source": _SOURCES.take(pa.array(sources)),
        "published_score": with_new(published.scores, 0.0).astype(np.float32),
        "score": shown_scores.astype(np.float32),
        "probability": pa.array(probabilities.astype(np.float32), from_pandas=True),
        "accepted": _accepted(judge, tags, probabilities, is_scored, is_editorial),
        "votes": as_maps(counts, experts),
        "evidence": pa.ListArray.from_arrays(pa.array(ends, pa.int32()), behind),
        "reasons": _reasons(judge, evidence, scored),
    }
    schema = VOTED_TAGS.plain_schema
    return pa.RecordBatch.from_arrays([pa.array(columns[one.name]) for one in schema], schema=schema)


def _shown(judge: Judge, evidence: Evidence, scores: Floats, rows: Ints) -> tuple[Floats, Floats]:
    """Scores and probabilities of these rows of the evidence; 0 and NaN for row -1, which is none."""
    found, probabilities = np.zeros(len(rows)), np.full(len(rows), np.nan)
    is_known = rows >= 0
    known = rows[is_known]
    found[is_known] = scores[known]
    probabilities[is_known] = judge.probabilities(evidence.where(known), scores[known])
    return found, probabilities


def _reasons(judge: Judge, evidence: Evidence, rows: Ints) -> pa.MapArray:
    """What moved the learned judge in these rows of the evidence, as rounded log odds; nothing for row -1."""
    kind = pa.map_(pa.string(), pa.float32())
    learned = judge.weights.learned if judge.config.rule == "learned" else None
    if learned is None:
        return pa.nulls(len(rows), kind)
    is_known = rows >= 0
    names, known = reasons(learned, evidence.where(rows[is_known]))
    values = np.full((len(rows), len(names)), np.nan)
    values[is_known] = np.round(known, 2)
    at, columns = np.nonzero(~np.isnan(values))
    offsets = np.searchsorted(at, np.arange(len(rows) + 1)).astype(np.int32)
    keys = pa.array(names, pa.string()).take(pa.array(columns))
    return pa.MapArray.from_arrays(pa.array(offsets), keys, pa.array(values[at, columns].astype(np.float32)))


def _accepted(judge: Judge, tags: pa.Array, probabilities: Floats, is_scored: Bools, is_editorial: Bools) -> pa.Array:
    """By the tags' thresholds; null where there are none or the tag has no evidence. Editorial tags always are."""
    accepted = judge.accepts(tags, probabilities)
    is_known = is_scored if accepted is not None else np.zeros(len(tags), bool)
    if judge.config.target_precision is not None:
        is_known = is_known | is_editorial
    values = is_editorial if accepted is None else accepted | is_editorial
    return pa.array(values, mask=~is_known)

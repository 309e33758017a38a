"""The whole vote on a block over random catalogs: the published dataset, scores beside it, and the best new tags."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from autotag_core.config import VoteConfig
from autotag_core.votes import (
    PUBLISHED,
    Calibration,
    Curve,
    ExpertWeight,
    Judge,
    TagStatistics,
    TagThreshold,
    Thresholds,
    Weights,
    block_of,
    count_tags,
    evidence_of,
    gif_blocks,
    open_statistics,
    open_tag_table,
    see_own_tags,
    write_counts,
    write_lifts,
)
from autotag_core.votes.evidence.gather import evidence_rows
from autotag_core.votes.published.publish import published_rows
from autotag_core.votes.result.voted_tags import voted_rows
from tests.core.votes.published.odd_catalogs import EXPERTS, SCHEMA, Catalog, Lists, as_rows, as_table, drawn

PROPOSED = 2
CURVE = Curve(9, 9, "platt", slope=0.5, intercept=0.25)
Pair = tuple[str, str]


def statistics_of(catalog: Catalog, lists: Lists, config: VoteConfig, folder: Path) -> TagStatistics:
    """Counted in two parts, which are added up here as Spark does it."""
    table = as_table(catalog, folder, 5)
    opened = open_tag_table(table, folder)
    names = sorted(EXPERTS)
    rows = pa.Table.from_pylist(as_rows(catalog, lists), SCHEMA)
    is_about = pa.compute.is_null(rows["expert"])
    about, listed = (rows.filter(mask).combine_chunks() for mask in (is_about, pa.compute.invert(is_about)))
    half = len(about) // 2
    parts = [
        count_tags(block_of(part, []), opened)
        for part in (about.slice(0, half).combine_chunks(), about.slice(half).combine_chunks())
    ]
    counts = write_counts(summed(parts, ["key"]), table, str(folder), folder)
    seen = [see_own_tags(block_of(listed, names), opened, config.similarity)]
    lifts = write_lifts(summed(seen, ["tag", "expert"]), counts, table.num_gifs, len(names), 0.3, str(folder), folder)
    return TagStatistics(table, tuple(names), counts, lifts)


def summed(parts: list[pa.RecordBatch], keys: list[str]) -> list[pa.RecordBatch]:
    table = pa.Table.from_batches(parts)
    others = [name for name in table.schema.names if name not in keys]
    sums = table.group_by(keys).aggregate([(name, "sum") for name in others])
    named = pa.table({name: sums[name if name in keys else f"{name}_sum"] for name in table.schema.names})
    return named.cast(table.schema).to_batches()


def judge_of(config: VoteConfig) -> Judge:
    weights = Weights({name: ExpertWeight(weight, 1 - weight) for name, weight in EXPERTS.items()})
    thresholds = None
    if config.target_precision is not None:
        rows = (TagThreshold(None, 0.4, 9, 1.0, "fallback"), TagThreshold("cat", 0.6, 9, 1.0, "own"))
        thresholds = Thresholds(config.target_precision, 1, rows)
    return Judge(config, weights, Calibration(CURVE, CURVE), thresholds)


def expected(published: pa.Table, evidence: pa.Table, judge: Judge, catalog: Catalog) -> dict[Pair, tuple[Any, ...]]:
    """(source, score, probability, accepted) of each row, from the two tables, row by row."""
    of_pairs = evidence_of(evidence, sorted(EXPERTS))
    scores = judge.scores(of_pairs)
    probabilities = judge.probabilities(of_pairs, scores)
    accepted = judge.accepts(evidence["tag"].combine_chunks(), probabilities)
    found: dict[Pair, tuple[Any, ...]] = {}
    judged = {}
    for at, pair in enumerate(zip(evidence["gif_id"].to_pylist(), evidence["tag"].to_pylist(), strict=True)):
        probability = None if np.isnan(probabilities[at]) else float(np.float32(probabilities[at]))
        yes = None if accepted is None else bool(accepted[at])
        judged[pair] = (float(scores[at]), probability, yes, bool(of_pairs.is_own[at]))
    ranked: dict[str, list[tuple[float, str]]] = {}
    for (gif_id, tag), (score, _, _, is_own) in judged.items():
        if catalog[gif_id][0] == "train" and not is_own and score > 0:
            ranked.setdefault(gif_id, []).append((-score, tag))
    proposed = {(gif_id, tag) for gif_id, tags in ranked.items() for _, tag in sorted(tags)[:PROPOSED]}
    sources = {(row["gif_id"], row["tag"]): row["source"] for row in published.to_pylist()}
    for pair in sources.keys() | proposed:
        source = sources.get(pair, "proposed")
        score, probability, yes, _ = judged.get(pair, (0.0, None, None, False))
        if source == "editorial":
            probability, yes = None, None if judge.config.target_precision is None else True
        found[pair] = (source, float(np.float32(score)), probability, yes)
    return found


@pytest.mark.parametrize("target", [None, 0.9])
def test_random_catalogs_get_what_is_published_its_scores_and_the_best_new_tags(
    target: float | None, tmp_path: Path
) -> None:
    kinds: Counter[Any] = Counter()
    for seed in range(20):
        catalog, lists = drawn(seed)
        config = VoteConfig(neighbors=2, lower_bound=0.3, max_proposed=PROPOSED, target_precision=target)
        known, judge = open_statistics(statistics_of(catalog, lists, config, tmp_path), tmp_path), judge_of(config)
        batches = pa.Table.from_pylist(as_rows(catalog, lists), SCHEMA).to_batches()
        blocks = list(gif_blocks(batches, sorted(EXPERTS), 9))
        voted = pa.Table.from_batches([voted_rows(block, known, judge) for block in blocks])
        published = pa.Table.from_batches(
            [published_rows(block, known.table, EXPERTS, config) for block in blocks], PUBLISHED
        )
        names = sorted(EXPERTS)
        evidence = pa.Table.from_batches([evidence_rows(block, known, names, config) for block in blocks])
        rows = {(row["gif_id"], row["tag"]): row for row in voted.to_pylist()}
        assert len(rows) == len(voted)
        found = {pair: (row["source"], row["score"], row["probability"], row["accepted"]) for pair, row in rows.items()}
        assert found == expected(published, evidence, judge, catalog)
        for row in published.to_pylist():
            assert {name: rows[row["gif_id"], row["tag"]][name] for name in PUBLISHED.names} == row
        for pair, row in rows.items():
            if row["source"] == "proposed":
                assert (row["confidence"], row["published_score"], row["votes"], row["evidence"]) == (0, 0, [], []), (
                    pair
                )
        kinds.update((row["source"], row["accepted"]) for row in rows.values())
    sources = {"editorial", "original", "confirmed", "unconfirmed", "voted", "proposed"}
    assert {source for source, _ in kinds} == sources
    assert {accepted for _, accepted in kinds} == ({None} if target is None else {True, False})


def test_of_equal_scores_the_first_by_the_alphabet_is_proposed(tmp_path: Path) -> None:
    tags = ["d", "b", "größe", "c", "a"]
    catalog: Catalog = {"asked": ("train", ["own"], []), "n": ("train", tags, []), "other": ("train", tags, [])}
    lists: Lists = {("asked", "a"): [("n", 0.1)], ("n", "a"): [("other", 0.1)], ("other", "a"): [("n", 0.1)]}
    config = VoteConfig(lower_bound=9.0, max_proposed=PROPOSED)
    known = open_statistics(statistics_of(catalog, lists, config, tmp_path), tmp_path)
    (block,) = gif_blocks(pa.Table.from_pylist(as_rows(catalog, lists), SCHEMA).to_batches(), sorted(EXPERTS), 100)
    rows = voted_rows(block, known, judge_of(config)).to_pylist()
    assert sorted(row["tag"] for row in rows if row["gif_id"] == "asked") == ["a", "b", "own"]

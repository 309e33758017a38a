"""The compiled vote against the published rule in plain Python, over random catalogs with every odd case in them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from autotag_core.config import VoteConfig
from autotag_core.votes import PUBLISHED, gif_blocks, open_tag_table
from autotag_core.votes.published.publish import published_rows
from tests.core.votes.published.odd_catalogs import EXPERTS, SCHEMA, Catalog, Lists, as_rows, as_table, drawn


def published(catalog: Catalog, lists: Lists, config: VoteConfig) -> list[tuple[Any, ...]]:
    """The rule as udfs/votes/votes.py says it."""
    found = []
    for gif_id, (split, tags, editorial) in catalog.items():
        votes: dict[str, Counter[str]] = {}
        evidence: dict[str, set[str]] = {}
        for expert in EXPERTS:
            for neighbor, _ in lists.get((gif_id, expert), [])[: config.neighbors]:
                theirs = catalog.get(neighbor, ("gone", [], []))
                for tag in {*theirs[1], *theirs[2]} if theirs[0] == "train" else ():
                    votes.setdefault(tag, Counter())[expert] += 1
                    evidence.setdefault(tag, set()).add(neighbor)
        is_seen = any(lists.get((gif_id, expert)) for expert in EXPERTS)
        rows = []
        for tag in {*tags, *editorial, *votes}:
            counts = votes.get(tag, Counter())
            vote = 0.0
            for expert, weight in EXPERTS.items():
                vote += weight * counts[expert]
            if tag in editorial:
                source = "editorial"
            elif tag in tags:
                heard = "confirmed" if counts else "unconfirmed"
                source = heard if split == "train" and is_seen else "original"
            elif split == "train" and vote > 0 and vote >= config.lower_bound:
                source = "voted"
            else:
                continue
            rows.append((tag, source, vote, dict(counts), sorted(evidence.get(tag, set()))))
        largest = sum(EXPERTS[name] for name in sorted(EXPERTS)) * config.neighbors
        if config.normalise == "max":
            largest = max((row[2] for row in rows), default=0.0)
        for tag, source, vote, counts, behind in rows:
            score = min(vote / largest, 1.0) if largest > 0 else 0.0
            confidence = {"voted": score, "unconfirmed": config.unconfirmed_confidence}.get(source, 1.0)
            found.append((gif_id, tag, np.float32(confidence), source, np.float32(score), counts, behind))
    return sorted(found, key=lambda row: row[:2])


@pytest.mark.parametrize("normalise", ["possible", "max"])
@pytest.mark.parametrize(("slice_gifs", "num_rows"), [(1000, 1000), (3, 1), (1, 7)])
def test_random_catalogs_are_voted_on_as_by_the_rule(
    normalise: str, slice_gifs: int, num_rows: int, tmp_path: Path
) -> None:
    sources: Counter[str] = Counter()
    for seed in range(25):
        catalog, lists = drawn(seed)
        config = VoteConfig(neighbors=3, lower_bound=0.3 * (seed % 3), normalise=normalise)
        opened = open_tag_table(as_table(catalog, tmp_path, slice_gifs), tmp_path)
        batches = pa.Table.from_pylist(as_rows(catalog, lists), SCHEMA).to_batches(max_chunksize=4)
        blocks = gif_blocks(batches, sorted(EXPERTS), num_rows)
        voted = pa.Table.from_batches([published_rows(block, opened, EXPERTS, config) for block in blocks], PUBLISHED)
        rows = [(*tuple(row.values())[:5], dict(row["votes"]), row["evidence"]) for row in voted.to_pylist()]
        assert sorted(rows, key=lambda row: row[:2]) == published(catalog, lists, config)
        sources.update(voted["source"].to_pylist())
    assert set(sources) == {"editorial", "original", "confirmed", "unconfirmed", "voted"}


def test_no_rows_are_no_blocks() -> None:
    empty = pa.RecordBatch.from_pylist([], SCHEMA)
    assert list(gif_blocks([], ["a"], 10)) == list(gif_blocks([empty, empty], ["a"], 10)) == []

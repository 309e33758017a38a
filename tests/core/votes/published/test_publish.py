"""The compiled vote against the published rule in plain Python, over random catalogs with every odd case in them."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from autotag_core.config import VoteConfig
from autotag_core.votes import ABOUT, PUBLISHED, TagTable, gif_blocks, open_tag_table, write_tag_table
from autotag_core.votes.published.publish import published_rows

EXPERTS = {"a": 0.1, "b": 0.2, "c": 0.7}
TAGS = ["cat", "größe", "猫", "lol", "", "g3", "rare"]
SCHEMA = pa.schema(
    [
        ("gif_id", pa.string()),
        ("expert", pa.string()),
        ("items", pa.list_(pa.string())),
        ("distances", pa.list_(pa.float32())),
        *(field for field in ABOUT if field.name not in ("gif_id", "items")),
    ]
)
Catalog = dict[str, tuple[str, list[str], list[str]]]
Lists = dict[tuple[str, str], list[tuple[str, float]]]


def drawn(seed: int) -> tuple[Catalog, Lists]:
    """A catalog {gif_id: (split, tags, editorial tags)} and lists {(gif_id, expert): [(neighbor, distance)]}."""
    rng = random.Random(seed)
    ids = [f"g{number}" for number in range(12)]
    catalog = {
        gif_id: (
            rng.choice(["train", "train", "train", "validation", "test"]),
            rng.sample(TAGS, rng.randrange(5)),
            rng.sample([*TAGS, "edited"], rng.choice([0, 0, 3])),
        )
        for gif_id in ids
    }
    lists = {}
    for gif_id in [*ids, "not in the catalog"]:
        for expert in EXPERTS:
            near = [other for other in rng.sample([*ids, "gone"], rng.randrange(6)) if other != gif_id]
            distances = sorted(float(np.float32(rng.random())) for _ in near)
            if rng.random() < 0.8:
                lists[gif_id, expert] = list(zip(near, distances, strict=True))
    return catalog, lists


def as_rows(catalog: Catalog, lists: Lists) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [
        {"gif_id": gif_id, "expert": expert, "items": [one for one, _ in near], "distances": [one for _, one in near]}
        for (gif_id, expert), near in lists.items()
    ]
    rows += about_rows(catalog)
    random.Random(1).shuffle(rows)
    return sorted(rows, key=lambda row: str(row["gif_id"]))


def about_rows(catalog: Catalog) -> list[dict[str, Any]]:
    """Rows of ABOUT: tags that only an editor gave, that the uploader gave too, that only the uploader gave."""
    rows = []
    for gif_id, (split, tags, editorial) in catalog.items():
        only = [tag for tag in editorial if tag not in tags]
        both = [tag for tag in editorial if tag in tags]
        items = [*only, *both, *(tag for tag in tags if tag not in editorial)]
        places = {"first_own": len(only), "num_editorial": len(editorial), "first_copied": len(items)}
        rows.append({"gif_id": gif_id, "items": items, "is_train": split == "train"} | places)
    return rows


def as_table(catalog: Catalog, folder: Path, slice_gifs: int) -> TagTable:
    rows = pa.Table.from_pylist(about_rows(catalog), ABOUT)
    return write_tag_table(rows.to_batches(max_chunksize=3), str(folder), folder, slice_gifs)


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

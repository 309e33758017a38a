"""Neighbors that are brought up to date, held against neighbors that are found anew."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

from autotag_core.config import NeighborsConfig
from autotag_core.neighbors import exact_neighbors
from autotag_core.tables import EMBEDDINGS, NEIGHBORS
from udfs.neighbors import update as neighbor_updates
from udfs.neighbors.shard_rows import ShardFolders
from udfs.neighbors.update import Space, update_neighbors

EXACT = NeighborsConfig(k=3, backend="exact", shard_size=50)
EXPERTS = ("imagenet", "text")
Catalog = dict[str, tuple[int, bool]]
"""By gif_id: which vectors it has, and whether it is a reference."""
Lists = dict[tuple[str, str], tuple[list[str], list[float]]]


@functools.cache
def vector(expert: str, number: int) -> list[float]:
    seed = np.random.default_rng([number, len(expert)])
    drawn = seed.integers(-1, 2, size=3) + 1e-3 * seed.integers(0, 2, size=3) + np.array([0.1, 0, 0])
    return cast(list[float], (drawn / np.linalg.norm(drawn)).astype(np.float32).tolist())


def embedded(catalog: Catalog, expert: str) -> dict[str, int]:
    """Which vector each of the expert's GIFs has: `text` has one for two in three."""
    return {gif_id: number for gif_id, (number, _) in sorted(catalog.items()) if expert == "imagenet" or number % 3}


@pytest.fixture
def space(spark: SparkSession) -> Callable[[Catalog], Space]:
    def make(catalog: Catalog) -> Space:
        rows = [
            (gif_id, expert, vector(expert, number), "m1", f"v{number}")
            for expert in EXPERTS
            for gif_id, number in embedded(catalog, expert).items()
        ]
        references = [(gif_id,) for gif_id, (_, is_reference) in catalog.items() if is_reference]
        embeddings_df = spark.createDataFrame(rows, from_arrow_schema(EMBEDDINGS.schema)).coalesce(2)
        return Space(embeddings_df, spark.createDataFrame(references, "gif_id string"))

    return make


def found(catalog: Catalog) -> Lists:
    """The lists that a full search gives."""
    lists = {}
    for expert in EXPERTS:
        numbers = embedded(catalog, expert)
        ids = list(numbers)
        vectors = np.array([vector(expert, number) for number in numbers.values()], np.float32)
        train = [i for i, gif_id in enumerate(ids) if catalog[gif_id][1]]
        nearest = exact_neighbors(ids, vectors, [ids[i] for i in train], vectors[train], EXACT.k)
        lists |= {(gif_id, expert): nearest.of(i) for i, gif_id in enumerate(ids)}
    return lists


def lists(neighbors_df: DataFrame) -> Lists:
    assert neighbors_df.columns == NEIGHBORS.schema.names
    rows = neighbors_df.collect()
    found = {(row.gif_id, row.expert): (row.neighbor_ids, row.distances) for row in rows}
    assert len(found) == len(rows)
    return found


@pytest.fixture
def config() -> NeighborsConfig:
    return EXACT


@pytest.fixture(autouse=True)
def nothing_is_cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Catalogs are merged, as small as they are."""
    monkeypatch.setattr(neighbor_updates, "CHEAP", 0)


@pytest.fixture
def updated(
    spark: SparkSession, config: NeighborsConfig, tmp_path: Path
) -> Callable[[Space, Space, Lists], tuple[Lists, list[str]]]:
    """Neighbors of now from those of before; the lists of experts that are not named stay."""
    numbers = itertools.count()

    def update(now: Space, before: Space, known: Lists) -> tuple[Lists, list[str]]:
        rows = [(*key, *value) for key, value in known.items()]
        known_df = spark.createDataFrame(rows, from_arrow_schema(NEIGHBORS.schema)).coalesce(2)
        kept: list[DataFrame] = []

        def keep(rows_df: DataFrame) -> DataFrame:
            kept.append(rows_df.persist())
            return kept[-1]

        folders = ShardFolders(f"{tmp_path}/{next(numbers)}")
        found, changed = update_neighbors(now, before, known_df, config, folders, keep)
        new = lists(found.neighbors_df)
        assert {expert for _, expert in new} <= set(changed)
        for rows_df in kept:
            rows_df.unpersist()
        return new | {key: value for key, value in known.items() if key[1] not in changed}, changed

    return update


def test_any_sequence_of_changes_gives_what_a_full_search_gives(space: Any, updated: Any) -> None:
    random = np.random.default_rng(3)
    catalog: Catalog = {f"g{number:03d}": (number, number % 5 > 0) for number in range(120)}
    before, known = space(catalog), found(catalog)
    for night in range(2):
        ids = sorted(catalog)
        for gif_id in random.choice(ids, 4, replace=False).tolist():  # gone, and some of them come back
            del catalog[gif_id]
        for gif_id in random.choice(sorted(catalog), 3, replace=False).tolist():
            catalog[gif_id] = (int(random.integers(120)), catalog[gif_id][1])
        for gif_id in random.choice(sorted(catalog), 3, replace=False).tolist():
            catalog[gif_id] = (catalog[gif_id][0], not catalog[gif_id][1])
        catalog |= {f"g{120 + 4 * night + i}": (int(random.integers(120)), True) for i in range(4)}
        now = space(dict(catalog))
        known, _ = updated(now, before, known)
        assert known == found(catalog), night
        before = now


def test_what_has_not_changed_is_not_searched_and_not_written(space: Any, updated: Any) -> None:
    catalog: Catalog = {f"g{number:02d}": (number, True) for number in range(12)}
    before, known = space(catalog), found(catalog)
    assert updated(space(catalog), before, known) == (known, [])
    # number 3 has no text: only its frames moved
    now = catalog | {"g00": (3, True)}
    new, changed = updated(space(now), before, known)
    assert changed == ["imagenet"] and new == found(now)


def test_an_expert_whose_model_is_another_one_is_searched_anew(space: Any, updated: Any) -> None:
    catalog: Catalog = {f"g{number:02d}": (number, True) for number in range(12)}
    turned = {gif_id: (number + 1, True) for gif_id, (number, _) in catalog.items()}
    new, changed = updated(space(turned), space(catalog), found(catalog))
    assert (new, changed) == (found(turned), ["imagenet", "text"])


@pytest.mark.parametrize("config", [EXACT.model_copy(update={"backend": "nndescent"})])
def test_lists_of_a_graph_are_merged_with_an_exact_search_for_what_changed(space: Any, updated: Any) -> None:
    catalog: Catalog = {f"g{number:02d}": (number, True) for number in range(12)}
    now = catalog | {"g00": (3, True), "g12": (12, True)}
    new, changed = updated(space(now), space(catalog), found(catalog))
    assert changed == ["imagenet"] and new == found(now)  # of so few GIFs a graph is exact


def test_where_a_full_exact_search_is_cheap_it_takes_the_place_of_the_merge(
    space: Any, updated: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(neighbor_updates, "CHEAP", 13 * 12 * 103)
    catalog: Catalog = {f"g{number:02d}": (number, number > 0) for number in range(12)}
    now = catalog | {"g12": (12, True)}  # 13 GIFs, 12 references of 3 dimensions
    wrong = {key: (["g01"], [0.5]) for key in found(catalog)}
    with caplog.at_level("INFO"):
        new, changed = updated(space(now), space(catalog), wrong)
    assert changed == ["imagenet"]
    assert {key: value for key, value in new.items() if key[1] == "imagenet"} == {
        key: value for key, value in found(now).items() if key[1] == "imagenet"
    }
    assert "neighbors of imagenet: all anew, 1 changes: that costs as much as 1.6e+04 products" in caplog.text
    monkeypatch.setattr(neighbor_updates, "CHEAP", 13 * 12 * 103 - 1)
    new, _ = updated(space(now), space(catalog), wrong)
    assert new["g05", "imagenet"][0][-1] == "g01" or new["g05", "imagenet"][1][0] == 0.5  # merged with what was there


@pytest.mark.parametrize("config", [EXACT.model_copy(update={"backend": "nndescent"})])
def test_a_graph_is_made_anew_where_that_costs_less_than_exact_searches_for_what_changed(
    space: Any, updated: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog: Catalog = {f"g{number:02d}": (number, True) for number in range(12)}
    now = catalog | {"g12": (12, True)}
    wrong = found(catalog) | {("g05", "imagenet"): (["g01"], [0.0])}
    assert updated(space(now), space(catalog), wrong)[0]["g05", "imagenet"][0][0] == "g01"  # kept as it was
    monkeypatch.setattr(neighbor_updates, "GRAPH", 1)
    assert updated(space(now), space(catalog), wrong)[0] == found(now)

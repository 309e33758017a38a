"""Neighbors that are brought up to date, held against neighbors that are found anew."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

from autotag_core.config import NeighborsConfig
from autotag_core.tables import EMBEDDINGS, NEIGHBORS
from udfs.neighbor_updates import Space, update_neighbors
from udfs.neighbors import find_neighbors

EXACT = NeighborsConfig(k=3, backend="exact", shard_size=20)
Catalog = dict[str, tuple[int, bool]]
"""By gif_id: which vectors it has, and whether it is a reference."""
Lists = dict[tuple[str, str], tuple[list[str], list[float]]]


@pytest.fixture
def space(spark: SparkSession) -> Callable[[Catalog], Space]:
    """A catalog's vectors in two spaces; `text` has one for two GIFs in three."""
    vectors: dict[tuple[str, int], list[float]] = {}

    def vector(expert: str, number: int) -> list[float]:
        if (expert, number) not in vectors:
            seed = np.random.default_rng([number, len(expert)])
            drawn = seed.integers(-1, 2, size=3) + 1e-3 * seed.integers(0, 2, size=3) + np.array([0.1, 0, 0])
            vectors[expert, number] = (drawn / np.linalg.norm(drawn)).astype(np.float32).tolist()
        return vectors[expert, number]

    def make(catalog: Catalog) -> Space:
        rows = [
            (gif_id, expert, vector(expert, number), "m1", f"v{number}")
            for gif_id, (number, _) in catalog.items()
            for expert in ("imagenet", "text")
            if expert == "imagenet" or number % 3
        ]
        references = [(gif_id,) for gif_id, (_, is_reference) in catalog.items() if is_reference]
        embeddings_df = spark.createDataFrame(rows, from_arrow_schema(EMBEDDINGS.schema)).coalesce(2)
        return Space(embeddings_df, spark.createDataFrame(references, "gif_id string"))

    return make


def lists(neighbors_df: DataFrame) -> Lists:
    assert neighbors_df.columns == NEIGHBORS.schema.names
    rows = neighbors_df.collect()
    found = {(row.gif_id, row.expert): (row.neighbor_ids, row.distances) for row in rows}
    assert len(found) == len(rows)
    return found


@pytest.fixture
def config() -> NeighborsConfig:
    return EXACT


@pytest.fixture
def found(spark: SparkSession, config: NeighborsConfig, tmp_path: Path) -> Callable[[Space], Lists]:
    numbers = itertools.count()
    return lambda of: lists(
        find_neighbors(of.embeddings_df, of.reference_ids_df, config, f"{tmp_path}/all-{next(numbers)}")
    )


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

        changed_df, changed = update_neighbors(now, before, known_df, config, f"{tmp_path}/{next(numbers)}", keep)
        new = lists(changed_df)
        assert {expert for _, expert in new} <= set(changed)
        for rows_df in kept:
            rows_df.unpersist()
        return new | {key: value for key, value in known.items() if key[1] not in changed}, changed

    return update


@pytest.mark.parametrize("seed", [3, 11])
def test_any_sequence_of_changes_gives_what_a_full_search_gives(
    space: Any, found: Any, updated: Any, seed: int
) -> None:
    random = np.random.default_rng(seed)
    catalog: Catalog = {f"g{number:03d}": (number, number % 5 > 0) for number in range(60)}
    before = space(catalog)
    known = found(before)
    for night in range(2):
        ids = sorted(catalog)
        for gif_id in random.choice(ids, 3, replace=False).tolist():  # gone, and some of them come back
            del catalog[gif_id]
        for gif_id in random.choice(sorted(catalog), 2, replace=False).tolist():
            catalog[gif_id] = (int(random.integers(60)), catalog[gif_id][1])
        for gif_id in random.choice(sorted(catalog), 2, replace=False).tolist():
            catalog[gif_id] = (catalog[gif_id][0], not catalog[gif_id][1])
        catalog |= {f"g{60 + 3 * night + i:03d}": (int(random.integers(60)), True) for i in range(3)}
        now = space(dict(catalog))
        known, _ = updated(now, before, known)
        assert known == found(now), night
        before = now


def test_what_has_not_changed_is_not_searched_and_not_written(space: Any, found: Any, updated: Any) -> None:
    catalog: Catalog = {f"g{number:02d}": (number, True) for number in range(12)}
    before = space(catalog)
    known = found(before)
    assert updated(space(catalog), before, known) == (known, [])
    # number 3 has no text: only its frames moved
    now = space(catalog | {"g00": (3, True)})
    new, changed = updated(now, before, known)
    assert changed == ["imagenet"] and new == found(now)


def test_an_expert_whose_model_is_another_one_is_searched_anew(space: Any, found: Any, updated: Any) -> None:
    catalog: Catalog = {f"g{number:02d}": (number, True) for number in range(12)}
    before = space(catalog)
    known = found(before)
    turned = space({gif_id: (number + 1, True) for gif_id, (number, _) in catalog.items()})
    new, changed = updated(turned, before, known)
    assert (new, changed) == (found(turned), ["imagenet", "text"])


@pytest.mark.parametrize("config", [EXACT.model_copy(update={"backend": "nndescent"})])
def test_lists_of_a_graph_are_merged_with_an_exact_search_for_what_changed(
    space: Any, found: Any, updated: Any
) -> None:
    catalog: Catalog = {f"g{number:02d}": (number, True) for number in range(12)}
    before = space(catalog)
    now = space(catalog | {"g00": (3, True), "g12": (12, True)})
    new, changed = updated(now, before, found(before))
    assert changed == ["imagenet"] and new == found(now)  # of so few GIFs a graph is exact

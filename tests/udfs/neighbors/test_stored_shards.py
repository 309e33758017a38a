"""Indexes of an earlier run find what exact search finds now, and are built anew once too much has changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

from autotag_core.config import NeighborsConfig
from autotag_core.neighbors import exact_neighbors
from autotag_core.tables import EMBEDDINGS
from udfs.neighbors.search import find_neighbors
from udfs.neighbors.shard_rows import ShardFolders
from udfs.neighbors.stored_shards import SavedShards, contents
from udfs.neighbors.update import Space, update_neighbors

CONFIG = NeighborsConfig(k=5, backend="nmslib", shard_size=300)
EXPERT = "imagenet"


@dataclass
class House:
    """Nights over a catalog whose GIFs are numbers of vectors, by gif_id; every GIF but one in six is a reference."""

    spark: SparkSession
    folder: Path
    vectors: np.ndarray[Any, Any]
    config: NeighborsConfig = CONFIG
    kept: list[DataFrame] = field(default_factory=list)

    def space(self, catalog: dict[str, int]) -> Space:
        rows = [(gif_id, EXPERT, self.vectors[at].tolist(), "m1", f"v{at}") for gif_id, at in catalog.items()]
        embeddings_df = self.spark.createDataFrame(rows, from_arrow_schema(EMBEDDINGS.schema)).coalesce(2)
        return Space(self.keep(embeddings_df), self.spark.createDataFrame(self.references(catalog), "gif_id string"))

    def references(self, catalog: dict[str, int]) -> list[tuple[str]]:
        return [(gif_id,) for gif_id in sorted(catalog) if int(gif_id[1:]) % 6]

    def keep(self, rows_df: DataFrame) -> DataFrame:
        self.kept.append(rows_df.persist())
        return self.kept[-1]

    def folders(self, name: str) -> ShardFolders:
        return ShardFolders(str(self.folder / name / "passing"), str(self.folder / name / "lasting"))

    def recall(self, neighbors_df: DataFrame, catalog: dict[str, int]) -> float:
        """Of lists that are as long as they can be, without a GIF that is no reference."""
        ids = sorted(catalog)
        vectors = self.vectors[[catalog[gif_id] for gif_id in ids]]
        train = [gif_id for (gif_id,) in self.references(catalog)]
        expected = exact_neighbors(ids, vectors, train, self.vectors[[catalog[gif_id] for gif_id in train]], CONFIG.k)
        rows = {row.gif_id: row for row in neighbors_df.collect()}
        assert sorted(rows) == ids
        hits = 0
        for i, gif_id in enumerate(ids):
            nearest, distances = expected.of(i)
            found = rows[gif_id].neighbor_ids
            assert len(set(found)) == len(nearest) and set(found) <= set(train) - {gif_id}
            known = dict(zip(nearest, distances, strict=True))
            pairs = zip(found, rows[gif_id].distances, strict=True)
            hits += sum(known.get(name) == distance for name, distance in pairs)
        return hits / (len(ids) * CONFIG.k)


@pytest.fixture
def house(spark: SparkSession, tmp_path: Path, clustered: Callable[..., Any]) -> Any:
    house = House(spark, tmp_path, clustered(900, 24, 4))
    yield house
    for rows_df in house.kept:
        rows_df.unpersist()


def changed_catalog(before: dict[str, int], num_gained: int, num_moved: int, num_lost: int) -> dict[str, int]:
    """As many GIFs are new, are another picture, or are gone."""
    random = np.random.default_rng(3)
    ids = sorted(before)
    random.shuffle(ids)
    now = {gif_id: before[gif_id] for gif_id in ids[num_lost:]}
    unused = sorted(set(range(900)) - set(before.values()))
    for gif_id in ids[-num_moved:]:
        now[gif_id] = unused.pop()
    return now | {f"g{1000 + number}": unused.pop() for number in range(num_gained)}


def test_nights_are_searched_in_the_indexes_of_the_first(house: House) -> None:
    first = {f"g{number}": number for number in range(700)}
    before, folders = house.space(first), house.folders("first")
    found = find_neighbors(before.embeddings_df, before.reference_ids_df, house.config, folders)
    lists_df = house.keep(found.neighbors_df)
    assert house.recall(lists_df, first) > 0.98
    assert len(found.lasting) >= 2 and sum(shard.num_references for shard in found.lasting) == 583
    saved = {EXPERT: SavedShards(found.lasting, house.keep(contents(before.references())))}
    # a second night, and a third which stands on the second's lists and still the first's indexes
    second = changed_catalog(first, num_gained=12, num_moved=12, num_lost=40)
    for name, catalog in (("second", second), ("third", changed_catalog(second, 10, 8, 20))):
        now, folders = house.space(catalog), house.folders(name)
        found, changed = update_neighbors(now, before, lists_df, house.config, folders, house.keep, saved)
        lists_df = house.keep(found.neighbors_df)
        assert house.recall(lists_df, catalog) > 0.98
        assert changed == [EXPERT] and not found.lasting
        before = now


@pytest.mark.parametrize(("num_gained", "num_moved", "num_lost"), [(100, 1, 0), (0, 1, 130)])
def test_indexes_that_hold_too_little_or_too_much_are_built_anew(
    house: House, num_gained: int, num_moved: int, num_lost: int
) -> None:
    first = {f"g{number}": number for number in range(700)}
    before, folders = house.space(first), house.folders("first")
    found = find_neighbors(before.embeddings_df, before.reference_ids_df, CONFIG, folders)
    lists_df = house.keep(found.neighbors_df)
    saved = {EXPERT: SavedShards(found.lasting, contents(before.references()))}
    catalog = changed_catalog(first, num_gained, num_moved, num_lost)
    now, folders = house.space(catalog), house.folders("second")
    found, _ = update_neighbors(now, before, lists_df, CONFIG, folders, house.keep, saved)
    assert house.recall(found.neighbors_df, catalog) > 0.98
    assert sum(shard.num_references for shard in found.lasting) == len(house.references(catalog))


def test_exact_shards_are_not_kept(house: House) -> None:
    first = {f"g{number}": number for number in range(100)}
    before, folders = house.space(first), house.folders("first")
    config = CONFIG.model_copy(update={"backend": "exact"})
    found = find_neighbors(before.embeddings_df, before.reference_ids_df, config, folders)
    found.neighbors_df.collect()
    assert not found.lasting and not (house.folder / "first" / "lasting").exists()

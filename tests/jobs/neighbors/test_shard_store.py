"""Indexes stay with the release that they were built for, and go with the last one that names them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog
from pyspark.sql import SparkSession
from structlog.testing import capture_logs

from autotag_core import storage, warehouse
from autotag_core.config.file import load_config
from autotag_core.tables import CATALOG, EMBEDDINGS, NEIGHBORS
from autotag_core.warehouse import retention
from jobs.neighbors.find_neighbors import find_neighbors
from jobs.neighbors.shard_store import saved_shards
from jobs.process.progress import Progress
from jobs.run.delta_tables import spark_schema
from jobs.run.run import Run

SETTINGS = (
    "experts=[semantic]",
    "neighbors.backend=nmslib",
    "neighbors.k=4",
    "vote.neighbors=4",
    "neighbors.shard_size=150",
)


@dataclass
class House:
    """Nights over GIFs that are numbers of vectors, all of them references."""

    spark: SparkSession
    uri: str
    vectors: Any

    def night(self, numbers: list[int], *settings: str, is_release: bool = True) -> Run:
        """A night up to the neighbors, on the release before it."""
        log, config = structlog.get_logger(), load_config(None, [*SETTINGS, *settings])
        run = Run(self.spark, config, self.uri, log, Progress(self.spark.sparkContext, is_terminal=False))
        if Path(self.uri, "runs").exists():
            run.tables.base = warehouse.current_release(self.uri)
            run.tables.adopt(NEIGHBORS)
        rows = [(f"g{number}", f"{number}.gif", ["t"], [], None, 0, None, None, [], "train") for number in numbers]
        run.tables.write(CATALOG, self.spark.createDataFrame(rows, spark_schema(CATALOG)).coalesce(1))
        embedded = [(f"g{number}", "semantic", self.vectors[number].tolist(), "m", "v") for number in numbers]
        run.tables.write(EMBEDDINGS, self.spark.createDataFrame(embedded, spark_schema(EMBEDDINGS)))
        find_neighbors(run)
        if is_release:
            run.staging.clean_up()
            warehouse.append_run(self.uri, run.to_record(warehouse.PUBLISHED))
        return run

    def folders(self) -> list[str]:
        """The runs of which indexes are kept."""
        return sorted(path.name for path in Path(self.uri, retention.SHARDS).iterdir())


@pytest.fixture
def house(spark: SparkSession, tmp_path: Path, clustered: Callable[..., Any]) -> House:
    return House(spark, str(tmp_path / "warehouse"), clustered(400, 16, 2))


def test_a_night_is_searched_in_the_indexes_of_its_base(house: House) -> None:
    first = house.night(list(range(300)))
    second = house.night(list(range(3, 308)))
    assert second.facts.inputs.shards["semantic"] == first.facts.inputs.shards["semantic"] == first.run_id
    assert house.folders() == [first.run_id]
    assert {name for row in second.tables.read(NEIGHBORS).collect() for name in row.neighbor_ids} <= {
        f"g{number}" for number in range(3, 308)
    }
    moved = Path(house.uri).rename(Path(house.uri).with_name("moved"))
    house.uri = str(moved)
    assert house.night(list(range(3, 310))).facts.inputs.shards["semantic"] == first.run_id
    assert house.night(list(range(4, 310)), "neighbors.M=8").facts.inputs.shards["semantic"] != first.run_id


@pytest.mark.parametrize("name", ["shards.json", "index.hnsw", "contents"])
def test_what_is_not_whole_is_built_anew(house: House, name: str) -> None:
    first = house.night(list(range(300)))
    folder = storage.join(house.uri, retention.SHARDS, first.run_id)
    for uri in storage.list_files(folder):
        if name in uri:
            path = storage.local_path(uri)
            path.write_bytes(path.read_bytes()[:-1]) if name == "index.hnsw" else path.unlink()
    with capture_logs() as logs:
        second = house.night(list(range(2, 304)))
    assert [log["expert"] for log in logs if log["event"] == "saved shards can't be used"] == ["semantic"]
    assert second.facts.inputs.shards["semantic"] == second.run_id
    assert list(saved_shards(house.night(list(range(2, 304)), is_release=False))) == ["semantic"]


def test_a_release_without_a_change_of_neighbors_keeps_its_indexes(house: House) -> None:
    first = house.night(list(range(300)))
    assert house.night(list(range(300))).facts.inputs.shards["semantic"] == first.run_id


def test_neighbors_that_are_taken_up_bring_their_indexes(house: House) -> None:
    failed = house.night(list(range(300)), is_release=False)
    taken_up = house.night(list(range(300)))
    assert taken_up.facts.inputs.notes["neighbors_taken_up"] == "semantic"
    assert taken_up.facts.inputs.shards["semantic"] == failed.run_id


def test_indexes_go_with_the_last_release_that_names_them(house: House) -> None:
    first = house.night(list(range(300)))
    second = house.night(list(range(2, 304)))
    failed = house.night(list(range(200)), "neighbors.M=8", is_release=False)
    third = house.night(list(range(200)), "neighbors.M=9")
    assert len(house.folders()) == 3
    assert retention.drop_old_shards(house.uri, 2) == [failed.run_id]
    assert retention.drop_old_shards(house.uri, None) == []
    assert house.folders() == sorted([first.run_id, third.run_id])
    assert second.facts.inputs.shards["semantic"] == first.run_id
    assert retention.drop_old_shards(house.uri, 1) == [first.run_id]
    warehouse.rollback(house.uri, third.run_id)
    assert retention.drop_old_shards(house.uri, 1) == [] and house.folders() == [third.run_id]

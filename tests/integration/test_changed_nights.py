"""A night after a release does what changed, and what it publishes is what a full run publishes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from autotag_core import warehouse
from autotag_core.config.file import load_config
from autotag_core.sample import UploaderRates, write_sample
from autotag_core.tables import TABLES
from jobs import nightly
from jobs.nightly import Request, run_nightly
from jobs.run.run import Run

pytestmark = pytest.mark.integration

SETTINGS = (
    "experts=[imagenet,semantic]",
    "neighbors.backend=exact",
    "neighbors.k=3",
    "vote.neighbors=3",
    "related.enabled=false",
    "training.enabled=false",
    "duplicates.enabled=false",
    "vote.rule=published",
    "gates.max_failed_share=0.5",
    "gates.max_vanished_share=1",
    "spark.partitions=4",
)


def catalog_rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def tables(run: Run) -> dict[str, list[str]]:
    """Every table's rows as text, in an order that the rows alone decide."""
    release = warehouse.current_release(run.warehouse, run.run_id)
    return {
        name: sorted(map(repr, warehouse.read_table(run.warehouse, name, release).to_pylist()))
        for name in release.table_versions
    }


def versions(folder: Path) -> dict[str, int]:
    logs = {name: folder / name / "_delta_log" for name in TABLES if name != "runs"}
    return {name: len(list(log.glob("*.json"))) for name, log in logs.items()}


def killed_after_its_neighbors(request: Request, monkeypatch: pytest.MonkeyPatch) -> int:
    """A run that ends after its neighbors, with frames as one leaves that ended among them: how many GIFs they hold."""

    def end(*_: object) -> None:
        raise RuntimeError("out of power")

    with monkeypatch.context() as patch, pytest.raises(RuntimeError, match="out of power"):
        patch.setattr(nightly, "weigh_experts", end)
        run_nightly(request)
    (staged,) = Path(request.warehouse).glob("_staging/*/frames")
    half, *whole = sorted(staged.glob("*.parquet"), key=lambda file: -pq.read_metadata(file).num_rows)
    half.write_bytes(half.read_bytes()[:-100])
    return len([row for file in whole for row in pq.read_table(file)["reason"].to_pylist() if row is None])


def test_what_changed_is_done_and_the_result_is_that_of_a_full_run(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "catalog"
    write_sample(str(folder), 14, seed=7, workers=1, rates=UploaderRates(editorial=0.2))
    path = folder / "catalog.jsonl"
    rows = catalog_rows(path)
    late, rows = rows[-2:], rows[:-2]
    rows[5]["uri"] = "gifs/not-there.gif"
    write_rows(path, rows)
    request = Request(str(path), str(tmp_path / "w"), load_config(None, SETTINGS))
    num_seen = killed_after_its_neighbors(request, monkeypatch)
    first = run_nightly(request)
    assert "imagenet" in first.facts.inputs.notes["neighbors_taken_up"]
    assert first.facts.inputs.notes["taken_up"] == f"{num_seen} of 12 GIFs were seen by a run that did not end"
    assert 0 < num_seen < 11 and not list((tmp_path / "w").glob("_staging/*"))
    assert first.facts.inputs.notes["base"] == "none: no release yet"

    before = versions(tmp_path / "w")
    unchanged = run_nightly(request)
    record = warehouse.list_runs(str(tmp_path / "w"))[-1]
    assert (record.run_id, record.status) == (unchanged.run_id, "unchanged")
    assert record.message == f"nothing has changed since run {first.run_id}"
    assert (record.table_versions, record.release_of) == ({}, None)
    assert versions(tmp_path / "w") == before
    assert warehouse.current_release(str(tmp_path / "w")).run_id == first.run_id

    # gone, bytes changed, tags changed, uri mended, two new ones
    changed_bytes = (folder / rows[1]["uri"]).read_bytes()
    (folder / rows[2]["uri"]).write_bytes(changed_bytes)
    rows[3]["tags"] = [*rows[0]["tags"], "never seen"]
    rows[5]["uri"] = rows[6]["uri"]
    rows[7]["tags"] = []
    write_rows(path, [*rows[1:], *late])
    second = run_nightly(request)
    assert second.facts.inputs.notes["base"] == first.run_id
    # the changed, the mended and the two new ones were seen; the other nine were not
    assert second.facts.inputs.notes["same_gifs"] == "9"
    assert second.failures.counts == {}
    anew = run_nightly(replace(request, config=load_config(None, [*SETTINGS, "reuse=nothing"])))
    assert anew.facts.inputs.notes["base"] == "none: everything is made anew, as asked"
    assert tables(second) == tables(anew)

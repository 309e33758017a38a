"""What readers see when a run follows another, fails, is killed or is taken back: one whole release, always."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pytest
from elasticsearch import Elasticsearch
from pyspark.sql import SparkSession

from autotag_core import storage, warehouse
from autotag_core.config.file import load_config
from autotag_core.errors import InputError, NotPublishedError
from autotag_core.local_machine import PROJECT
from autotag_core.tables import CATALOG
from autotag_core.warehouse.unended_runs import all_runs
from jobs.nightly import Request, run_nightly
from jobs.release.gates import GATES
from jobs.release.rollback_release import rollback_release

pytestmark = pytest.mark.integration


def test_a_second_run_replaces_the_first_and_can_be_rolled_back(night: Any, elasticsearch: str) -> None:
    full = load_config(None, [*night.settings, "reuse=nothing"])
    lists = {"catalog": night.request.config.catalog, "semantic": night.request.config.semantic}
    second = run_nightly(replace(night.request, config=full.model_copy(update=lists)))
    said = {"base": "none: everything is made anew, as asked", "temporal": "reused"}
    said["semantic"] = "reused: 0.00% of what is used is new to it"
    assert second.facts.inputs.to_map() == night.run.facts.inputs.to_map() | said | {
        "semantic": "reused: 0.00% of what is used is new to it"
    }
    uri, client = night.request.warehouse, Elasticsearch(elasticsearch)
    assert warehouse.current_release(uri).run_id == second.run_id
    assert list(client.indices.get_alias(name="night")) == [second.facts.elasticsearch_index]
    for name in ("catalog", "embeddings", "neighbors", "duplicates", "voted_tags", "search_documents", "failures"):
        first_rows, second_rows = (
            warehouse.read_table(uri, name, warehouse.current_release(uri, run.run_id)) for run in (night.run, second)
        )
        order = [
            (column, "ascending")
            for column in first_rows.column_names
            if column in ("gif_id", "expert", "tag", "message")
        ]
        assert first_rows.sort_by(order).to_pylist() == second_rows.sort_by(order).to_pylist(), name
    rollback_release(uri, night.run.run_id, elasticsearch, "night")
    assert warehouse.current_release(uri).table_versions == night.run.tables.versions
    assert list(client.indices.get_alias(name="night")) == [night.run.facts.elasticsearch_index]


def test_a_night_on_which_nothing_changed_publishes_nothing(night: Any, elasticsearch: str) -> None:
    uri, client = night.request.warehouse, Elasticsearch(elasticsearch)
    before, alias = warehouse.current_release(uri), list(client.indices.get_alias(name="night"))
    run = run_nightly(night.request)
    assert (run.facts.status, warehouse.list_runs(uri)[-1].status) == ("unchanged", "unchanged")
    assert warehouse.current_release(uri) == before
    assert list(client.indices.get_alias(name="night")) == alias == [before.elasticsearch_index]


def test_a_run_that_fails_its_gate_leaves_readers_where_they_were(night: Any) -> None:
    before = warehouse.current_release(night.request.warehouse)
    lines = storage.read_bytes(night.request.catalog).splitlines()[:2]
    catalog = f"{night.folder}/catalog/with_a_missing_file.jsonl"
    storage.write_bytes(catalog, b"\n".join([*lines, b'{"gif_id": "missing", "uri": "gifs/missing.gif"}']))
    strict = load_config(None, [*night.settings, "experts=[imagenet]", "gates.max_failed_share=0.3"])
    with pytest.raises(NotPublishedError, match="1 of 3 GIFs could not be read"):
        run_nightly(Request(catalog, night.request.warehouse, strict, accepted=frozenset(GATES) - {"failed_share"}))
    with pytest.raises(
        NotPublishedError, match=r"GIFs of release .* are not in this catalog; .*--accept vanished_gifs"
    ):
        run_nightly(Request(catalog, night.request.warehouse, strict))
    assert warehouse.current_release(night.request.warehouse) == before
    assert warehouse.list_runs(night.request.warehouse)[-1].status == "not_published"


def test_wrong_input_writes_nothing(spark: SparkSession, bucket: str, night: Any) -> None:
    for catalog, message in (
        ("s3a://no-such-bucket/catalog.jsonl", "bucket does not exist"),
        (f"{bucket}/none.jsonl", "no such object"),
    ):
        with pytest.raises(InputError, match=message):
            run_nightly(Request(catalog, f"{bucket}/warehouse"))
    with pytest.raises(InputError, match="bucket does not exist"):
        run_nightly(Request(night.request.catalog, "s3a://no-such-bucket/warehouse"))
    with pytest.raises(InputError, match="no run was ever recorded"):
        warehouse.list_runs(f"{bucket}/warehouse")


def test_a_driver_killed_before_publication_leaves_readers_where_they_were(night: Any, tmp_path: Path) -> None:
    before = warehouse.list_runs(night.request.warehouse)
    command = [sys.executable, "-m", "jobs.commands.app", "nightly", "--catalog", night.request.catalog]
    command += ["--warehouse", night.request.warehouse, "--set", "experts=[semantic]"]
    log = tmp_path / "log"
    with log.open("wb") as output:
        child = subprocess.Popen(command, cwd=PROJECT, stdout=output, stderr=output, start_new_session=True)
    try:
        deadline = time.monotonic() + 240
        while "stage=neighbors" not in log.read_text() and child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.2)
        assert child.poll() is None, log.read_text()[-3000:]
    finally:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    assert warehouse.list_runs(night.request.warehouse) == before
    assert [run.status for run in all_runs(night.request.warehouse)[len(before) :]] == ["died"]
    release = warehouse.current_release(night.request.warehouse)
    is_gif = pc.field("gif_id") != ""
    assert warehouse.read_table(night.request.warehouse, CATALOG.name, release, where=is_gif).num_rows > night.num_gifs

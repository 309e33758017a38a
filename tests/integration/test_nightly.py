"""The whole job over a real S3 server and a real Elasticsearch: what readers of the tables and of search get."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from elasticsearch import Elasticsearch
from pyspark.sql import SparkSession

from autotag_core import storage, warehouse
from autotag_core.config_file import load_config
from autotag_core.errors import InputError, NotPublishedError
from autotag_core.evaluation import evaluate, read_truth
from autotag_core.experts import load_head
from autotag_core.explanation import as_text, explain_gif
from autotag_core.sample import BROKEN_KINDS, UploaderRates, write_sample
from autotag_core.services import PROJECT, S3Server
from autotag_core.tables import CATALOG, TABLES
from jobs.compare_votes import ablate_experts, ablations_as_json, ablations_as_text, compare_rules
from jobs.nightly import Request, run_nightly
from jobs.rollback_release import rollback_release
from jobs.run import Run

pytestmark = pytest.mark.integration
NUM_GIFS, NUM_BROKEN = 60, len(BROKEN_KINDS)
SETTINGS = [
    "neighbors.backend=exact",
    "elasticsearch.replicas=0",
    "gates.max_failed_share=0.5",
    "vote.min_evaluation_gifs=5",
    "vote.target_precision=0.5",
    "vote.min_threshold_examples=5",
]


@dataclass(frozen=True)
class Night:
    """A finished run and what it was given."""

    folder: str
    request: Request
    run: Run


@pytest.fixture(scope="module")
def night(spark: SparkSession, s3: S3Server, elasticsearch: str) -> Night:
    s3.client().create_bucket(Bucket="night")
    folder = "s3a://night"
    rates = UploaderRates(copied=0.1)
    write_sample(f"{folder}/catalog", NUM_GIFS, seed=7, num_broken=NUM_BROKEN, workers=1, rates=rates)
    config = load_config(None, [f"semantic.sessions={folder}/catalog/sessions.jsonl", *SETTINGS])
    request = Request(f"{folder}/catalog/catalog.jsonl", f"{folder}/warehouse", config, elasticsearch, "night")
    return Night(folder, request, run_nightly(request))


def rows_of(night: Night, name: str) -> list[dict[str, object]]:
    release = warehouse.current_release(night.request.warehouse, night.run.run_id)
    return warehouse.read_table(night.request.warehouse, name, release).to_pylist()


def test_every_table_is_published_and_has_unique_keys(night: Night) -> None:
    release = warehouse.current_release(night.request.warehouse, night.run.run_id)
    assert sorted(release.table_versions) == sorted(set(TABLES) - {"runs"})
    for name in release.table_versions:
        keys = [tuple(row[column] for column in TABLES[name].key) for row in rows_of(night, name)]
        assert not TABLES[name].key or len(set(keys)) == len(keys), name
        assert keys, name


def test_each_broken_item_ends_as_its_known_failure(night: Night) -> None:
    lines = storage.read_bytes(f"{night.folder}/catalog/broken.jsonl").decode().splitlines()
    expected = [json.loads(line) for line in lines]
    found = {(row["gif_id"], row["stage"], row["reason"]) for row in rows_of(night, "failures")}
    wanted = {
        (item["gif_id"], item["expected_stage"], item["expected_reason"])
        for item in expected
        if item["expected_reason"]
    }
    assert found == wanted
    notes = {row["gif_id"]: row["notes"] for row in rows_of(night, "media")}
    for item in expected:
        if item["expected_reason"] is None and item["expected_note"]:
            assert item["expected_note"] in notes[item["gif_id"]], item


def test_no_gif_is_lost_between_catalog_and_search(night: Night, elasticsearch: str) -> None:
    gifs = {row["gif_id"] for row in rows_of(night, "catalog")}
    failed = {row["gif_id"] for row in rows_of(night, "failures") if row["stage"] == "frames"}
    assert {row["gif_id"] for row in rows_of(night, "media")} | failed == gifs
    assert {row["gif_id"] for row in rows_of(night, "search_documents")} == gifs
    client = Elasticsearch(elasticsearch)
    assert client.count(index="night")["count"] == len(gifs)
    document = next(row for row in rows_of(night, "search_documents") if row["tags"])
    assert (
        client.get(index="night", id=str(document["gif_id"]))["_source"]["tags"][0]["tag"] == document["tags"][0]["tag"]
    )


def test_groups_of_duplicates_are_copies_of_one_gif(night: Night) -> None:
    lines = storage.read_bytes(f"{night.folder}/catalog/duplicates.jsonl").decode().splitlines()
    originals = {row["gif_id"]: row["original"] for row in map(json.loads, lines)}
    versions = {row["gif_id"]: row["version"] for row in rows_of(night, "media")}
    found = rows_of(night, "duplicates")
    members: dict[object, set[object]] = {}
    for row in found:
        members.setdefault(row["group_id"], set()).add(row["gif_id"])
    # the broken items that are read are GIFs that nobody copied
    assert all(len({originals.get(gif_id, gif_id) for gif_id in group}) == 1 for group in members.values())
    assert [row["group_size"] for row in found] == [len(members[row["group_id"]]) for row in found]
    same_bytes = {copy for copy, original in originals.items() if versions[copy] == versions[original]}
    assert same_bytes <= {row["gif_id"] for row in found}
    assert {min(group) for group in members.values()} == set(members)


def test_only_train_gifs_are_neighbors(night: Night) -> None:
    splits = {row["gif_id"]: row["split"] for row in rows_of(night, "catalog")}
    assert {"train", "validation"} == set(splits.values())
    for row in rows_of(night, "neighbors"):
        assert {splits[neighbor] for neighbor in row["neighbor_ids"]} <= {"train"}
        assert row["gif_id"] not in row["neighbor_ids"]
        assert row["distances"] == sorted(row["distances"])


def test_validation_gifs_keep_their_tags_untouched(night: Night) -> None:
    catalog = {row["gif_id"]: row for row in rows_of(night, "catalog") if row["split"] == "validation"}
    voted: dict[str, dict[str, float]] = {gif_id: {} for gif_id in catalog}
    for row in rows_of(night, "voted_tags"):
        if row["gif_id"] in voted:
            voted[row["gif_id"]][row["tag"]] = row["confidence"]
    for gif_id, row in catalog.items():
        assert voted[gif_id] == dict.fromkeys(row["tags"] + row["editorial_tags"], 1.0)


def test_votes_are_right_more_often_than_chance(night: Night) -> None:
    release = warehouse.current_release(night.request.warehouse, night.run.run_id)
    voted = warehouse.read_table(night.request.warehouse, "voted_tags", release)
    catalog = warehouse.read_table(night.request.warehouse, "catalog", release)
    truth = read_truth(f"{night.folder}/catalog/truth.jsonl")
    others = truth.set_column(1, "tags", pa.concat_tables([truth[7:], truth[:7]])["tags"])
    right, chance = (evaluate(voted, catalog, table).overall.precision_at_1 for table in (truth, others))
    assert right is not None and chance is not None and right > 1.5 * chance


def test_a_head_is_trained_into_the_bucket_and_embeds_what_moves(night: Night) -> None:
    inputs = night.run.inputs
    assert inputs["temporal"] == "trained"
    assert inputs["temporal_head"].startswith(f"{night.folder}/warehouse/models/temporal-")
    assert load_head(inputs["temporal_head"]).version == inputs["temporal_version"]
    num_sampled = {row["gif_id"]: row["num_sampled"] for row in rows_of(night, "media")}
    embedded = [row for row in rows_of(night, "embeddings") if row["expert"] == "temporal"]
    assert NUM_GIFS // 2 < len(embedded) == night.run.rows_out["temporal"]
    for row in embedded:
        assert row["model_version"] == inputs["temporal_version"]
        assert len(row["embedding"]) == 448 and num_sampled[row["gif_id"]] > 1


def test_explain_shows_votes_weights_and_neighbors(night: Night) -> None:
    voted = next(row for row in rows_of(night, "voted_tags") if row["source"] == "voted")
    found = explain_gif(night.request.warehouse, str(voted["gif_id"]), night.run.run_id)
    text = as_text(found)
    assert voted["tag"] in text and "imagenet (weight" in text
    assert set(voted["evidence"]) <= {neighbor for row in found.neighbors for neighbor in row["neighbor_ids"]}


def test_runs_holds_no_credential(night: Night, s3: S3Server) -> None:
    text = "".join(warehouse.as_json(run) for run in warehouse.list_runs(night.request.warehouse))
    assert night.run.run_id in text
    assert s3.secret_key not in text and s3.access_key not in text


def test_a_second_run_replaces_the_first_and_can_be_rolled_back(night: Night, elasticsearch: str) -> None:
    second = run_nightly(night.request)
    assert second.inputs == night.run.inputs | {"temporal": "reused"}
    uri, client = night.request.warehouse, Elasticsearch(elasticsearch)
    assert warehouse.current_release(uri).run_id == second.run_id
    assert list(client.indices.get_alias(name="night")) == [second.elasticsearch_index]
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
    assert warehouse.current_release(uri).table_versions == night.run.table_versions
    assert list(client.indices.get_alias(name="night")) == [night.run.elasticsearch_index]


def test_a_release_is_voted_anew_by_every_rule_and_without_each_expert(night: Night) -> None:
    uri = night.request.warehouse
    record = warehouse.current_release(uri, night.run.run_id)
    truth = read_truth(f"{night.folder}/catalog/truth.jsonl")
    rules = compare_rules(uri, record, truth, num_resamples=20)
    assert list(rules.evaluations)[:3] == ["published", "similarity", "reliability"]
    columns = ["gif_id", "tag", "score", "confidence"]
    catalog = warehouse.read_table(uri, "catalog", record, ["gif_id", "tags", "split"])
    written = evaluate(warehouse.read_table(uri, "voted_tags", record, columns), catalog, truth).overall
    anew = rules.evaluations["reliability"].overall
    for measure in ("precision_at_1", "added_at_1", "missing_recall_at_5"):
        assert getattr(anew, measure) == pytest.approx(getattr(written, measure), abs=0.02), measure
    experts = ["imagenet", "semantic", "temporal", "text"]
    wanted = ["all", *(f"without {name}" for name in experts), *(f"{name} alone" for name in experts)]
    ablations = ablate_experts(uri, record, truth, num_resamples=20)
    assert {rule: list(found.evaluations) for rule, found in ablations.items()} == {
        "published": wanted,
        "reliability": wanted,
    }
    assert all(f"{name} alone" in ablations_as_text(ablations) for name in experts)
    assert set(json.loads(ablations_as_json(ablations))["published"]["variants"]) == set(wanted)


def test_a_run_that_fails_its_gate_leaves_readers_where_they_were(night: Night) -> None:
    before = warehouse.current_release(night.request.warehouse)
    strict = load_config(None, [*SETTINGS, "experts=[imagenet]", "gates.max_failed_share=0"])
    with pytest.raises(NotPublishedError, match="could not be read"):
        run_nightly(Request(night.request.catalog, night.request.warehouse, strict))
    assert warehouse.current_release(night.request.warehouse) == before
    assert warehouse.list_runs(night.request.warehouse)[-1].status == "not_published"


def test_wrong_input_writes_nothing(spark: SparkSession, bucket: str, night: Night) -> None:
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


def test_a_driver_killed_before_publication_leaves_readers_where_they_were(night: Night, tmp_path: Path) -> None:
    before = warehouse.list_runs(night.request.warehouse)
    command = [sys.executable, "-m", "jobs.cli", "nightly", "--catalog", night.request.catalog]
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
    release = warehouse.current_release(night.request.warehouse)
    is_gif = pc.field("gif_id") != ""
    assert warehouse.read_table(night.request.warehouse, CATALOG.name, release, where=is_gif).num_rows > NUM_GIFS

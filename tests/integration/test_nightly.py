"""The whole job over a real S3 server and a real Elasticsearch: what readers of the tables and of search get."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pyarrow as pa
import pytest
from elasticsearch import Elasticsearch

from autotag_core import storage, warehouse
from autotag_core.evaluation import evaluate, read_truth
from autotag_core.experts import load_head
from autotag_core.failures import Reason
from autotag_core.local_machine import S3Server
from autotag_core.reports.explanation import explain_gif
from autotag_core.reports.explanation_text import as_text
from autotag_core.tables import TABLES
from jobs.evaluation.compare_votes import ablate_experts, ablations_as_json, ablations_as_text, compare_rules
from jobs.nightly import STAGES
from jobs.sample.show_searches import show_searches

pytestmark = pytest.mark.integration


def test_every_table_is_published_and_has_unique_keys(night: Any) -> None:
    release = warehouse.current_release(night.request.warehouse, night.run.run_id)
    not_of_every_run = {
        "runs",
        "labels",
        "label_decisions",
        "label_edits",
        "written_tags",
        "related_searches",
        "trends",
    }
    not_of_a_night = {"frame_features", "gallery", "gallery_thumbnails", "tagger_models", "choices"}
    not_of_a_night |= {"predictions", "chosen_tags", "editorial_decisions", "decided_tags", "faces", "people"}
    assert sorted(release.table_versions) == sorted(set(TABLES) - not_of_every_run - not_of_a_night)
    for name in release.table_versions:
        keys = [tuple(row[column] for column in TABLES[name].key) for row in night.rows(name)]
        assert not TABLES[name].key or len(set(keys)) == len(keys), name
        assert keys, name


def test_each_broken_item_ends_as_its_known_failure(night: Any, reasons: frozenset[Reason]) -> None:
    lines = storage.read_bytes(f"{night.folder}/catalog/broken.jsonl").decode().splitlines()
    expected = [json.loads(line) for line in lines]
    rows = night.rows("failures")
    found = Counter((row["gif_id"], row["stage"], row["reason"]) for row in rows)
    wanted = Counter(
        (item["gif_id"], item["expected_stage"], item["expected_reason"])
        for item in expected
        if item["expected_reason"]
    )
    wanted[night.long_id, "search_documents", "refused_document"] = 1
    assert found == wanted
    assert {row["reason"] for row in rows} == reasons
    assert all(row["message"] for row in rows)
    notes = {row["gif_id"]: row["notes"] for row in night.rows("media")}
    for item in expected:
        if item["expected_reason"] is None and item["expected_note"]:
            assert item["expected_note"] in notes[item["gif_id"]], item


def test_no_gif_is_lost_between_catalog_and_search(night: Any, elasticsearch: str) -> None:
    gifs = {row["gif_id"] for row in night.rows("catalog")}
    failed = {row["gif_id"] for row in night.rows("failures") if row["stage"] == "frames"}
    assert {row["gif_id"] for row in night.rows("media")} | failed == gifs
    assert {row["gif_id"] for row in night.rows("search_documents")} == gifs
    client = Elasticsearch(elasticsearch)
    assert night.long_id in gifs
    assert client.count(index="night")["count"] == len(gifs) - 1, "all but the one that Elasticsearch refuses"
    document = next(row for row in night.rows("search_documents") if row["tags"])
    assert (
        client.get(index="night", id=str(document["gif_id"]))["_source"]["tags"][0]["tag"] == document["tags"][0]["tag"]
    )


def test_groups_of_duplicates_are_copies_of_one_gif(night: Any) -> None:
    lines = storage.read_bytes(f"{night.folder}/catalog/duplicates.jsonl").decode().splitlines()
    originals = {row["gif_id"]: row["original"] for row in map(json.loads, lines)}
    versions = {row["gif_id"]: row["version"] for row in night.rows("media")}
    found = night.rows("duplicates")
    members: dict[object, set[object]] = {}
    for row in found:
        members.setdefault(row["group_id"], set()).add(row["gif_id"])
    # the broken items that are read are GIFs that nobody copied
    assert all(len({originals.get(gif_id, gif_id) for gif_id in group}) == 1 for group in members.values())
    assert [row["group_size"] for row in found] == [len(members[row["group_id"]]) for row in found]
    same_bytes = {copy for copy, original in originals.items() if versions[copy] == versions[original]}
    assert same_bytes <= {row["gif_id"] for row in found}
    assert {min(group) for group in members.values()} == set(members)


def test_only_train_gifs_are_neighbors(night: Any) -> None:
    splits = {row["gif_id"]: row["split"] for row in night.rows("catalog")}
    assert {"train", "validation", "test"} == set(splits.values())
    for row in night.rows("neighbors"):
        assert {splits[neighbor] for neighbor in row["neighbor_ids"]} <= {"train"}
        assert row["gif_id"] not in row["neighbor_ids"]
        assert row["distances"] == sorted(row["distances"])


def test_validation_and_test_gifs_keep_their_tags_untouched(night: Any) -> None:
    catalog = {row["gif_id"]: row for row in night.rows("catalog") if row["split"] != "train"}
    listed = storage.read_bytes(f"{night.folder}/catalog/test.txt").decode().splitlines()
    assert {gif_id for gif_id, row in catalog.items() if row["split"] == "test"} == set(listed)
    voted: dict[str, dict[str, float]] = {gif_id: {} for gif_id in catalog}
    for row in night.rows("voted_tags"):
        if row["gif_id"] in voted:
            voted[row["gif_id"]][row["tag"]] = row["confidence"]
    for gif_id, row in catalog.items():
        assert voted[gif_id] == dict.fromkeys(row["tags"] + row["editorial_tags"], 1.0)


def test_the_stages_run_in_the_order_in_which_they_are_listed(night: Any) -> None:
    seconds = night.run.facts.seconds
    took = [name for name in seconds if ":" not in name]
    assert took == [stage.spec.name for stage in STAGES if stage.spec.name in seconds] and len(took) >= 14


def test_votes_are_right_more_often_than_chance(night: Any) -> None:
    release = warehouse.current_release(night.request.warehouse, night.run.run_id)
    voted = warehouse.read_table(night.request.warehouse, "voted_tags", release)
    catalog = warehouse.read_table(night.request.warehouse, "catalog", release)
    truth = read_truth(f"{night.folder}/catalog/truth.jsonl")
    others = truth.set_column(1, "tags", pa.concat_tables([truth[7:], truth[:7]])["tags"])
    right, chance = (evaluate(voted, catalog, table).overall.precision_at_1 for table in (truth, others))
    assert right is not None and chance is not None and right > 1.5 * chance


def test_a_head_is_trained_into_the_bucket_and_embeds_what_moves(night: Any) -> None:
    inputs = night.run.facts.inputs.to_map()
    assert inputs["temporal"] == "trained"
    assert inputs["temporal_head"].startswith(f"{night.folder}/warehouse/models/temporal-")
    assert load_head(inputs["temporal_head"]).version == inputs["temporal_version"]
    num_sampled = {row["gif_id"]: row["num_sampled"] for row in night.rows("media")}
    embedded = [row for row in night.rows("embeddings") if row["expert"] == "temporal"]
    assert night.num_gifs // 2 < len(embedded) == night.run.facts.rows_out["temporal"]
    for row in embedded:
        assert row["model_version"] == inputs["temporal_version"]
        assert len(row["embedding"]) == 448 and num_sampled[row["gif_id"]] > 1


def test_explain_shows_votes_weights_and_neighbors(night: Any) -> None:
    voted = next(row for row in night.rows("voted_tags") if row["source"] == "voted")
    found = explain_gif(night.request.warehouse, str(voted["gif_id"]), night.run.run_id)
    text = as_text(found, details=True)
    assert voted["tag"] in text and "imagenet (weight" in text
    assert set(voted["evidence"]) <= {neighbor for row in found.neighbors for neighbor in row["neighbor_ids"]}


def test_searches_show_their_best_hits_with_their_tags_before_and_after(
    night: Any, elasticsearch: str, capsys: pytest.CaptureFixture[str]
) -> None:
    truth = f"{night.folder}/catalog/truth.jsonl"
    show_searches(night.request.warehouse, elasticsearch, truth, night.request.config.elasticsearch, "night")
    lines = capsys.readouterr().out.splitlines()
    assert sum("right: found" in line for line in lines) == 5
    best = lines[lines.index(next(line for line in lines if line.startswith("Best hits"))) + 1 :]
    assert [line.split()[0] for line in best] == ["before"] * 3 + ["after"] * 3
    voted: dict[object, set[str]] = {}
    for row in night.rows("voted_tags"):
        voted.setdefault(row["gif_id"], set()).add(f"{row['tag']} {row['confidence']:.2f}")
    for line in best[3:]:
        gif_id, _, tags = line.replace("*", " ").split(maxsplit=3)[1:]
        assert set(tags.split(", ")) <= voted[gif_id]


def test_runs_holds_no_credential(night: Any, s3: S3Server) -> None:
    text = "".join(warehouse.as_json(run) for run in warehouse.list_runs(night.request.warehouse))
    assert night.run.run_id in text
    assert s3.secret_key not in text and s3.access_key not in text


def test_a_release_is_voted_anew_by_every_rule_and_without_each_expert(night: Any) -> None:
    uri = night.request.warehouse
    record = warehouse.current_release(uri, night.run.run_id)
    truth = read_truth(f"{night.folder}/catalog/truth.jsonl")
    rules = compare_rules(uri, record, truth, num_resamples=20)
    assert list(rules.evaluations)[:3] == ["published", "reliability", "learned"]
    columns = ["gif_id", "tag", "score", "confidence"]
    catalog = warehouse.read_table(uri, "catalog", record, ["gif_id", "tags", "split"])
    written = evaluate(warehouse.read_table(uri, "voted_tags", record, columns), catalog, truth).overall
    anew = rules.evaluations["learned"].overall
    for measure in ("precision_at_1", "added_at_1", "missing_recall_at_5"):
        assert getattr(anew, measure) == pytest.approx(getattr(written, measure), abs=0.02), measure
    experts = ["imagenet", "semantic", "temporal", "text"]
    wanted = ["all", *(f"without {name}" for name in experts), *(f"{name} alone" for name in experts)]
    ablations = ablate_experts(uri, record, truth, num_resamples=20)
    assert {rule: list(found.evaluations) for rule, found in ablations.items()} == {
        "published": wanted,
        "learned": wanted,
    }
    assert all(f"{name} alone" in ablations_as_text(ablations) for name in experts)
    assert set(json.loads(ablations_as_json(ablations))["published"]["variants"]) == set(wanted)

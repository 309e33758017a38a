"""A night that votes on labels: members count as their label, other tags stay on the document and do not vote."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from autotag_core import labels, warehouse
from autotag_core.config.file import load_config
from autotag_core.errors import InputError
from autotag_core.evaluation.truth import TRUTH
from autotag_core.tables import LABELS
from jobs.evaluation.compare_votes import compare_rules
from jobs.nightly import Request, run_nightly
from jobs.run.run import Run

SETTINGS = ["experts=[semantic]", "catalog.labels=engineered", "neighbors.backend=exact", "related.enabled=false"]
KINDS = (["Cat", "pets"], ["#kitty", "pets", "asdf1"], ["cats ", "fur"], ["dog", "walk"], ["puppy", "walk"], ["doggo"])
VOCABULARY = {"cat": ["cat", "cats", "kitty"], "dog": ["dog", "doggo", "puppy"], "pet": ["pet", "pets"]}


@pytest.fixture(scope="module")
def request_(tmp_path_factory: pytest.TempPathFactory) -> Request:
    """60 GIFs of which nobody needs the files, ten of each of KINDS; a vocabulary of three labels."""
    folder = tmp_path_factory.mktemp("labels")
    rows = [{"gif_id": f"g{n:02}", "uri": f"{n}.gif", "tags": KINDS[n % len(KINDS)]} for n in range(60)]
    rows[5]["editorial_tags"] = ["doggo", "puppies"]
    (folder / "catalog.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return Request(str(folder / "catalog.jsonl"), str(folder / "warehouse"), load_config(None, SETTINGS))


def write_labels(uri: str, vocabulary: dict[str, list[str]]) -> int:
    rows = [
        {"label_id": number, "label": label, "members": members, "num_gifs": 1, "origin": "grouped"}
        for number, (label, members) in enumerate(vocabulary.items())
    ]
    return labels.replace_rows(uri, LABELS, rows)


def test_without_labels_the_request_is_refused_before_any_work(request_: Request) -> None:
    with pytest.raises(InputError, match="no labels: run `autotag labels build` first"):
        run_nightly(request_)
    assert not list(Path(request_.warehouse).glob("*"))


@pytest.fixture(scope="module")
def run(spark: SparkSession, request_: Request) -> Run:
    """A night on the second version of the labels."""
    write_labels(request_.warehouse, {"other": ["cat"]})
    assert write_labels(request_.warehouse, VOCABULARY) == 1
    return run_nightly(request_)


def test_a_night_in_label_space(request_: Request, run: Run) -> None:
    release = warehouse.current_release(request_.warehouse)
    assert (release.table_versions["labels"], release.inputs.notes["labels"]) == (1, "3 labels, version 1")

    def rows(name: str) -> dict[str, dict[str, object]]:
        return {row["gif_id"]: row for row in warehouse.read_table(request_.warehouse, name, release).to_pylist()}

    assert [rows("catalog")[f"g0{n}"]["tags"] for n in range(6)] == [
        ["cat", "pet"],
        ["cat", "pet"],
        ["cat"],
        ["dog"],
        ["dog"],
        ["dog"],
    ]
    assert rows("catalog")["g05"]["editorial_tags"] == ["dog", "puppies"]
    written = rows("written_tags")["g01"]
    assert (written["tags"], written["other_tags"]) == (["#kitty", "pets", "asdf1"], ["asdf1"])
    assert rows("search_documents")["g01"]["written_tags"] == ["#kitty", "pets", "asdf1"]
    voted = warehouse.read_table(request_.warehouse, "voted_tags", release)
    assert set(voted["tag"].to_pylist()) == {"cat", "pet", "dog", "puppies"}
    sources = {tag["tag"]: tag["source"] for tag in voted.to_pylist() if tag["gif_id"] == "g02"}
    assert (sources["cat"], sources["pet"]) == ("confirmed", "proposed")
    assert run.facts.rows_out["votes"] == voted.num_rows


@pytest.mark.usefixtures("run")
def test_a_release_in_label_space_is_judged_by_a_truth_in_tags(request_: Request) -> None:
    release = warehouse.current_release(request_.warehouse)
    rows = [{"gif_id": "g00", "tags": ["Kitty", "pets", "soft"]}, {"gif_id": "g02", "tags": ["cats"]}]
    truth = pa.Table.from_pylist(rows, schema=TRUTH)
    found = labels.truth_in_labels(truth, warehouse.read_table(request_.warehouse, "labels", release))
    assert found["tags"].to_pylist() == [["cat", "pet", "soft"], ["cat"]]
    comparison = compare_rules(request_.warehouse, release, found, num_resamples=10)
    assert comparison.evaluations["published"].overall.num_right_original == 3

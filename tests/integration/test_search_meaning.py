"""A night that gives documents a meaning: phrases find them, and the next night embeds only what reads otherwise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from autotag_core import warehouse
from autotag_core.config import TextConfig
from autotag_core.config.file import load_config
from autotag_core.experts.text.sentences import sentences_version
from autotag_core.sample import write_rows
from jobs.nightly import Request, run_nightly
from jobs.run.run import Run
from jobs.search.translate_phrase import PhraseRequest, translate_phrase
from tests.integration.conftest import NIGHT_OF_TAGS

pytestmark = pytest.mark.integration

SETTINGS = (
    *NIGHT_OF_TAGS,
    "elasticsearch.replicas=0",
    "elasticsearch.meaning=true",
)


def documents(run: Run) -> dict[str, dict[str, Any]]:
    release = warehouse.current_release(run.warehouse, run.run_id)
    table = warehouse.read_table(run.warehouse, "search_documents", release)
    return {row["gif_id"]: row for row in table.to_pylist()}


def test_a_nights_meanings_are_found_by_phrases_and_stay_where_the_words_do(
    spark: SparkSession, tmp_path: Path, elasticsearch: str
) -> None:
    write_rows(str(tmp_path / "catalog"), 40, seed=7)
    catalog = tmp_path / "catalog" / "catalog.jsonl"
    request = Request(str(catalog), str(tmp_path / "w"), load_config(None, SETTINGS), elasticsearch, "meaning")
    first = run_nightly(request)
    before = documents(first)
    assert {len(row["meaning"]) for row in before.values()} == {384}
    assert first.facts.inputs.versions["meaning"] == sentences_version(TextConfig())
    assert run_nightly(request).facts.status == warehouse.UNCHANGED

    lines = [json.loads(line) for line in catalog.read_text().splitlines()]
    gif_id = lines[0]["gif_id"]
    lines[0]["caption"] = "an astronaut plays the trombone"
    catalog.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    second = run_nightly(request)
    after = documents(second)
    assert second.facts.inputs.notes["index"] == "changed: 1 of 40 documents"
    assert {name for name in after if after[name]["meaning"] != before[name]["meaning"]} == {gif_id}
    found = translate_phrase(PhraseRequest("cosmonaut with brass instrument", elasticsearch, "meaning", 0, 0, 5))
    assert gif_id in [one.document["gif_id"] for one in found.candidates]

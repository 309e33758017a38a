"""Gates of what a night made: a lost expert, other weights, worse probabilities and other tags hold it back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import structlog
from deltalake import write_deltalake
from pyspark.sql import SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

from autotag_core import warehouse
from autotag_core.config import Config
from autotag_core.errors import NotPublishedError
from autotag_core.tables import CATALOG, EXPERT_WEIGHTS, VOTED_TAGS, Table
from jobs.process.progress import Progress
from jobs.release import quality_gates
from jobs.release.quality_gates import check_quality_gates
from jobs.run.run import Run

Night = Callable[..., Run]


def weight(expert: str, value: float, split: str = "validation") -> dict[str, Any]:
    counts = {"num_evaluated": 100, "num_correct": round(100 * value), "num_lacking": 100}
    ends = {"weight_low": value - 0.05, "weight_high": value + 0.05}
    return {"expert": expert, "weight": value, "weight_of_all": value, "evaluated_on": split} | counts | ends


def tags(**by_gif: str) -> list[tuple[str, str, str]]:
    """(gif_id, tag, source): a tag is confirmed, with a ? proposed, with a - demoted."""
    sources = {"?": "proposed", "-": "unconfirmed"}
    return [
        (gif_id, tag.rstrip("?-"), sources.get(tag[-1], "confirmed"))
        for gif_id, written in by_gif.items()
        for tag in written.split()
    ]


@pytest.fixture
def night(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Night:
    """Writes what a night has made, lets it through its gates and publishes it. A few tags are enough to be judged."""
    monkeypatch.setattr(quality_gates, "MIN_TAGS", 4)

    def write(run: Run, table: Table, rows: list[dict[str, Any]]) -> None:
        schema = table.plain_schema
        run.tables.write(
            table, spark.createDataFrame(pa.Table.from_pylist(rows, schema=schema), from_arrow_schema(schema))
        )

    def publish(
        voted: list[tuple[str, str, str]],
        weights: list[dict[str, Any]] | None = None,
        rows_out: dict[str, int] | None = None,
        ece: float | None = None,
        num_pairs: int = 1000,
        accept: str = "",
    ) -> Run:
        run = Run(spark, Config(), str(tmp_path), structlog.get_logger(), Progress(spark.sparkContext, False))
        run.accepted = frozenset(accept.split())
        ids = sorted({gif_id for gif_id, _, _ in voted})
        write(run, CATALOG, [{"gif_id": gif_id, "uri": "x.gif", "split": "train"} for gif_id in ids])
        write(run, VOTED_TAGS, [{"gif_id": g, "tag": tag, "source": source} for g, tag, source in voted])
        write(run, EXPERT_WEIGHTS, weights or [weight("imagenet", 0.5)])
        run.facts.rows_out = rows_out or {"catalog": 100, "frames": 100}
        reliability = [{"num": 600}, {"num": num_pairs - 600}]
        run.facts.calibration = None if ece is None else json.dumps({"ece": ece, "reliability": reliability})
        check_quality_gates(run)
        warehouse.append_run(run.warehouse, run.to_record(warehouse.PUBLISHED))
        return run

    return publish


def refusal(night: Night, *arguments: Any, **named: Any) -> str:
    with pytest.raises(NotPublishedError) as caught:
        night(*arguments, **named)
    return str(caught.value)


SOME = tags(a="cat funny", b="dog run", c="cat", d="dog")


def test_the_first_night_has_nothing_to_be_held_against(night: Night) -> None:
    assert night(SOME).facts.gates == {}


def test_a_night_like_the_last_one_passes_and_notes_what_it_saw(night: Night) -> None:
    night(SOME, ece=0.04)
    assert night(SOME, ece=0.03).facts.gates == {
        "coverage_drop": "0.0000 of at most 0.1",
        "weight_shift": "0.0000 of at most 0.2",
        "calibration": "0.0000 of at most 0.1",
        "tag_churn": "0.0000 of at most 0.3",
    }


def test_an_expert_that_no_longer_sees_the_gifs_holds_the_night(night: Night) -> None:
    first = night(SOME, rows_out={"catalog": 100, "frames": 90, "texts": 40})
    said = refusal(night, SOME, rows_out={"catalog": 200, "frames": 180, "texts": 50})
    assert said.startswith(f"the expert text sees 15% of the GIFs less than in release {first.run_id}")
    assert said.endswith("--accept coverage_drop publishes it all the same")
    run = night(SOME, rows_out={"catalog": 200, "frames": 180, "texts": 50}, accept="coverage_drop")
    assert run.facts.gates["coverage_drop"] == "0.1500 of at most 0.1, accepted"
    more = night(SOME, rows_out={"catalog": 200, "frames": 200, "texts": 90})
    assert more.facts.gates["coverage_drop"] == "0.0000 of at most 0.1"


def test_a_weight_that_moved_beyond_chance_holds_the_night_and_says_where_to_look(night: Night) -> None:
    night(SOME, [weight("imagenet", 0.6), weight("text", 0.3)])
    said = refusal(night, SOME, [weight("imagenet", 0.35), weight("text", 0.3)])
    assert said.startswith("the weight of the expert imagenet is 0.25 away from that of release ")
    assert "see version 1 of the table expert_weights in " in said and "--accept weight_shift" in said
    elsewhere = night(SOME, [weight("imagenet", 0.35, split="train")])
    assert "weight_shift" not in elsewhere.facts.gates


def test_a_release_of_another_version_is_not_compared(night: Night, tmp_path: Path) -> None:
    first = night(SOME)
    odd = pa.table({"expert": ["imagenet"], "trust": [0.9]})
    write_deltalake(tmp_path / "expert_weights", odd, mode="overwrite", schema_mode="overwrite")
    record = first.to_record(warehouse.PUBLISHED)
    versions = record.table_versions | {"expert_weights": 1}
    warehouse.append_run(str(tmp_path), replace(record, run_id="odd", release_of="odd", table_versions=versions))
    assert "weight_shift" not in night(SOME).facts.gates


def test_probabilities_that_are_further_off_than_before_hold_the_night(night: Night) -> None:
    night(SOME, ece=0.03)
    said = refusal(night, SOME, ece=0.2)
    assert said.startswith("probabilities are 0.200 off on validation GIFs, 0.030 in release ")
    assert "calibration" not in night(SOME, ece=None).facts.gates
    assert "calibration" not in night(SOME, ece=0.2, num_pairs=999).facts.gates


def test_tags_that_are_gone_from_gifs_that_are_still_there_hold_the_night(night: Night) -> None:
    first = night(tags(a="cat funny", b="dog run-", c="cat sun?", gone="moon star sky"))
    said = refusal(night, tags(a="cat", b="run", c="sun cat?"))
    assert said.startswith(
        f"3 of 4 tags of release {first.run_id} are gone from their GIFs; that is more than the 0.3 "
    )
    assert night(tags(a="cat funny new", b="dog", c="cat"), accept="").facts.gates["tag_churn"].startswith("0.0000")


def test_a_catalog_of_few_tags_is_not_judged_by_those_that_are_gone(night: Night) -> None:
    night(tags(a="cat funny", b="dog"))
    assert "tag_churn" not in night(tags(a="new", b="other")).facts.gates

"""Gates of a catalog: one that is broken or has shrunk is not published, and says why; an editor's night is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import structlog
from pyspark.sql import SparkSession

from autotag_core import warehouse
from autotag_core.config import Config
from autotag_core.errors import InputError, NotPublishedError
from jobs.catalog.read_catalog import read_catalog
from jobs.process.progress import Progress
from jobs.release.gates import GATES, check_accepted, check_catalog_gates
from jobs.run.run import Run

Night = Callable[..., Run]
Rows = list[dict[str, Any]]


def gifs(number: int, **values: Any) -> Rows:
    return [{"gif_id": f"g{at:02}", "uri": f"{at}.gif", "tags": ["cat", f"t{at}"]} | values for at in range(number)]


@pytest.fixture
def night(spark: SparkSession, tmp_path: Path) -> Night:
    """Reads a catalog of these lines, lets it through its gates and publishes it."""

    def run(rows: Rows | str, accept: str = "", name: str = "catalog.jsonl") -> Run:
        lines = rows if isinstance(rows, str) else "".join(json.dumps(row) + "\n" for row in rows)
        (tmp_path / name).write_text(lines)
        log: Any = structlog.get_logger()
        progress = Progress(spark.sparkContext, is_terminal=False)
        found = Run(spark, Config(), str(tmp_path / "warehouse"), log, progress)
        found.accepted = frozenset(accept.split())
        read_catalog(found, str(tmp_path / name))
        check_catalog_gates(found)
        warehouse.append_run(found.warehouse, found.to_record(warehouse.PUBLISHED))
        return found

    return run


def refusal(night: Night, *arguments: Any) -> str:
    with pytest.raises(NotPublishedError) as caught:
        night(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_json_array_over_a_good_release_is_refused_with_a_row_and_its_cause(night: Night) -> None:
    night(gifs(12))
    said = refusal(night, "[" + ",\n".join(json.dumps(row) for row in gifs(12)) + "\n]\n")
    assert "12 of 13 rows of the catalog can't be used (12 x unreadable_row, such as `not a JSON object, but " in said
    assert "part of a JSON array: write one object a line" in said and '{"gif_id": "g00"' in said
    assert "gates.max_unusable_share=0.1" in said and "--accept unusable_rows" in said


def test_half_a_catalog_is_refused_and_so_is_one_without_tags(night: Night) -> None:
    first = night(gifs(24))
    assert first.facts.gates == {"unusable_rows": "0.0000 of at most 0.1"}
    half = "".join(json.dumps(row) + "\n" for row in gifs(24))[:1000]
    said = refusal(night, half)
    assert "GIFs of release" in said and "cut short: is the file whole?" in said
    untagged = [{"Gif_Id": row["gif_id"], "uri": row["uri"], "labels": row["tags"]} for row in gifs(24)]
    assert "48 of 48 tags of release" in (said := refusal(night, untagged))
    assert "this catalog has none: is its column called tags?" in said


def test_what_a_night_loses_is_noted_and_can_be_accepted(night: Night) -> None:
    first = night(gifs(12))
    fewer = gifs(9)
    assert refusal(night, fewer).startswith(f"3 of 12 GIFs of release {first.run_id} are not in this catalog")
    run = night(fewer, "vanished_gifs vanished_tags")
    assert run.facts.gates == {
        "unusable_rows": "0.0000 of at most 0.1",
        "vanished_gifs": "0.2500 of at most 0.1, accepted",
        "vanished_tags": "0.2500 of at most 0.1, accepted",
    }
    assert night(gifs(9, tags=["cat"]), "vanished_tags").facts.gates["vanished_gifs"] == "0.0000 of at most 0.1"


def test_a_night_that_grows_passes(night: Night) -> None:
    night(gifs(12))
    assert set(night(gifs(20)).facts.gates) == {"unusable_rows", "vanished_gifs", "vanished_tags"}


def test_only_gates_can_be_accepted() -> None:
    check_accepted(GATES)
    with pytest.raises(InputError, match="--accept all: there is no such gate; there are unusable_rows"):
        check_accepted(["all"])

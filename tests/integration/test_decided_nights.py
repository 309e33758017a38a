"""What editors have decided holds in the next night, does again only what it touches, and outlives a rollback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from autotag_core import warehouse
from autotag_core.config.file import load_config
from autotag_core.sample import UploaderRates, write_rows
from jobs.nightly import Request, run_nightly
from jobs.review.apply_decisions import apply_decisions
from jobs.run.run import Run
from tests.integration.conftest import NIGHT_OF_TAGS

pytestmark = pytest.mark.integration

SETTINGS = (
    *NIGHT_OF_TAGS,
    "gates.max_vanished_share=1",
)


def rows(run: Run, name: str) -> list[dict[str, Any]]:
    release = warehouse.current_release(run.warehouse, run.run_id)
    return warehouse.read_table(run.warehouse, name, release).to_pylist()


def test_decisions_hold_in_every_later_night_and_a_rollback_loses_none(spark: SparkSession, tmp_path: Path) -> None:
    write_rows(str(tmp_path / "catalog"), 40, seed=7, rates=UploaderRates(editorial=0.2))
    request = Request(str(tmp_path / "catalog" / "catalog.jsonl"), str(tmp_path / "w"), load_config(None, SETTINGS))
    first = run_nightly(request)
    gif = next(row for row in rows(first, "catalog") if row["split"] == "train" and len(row["tags"]) > 1)
    gif_id, refused = gif["gif_id"], gif["tags"][0]
    lines = [f"{gif_id},{refused},refused,ann", f"{gif_id},brand new,accepted,ann"]
    (tmp_path / "decisions.csv").write_text("gif_id,tag,decision,by\n" + "\n".join(lines) + "\n")
    apply_decisions(str(tmp_path / "decisions.csv"), request.warehouse)

    second = run_nightly(request)
    assert second.facts.inputs.notes["base"] == first.run_id
    assert second.facts.inputs.notes["decisions"] == "2 were applied, they hold for 1 train GIFs of the catalog"
    now = next(row for row in rows(second, "catalog") if row["gif_id"] == gif_id)
    assert (now["tags"], now["editorial_tags"], now["split"]) == (gif["tags"][1:], ["brand new"], "train")
    voted = {row["tag"]: row for row in rows(second, "voted_tags") if row["gif_id"] == gif_id}
    assert (voted["brand new"]["source"], voted["brand new"]["confidence"]) == ("editorial", 1.0)
    assert (voted[refused]["source"], voted[refused]["confidence"], voted[refused]["probability"]) == ("refused", 0, 0)
    document = next(row for row in rows(second, "search_documents") if row["gif_id"] == gif_id)
    said = {tag["tag"] for tag in document["tags"]}
    assert "brand new" in said and refused not in said
    assert run_nightly(request).facts.status == warehouse.UNCHANGED

    warehouse.rollback(request.warehouse, first.run_id)
    third = run_nightly(request)
    assert third.facts.inputs.notes["base"] != second.run_id
    assert {row["tag"] for row in rows(third, "voted_tags") if row["source"] == "refused"} == {refused}

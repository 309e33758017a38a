"""Two published runs in the tables, and what differs between them by Spark."""

from __future__ import annotations

import json
import random
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import write_deltalake
from pyspark.sql import SparkSession

from autotag_core.reports.diff.diff_text import as_text
from autotag_core.reports.diff.gif_diff import diff_gif, gif_changes
from autotag_core.reports.diff.release_diff import REASONS, CatalogChange, TagCount
from autotag_core.tables import TABLES
from autotag_core.warehouse import RunRecord, append_run, current_release, read_table
from jobs.reports.diff_releases import diff_releases

NOW = datetime(2026, 11, 30, tzinfo=UTC)
GIFS = [f"g{number:02}" for number in range(60)]


def publish(place: str, version: int, voted: list[tuple[str, str, str, float | None]]) -> RunRecord:
    """Run r<version> of seven GIFs that are as in any other run, with these tags."""
    gifs = [{"gif_id": name, "tags": ["cat"], "editorial_tags": [], "popularity": ord(name)} for name in "abcdefg"]
    lists = [{"gif_id": name, "expert": "imagenet", "neighbor_ids": ["n"]} for name in "abcdefg"]
    tags = [
        {"gif_id": gif_id, "tag": tag, "source": source, "probability": chance, "votes": [("imagenet", 1)]}
        for gif_id, tag, source, chance in voted
    ]
    return write_run(place, version, {"catalog": gifs, "neighbors": lists, "voted_tags": tags})


def write_run(place: str, version: int, rows: dict[str, list[dict[str, Any]]]) -> RunRecord:
    for name, table_rows in rows.items():
        arrow = pa.Table.from_pylist(table_rows, schema=TABLES[name].plain_schema)
        write_deltalake(
            f"{place}/{name}", arrow, mode="overwrite", partition_by=list(TABLES[name].partition_by) or None
        )
    run_id, tables = f"r{version}", dict.fromkeys(rows, version)
    config = json.dumps({"vote": {"max_proposed": version}})
    append_run(place, RunRecord(run_id, NOW, NOW, "published", None, run_id, tables, config=config))
    return current_release(place, run_id)


def test_tags_gained_and_lost_are_counted_and_examples_are_those_of_the_most_viewed_gifs(
    spark: SparkSession, tmp_path: Path
) -> None:
    place = str(tmp_path)
    before = publish(
        place, 0, [(name, "kitten", "proposed", 0.4) for name in "abcdefg"] + [("a", "cat", "confirmed", 0.9)]
    )
    after = publish(place, 1, [(name, "kitten", "voted", 0.6) for name in "abcdefg"] + [("a", "cat", "refused", 0.0)])
    found = diff_releases(spark, place, before, after)
    assert found.catalog == CatalogChange(before=7, after=7, new=0, gone=0, retagged=0)
    assert (found.num_gained, found.num_lost) == (7, 1)
    assert found.tags == [TagCount("kitten", 7, 0), TagCount("cat", 0, 1)]
    assert found.reasons == {"an editor's word": 1, "judged anew: weights, thresholds or settings": 7}
    assert [(one.gif_id, one.tag) for one in found.examples] == [("a", "cat"), *((name, "kitten") for name in "gfedc")]
    assert [one.name for one in found.settings] == ["vote.max_proposed"]
    assert "7 tags of GIFs gained, 1 lost" in as_text(found)
    (alone,) = diff_gif(place, before, after, "g", None).examples
    assert (alone.reason, alone.before, alone.after) == next(
        (one.reason, one.before, one.after) for one in found.examples if one.gif_id == "g"
    )


def any_night(chance: random.Random) -> dict[str, list[dict[str, Any]]]:
    """Tables of GIFs of which few things are as in another such night."""
    gifs = [name for name in GIFS if chance.random() < 0.9]
    own = [["cat"], ["cat"], ["cat", "pet"]]
    catalog = [{"gif_id": name, "tags": chance.choice(own), "editorial_tags": [], "popularity": 1} for name in gifs]
    near = [["n"], ["n"], ["m"]]
    lists = [{"gif_id": name, "expert": "imagenet", "neighbor_ids": chance.choice(near)} for name in gifs]
    tags = [
        {
            "gif_id": name,
            "tag": tag,
            "source": chance.choice(["confirmed", "demoted", "voted", "proposed", "editorial", "refused"]),
            "probability": chance.choice([None, 0.3, 0.7]),
            "votes": [("imagenet", chance.choice([1, 1, 2]))],
        }
        for name in gifs
        for tag in ("cat", "kitten")
        if chance.random() < 0.9
    ]
    return {"catalog": catalog, "neighbors": lists, "voted_tags": tags}


def test_one_gif_has_the_reasons_that_spark_counts_over_all(spark: SparkSession, tmp_path: Path) -> None:
    place, chance = str(tmp_path), random.Random(3)
    before, after = (write_run(place, version, any_night(chance)) for version in (0, 1))
    there = {
        row for run in (before, after) for row in read_table(place, "catalog", run, ["gif_id"])["gif_id"].to_pylist()
    }
    alone = Counter(one.reason for name in sorted(there) for one in gif_changes(place, before, after, name))
    assert alone == Counter(diff_releases(spark, place, before, after).reasons)
    assert set(alone) == set(REASONS), "each reason is there"

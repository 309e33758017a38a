"""Two published runs in the tables, and what differs between them by Spark."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import write_deltalake
from pyspark.sql import SparkSession

from autotag_core.reports.diff.diff_text import as_text
from autotag_core.reports.diff.gif_diff import diff_gif
from autotag_core.reports.diff.release_diff import CatalogChange, TagCount
from autotag_core.tables import TABLES
from autotag_core.warehouse import RunRecord, append_run, current_release
from jobs.reports.diff_releases import diff_releases

NOW = datetime(2026, 11, 30, tzinfo=UTC)


def publish(place: str, version: int, voted: list[tuple[str, str, str, float | None]]) -> RunRecord:
    gifs = [{"gif_id": name, "tags": ["cat"], "editorial_tags": [], "popularity": ord(name)} for name in "abcdefg"]
    lists = [{"gif_id": name, "expert": "imagenet", "neighbor_ids": ["n"]} for name in "abcdefg"]
    tags = [
        {"gif_id": gif_id, "tag": tag, "source": source, "probability": chance, "votes": [("imagenet", 1)]}
        for gif_id, tag, source, chance in voted
    ]
    rows: dict[str, list[dict[str, Any]]] = {"catalog": gifs, "neighbors": lists, "voted_tags": tags}
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

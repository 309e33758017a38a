"""Two releases -> what differs between them, and why."""

from __future__ import annotations

from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.storagelevel import StorageLevel

from autotag_core.reports.diff.release_diff import (
    MAX_EXAMPLES,
    MAX_TAGS,
    REASONS,
    CatalogChange,
    ReleaseDiff,
    TagChange,
    TagCount,
    TagState,
    changed_models,
    changed_settings,
    changed_weights,
)
from autotag_core.tables import CATALOG, NEIGHBORS, VOTED_TAGS, Table
from autotag_core.warehouse import RunRecord, check_files, table_uri
from jobs.run.delta_tables import read_table_version
from udfs.reports.tag_changes import Side, catalog_counts, tag_changes


def diff_releases(
    spark: SparkSession, warehouse: str, before: RunRecord, after: RunRecord, tag: str | None = None
) -> ReleaseDiff:
    """What differs, in all GIFs; with `tag` of this tag alone. InputError where a release has lost its files.

    The driver gets 20 tags, and five examples of each reason: those of the most viewed GIFs.
    """
    for run in (before, after):
        check_files(warehouse, run)
    sides = [_side(spark, warehouse, run) for run in (before, after)]
    counts = catalog_counts(sides[0].catalog_df, sides[1].catalog_df).collect()[0]
    changes_df = tag_changes(sides[0], sides[1], tag).persist(StorageLevel.DISK_ONLY)
    try:
        by_reason = {row["reason"]: row["count"] for row in changes_df.groupBy("reason").count().collect()}
        by_change = {row["change"]: row["count"] for row in changes_df.groupBy("change").count().collect()}
        tags = _tags(changes_df)
        examples = [one for reason in REASONS if reason in by_reason for one in _examples(changes_df, reason)]
    finally:
        changes_df.unpersist()
    return ReleaseDiff(
        runs=(before.run_id, after.run_id),
        asked=f"tag {tag}" if tag is not None else "",
        settings=changed_settings(before, after),
        models=changed_models(before, after),
        weights=changed_weights(warehouse, before, after),
        catalog=CatalogChange(**counts.asDict()),
        num_gained=by_change.get("gained", 0),
        num_lost=by_change.get("lost", 0),
        tags=tags,
        reasons={reason: by_reason[reason] for reason in REASONS if reason in by_reason},
        examples=examples,
    )


def _side(spark: SparkSession, warehouse: str, run: RunRecord) -> Side:
    def read(table: Table) -> DataFrame:
        uri = table_uri(warehouse, table.name)
        return read_table_version(spark, uri, run.table_versions[table.name], table)

    has_neighbors = NEIGHBORS.name in run.table_versions
    return Side(read(CATALOG), read(VOTED_TAGS), read(NEIGHBORS) if has_neighbors else None)


def _tags(changes_df: DataFrame) -> list[TagCount]:
    gained, lost = (F.count_if(F.col("change") == name).alias(name) for name in ("gained", "lost"))
    counted_df = changes_df.groupBy("tag").agg(gained, lost)
    first_df = counted_df.orderBy(F.desc(F.col("gained") + F.col("lost")), "tag").limit(MAX_TAGS)
    return [TagCount(row["tag"], row["gained"], row["lost"]) for row in first_df.collect()]


def _examples(changes_df: DataFrame, reason: str) -> list[TagChange]:
    rows_df = changes_df.where(F.col("reason") == reason).orderBy(F.desc("popularity"), "gif_id", "tag")
    return [
        TagChange(
            row["gif_id"], row["tag"], row["change"], reason, _state(row["was"]), _state(row["now"]), row["popularity"]
        )
        for row in rows_df.limit(MAX_EXAMPLES).collect()
    ]


def _state(row: Any) -> TagState | None:
    return None if row is None else TagState(row["source"], row["probability"], dict(row["votes"] or {}))

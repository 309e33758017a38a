"""Catalog file -> catalog and failures tables."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from dataclasses import replace

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.storagelevel import StorageLevel

from autotag_core import labels
from autotag_core.errors import InputError
from autotag_core.review.decisions import read_decisions, words_by_gif
from autotag_core.tables import (
    CATALOG,
    CHOICES,
    CHOSEN_TAGS,
    DECIDED_TAGS,
    EDITORIAL_DECISIONS,
    FAILURES,
    LABELS,
    MEDIA,
    WRITTEN_TAGS,
    Table,
)
from autotag_core.warehouse import table_uri
from autotag_core.warehouse.own_tables import newest_version
from jobs.run.delta_tables import read_version, spark_schema
from jobs.run.failure_log import in_words
from jobs.run.run import Run
from jobs.run.stages import stage
from udfs.catalog import check as catalog
from udfs.catalog import choices, decisions
from udfs.inputs.read_rows import count_rows, count_usable, read_ids
from udfs.labels.labels import to_labels
from udfs.reuse.row_digests import same_rows

_WORDS = "gif_id string, accepted array<string>, refused array<string>"


@stage(
    "catalog",
    writes=(CATALOG, WRITTEN_TAGS, CHOSEN_TAGS, DECIDED_TAGS, FAILURES),
    reads=(LABELS, MEDIA, CHOICES, EDITORIAL_DECISIONS),
    cost="rows of the catalog",
    unit="rows",
)
def read_catalog(run: Run, catalog_uri: str) -> None:
    """Check every row, split the good ones, keep the others as failures; InputError if not one row is usable."""
    with ExitStack() as kept:
        checked, num_rows = checked_rows(run, catalog_uri, kept)
        run.expect(num_rows)
        gifs_df = _with_choices(run, checked.gifs_df, kept) if run.config.catalog.choices else checked.gifs_df
        if run.config.catalog.labels == "engineered":
            gifs_df = _in_label_space(run, gifs_df, kept)
        gifs_df = _with_decisions(run, gifs_df, kept)
        num_gifs = _write(run, CATALOG, gifs_df, kept)
        run.failures.add(checked.failures_df)
        run.facts.rows_out["catalog"] = num_gifs
    run.note(catalog=catalog_uri)


def checked_rows(run: Run, uri: str, kept: ExitStack) -> tuple[catalog.CheckedCatalog, int]:
    """The catalog's usable rows with their split and its others as failures, and how many rows it has.

    The file is read now and once, for as long as `kept` is open. InputError where it can't be read or has no usable
    row, and where a list of ids names not one GIF of it.
    """
    settings = run.config.catalog
    read_df = catalog.read_catalog(run.spark, uri, settings.csv_tag_separator)
    rows_df = _keep(kept, catalog.place_rows(read_df, uri, run.config.frames.allowed_places))
    num_rows, num_usable = count_usable(rows_df, catalog.is_usable())
    checked = catalog.check_catalog(rows_df, uri)
    refuse_empty(checked, uri, num_usable)
    lists = [_ids_of(run, name, checked.gifs_df, kept) for name in ("validation_list", "test_list")]
    return replace(checked, gifs_df=catalog.assign_splits(checked.gifs_df, *lists)), num_rows


def _ids_of(run: Run, name: str, gifs_df: DataFrame, kept: ExitStack) -> DataFrame | None:
    """The gif_ids of a list, read now and once; how many are GIFs of the catalog is noted."""
    uri = getattr(run.config.catalog, name)
    if uri is None:
        return None
    ids_df = _keep(kept, read_ids(run.spark, uri))
    num_ids = count_rows(ids_df)
    num_found = ids_df.join(gifs_df, "gif_id", "left_semi").select("gif_id").distinct().count()
    if num_ids and not num_found:
        first = ids_df.agg(F.min("gif_id")).head()
        such = f", such as {first[0]}," if first and first[0] else ""
        raise InputError(f"{uri}: not one of its {num_ids} gif_ids{such} is in the catalog")
    run.note(**{name: f"{num_found} of {num_ids} gif_ids are in the catalog"})
    if num_found < num_ids / 2 or not num_ids:
        run.log.warning("a list names few GIFs of the catalog", list=uri, gif_ids=num_ids, in_catalog=num_found)
    return ids_df


def failures_by_reason(failures_df: DataFrame) -> str:
    """The failures `in_words`. A message quotes a row, and says what may be wrong with it."""
    grouped_df = failures_df.groupBy("reason").agg(F.count("*").alias("rows"), F.min("message").alias("example"))
    return in_words((row["reason"], row["rows"], row["example"]) for row in grouped_df.collect())


def _in_label_space(run: Run, gifs_df: DataFrame, kept: ExitStack) -> DataFrame:
    """The rows of the catalog table with labels for tags; the tags themselves are written to `written_tags`."""
    found, version = labels.read_labels(run.warehouse)
    written_df = gifs_df.withColumn("written", F.col("tags"))
    labelled_df = _keep(kept, to_labels(written_df, found))
    _write(run, WRITTEN_TAGS, labelled_df.select("gif_id", F.col("written").alias("tags"), "other_tags"), kept)
    run.tables.versions[LABELS.name] = version
    run.note(labels=f"{found.num_rows} labels, version {version}")
    return labelled_df.drop("written", "other_tags")


def _with_choices(run: Run, gifs_df: DataFrame, kept: ExitStack) -> DataFrame:
    """The GIFs with tags that their uploaders took and added; each one's newest choice is written to `chosen_tags`."""
    newest = newest_version(run.warehouse, CHOICES)
    if newest is None:
        run.note(choices="none was made yet")
        return gifs_df
    all_df = read_version(run.spark, table_uri(run.warehouse, CHOICES.name), newest, spark_schema(CHOICES))
    has_media = run.base is not None and MEDIA.name in run.base.table_versions
    media_df = run.tables.read_base(MEDIA) if has_media else None
    chosen_df = _keep(kept, choices.newest_choices(all_df, gifs_df, media_df))
    num_gifs = _write(run, CHOSEN_TAGS, chosen_df, kept)
    run.note(choices=f"{all_df.count()} were made, by uploaders of {num_gifs} GIFs of the catalog")
    return choices.with_chosen_tags(gifs_df, chosen_df)


def _with_decisions(run: Run, gifs_df: DataFrame, kept: ExitStack) -> DataFrame:
    """The GIFs as editors have decided; the words that hold are written to `decided_tags`. Decisions name tags of a
    release, so they come after labels.
    """
    known, version = read_decisions(run.warehouse)
    if version is None:
        return gifs_df
    run.tables.versions[EDITORIAL_DECISIONS.name] = version
    words = words_by_gif(known)
    words_df = run.spark.createDataFrame(words, _WORDS)
    decided_df = _keep(kept, decisions.decided_tags(words_df, gifs_df))
    num_gifs = _write(run, DECIDED_TAGS, decided_df, kept)
    run.note(decisions=f"{len(known)} were applied, they hold for {num_gifs} train GIFs of the catalog")
    return decisions.with_decisions(gifs_df, decided_df)


def _write(run: Run, table: Table, rows_df: DataFrame, kept: ExitStack) -> int:
    """Write the table, unless the base has the same rows; how many they are."""
    if run.base is None or table.name not in run.base.table_versions:
        return run.tables.write(table, rows_df)
    rows_df = _keep(kept, rows_df)
    is_same, num_rows = same_rows(rows_df, run.tables.read_base(table))
    if not is_same:
        return run.tables.write(table, rows_df)
    run.tables.adopt(table)
    return num_rows


def _keep(kept: ExitStack, rows_df: DataFrame) -> DataFrame:
    """The rows, read once whoever asks for them: all tables come from one reading of a file that may change."""
    rows_df = rows_df.persist(StorageLevel.DISK_ONLY)

    def drop() -> None:
        with suppress(Exception):  # where Spark is gone, its first error is the one to explain
            rows_df.unpersist()

    kept.callback(drop)
    return rows_df


def refuse_empty(checked: catalog.CheckedCatalog, uri: str, num_usable: int) -> None:
    """InputError, with what is wrong with its rows, where a catalog has not one usable row."""
    if not num_usable:
        said = failures_by_reason(checked.failures_df) or "it has no rows"
        raise InputError(f"{uri}: not one usable row: {said}")

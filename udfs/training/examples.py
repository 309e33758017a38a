"""Voted tags in, training examples out: which GIFs are examples, with which labels, and where and why others left.

Cost for N GIFs: the tags of voted_tags (about ten a GIF) are shuffled once by tag, to be numbered, and once by GIF.
Then narrow rows of N GIFs are shuffled by their bytes and by their group of copies. All is linear in N. One task holds
and sorts the distinct tags, 40 MB a million.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import pyarrow as pa
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from autotag_core.config import Config, TrainingConfig
from autotag_core.failures import ItemError, Reason, Stage
from autotag_core.splits import TEST, TRAIN, VALIDATION
from autotag_core.tables import TRAINING_EXAMPLES

SPLITS = (TRAIN, VALIDATION, TEST)
"""Each is more protected than the one before. Of copies in two splits, those in the earlier one leave."""
CATALOG, FRAMES, LENGTH, BEFORE_VOTING, LABEL, LEAK, EXAMPLE = STEPS = (
    "catalog",
    "frames",
    "length",
    "label_before_voting",
    "label",
    "leak",
    "example",
)
SAME_BYTES, NEAR_DUPLICATE, SAME_UPLOADER = "same_bytes", "near_duplicate", "same_uploader"
NOT_READ_AGAIN = "not_read_again"
_LENGTH_REASONS = (Reason.TOO_FEW_FRAMES, Reason.TOO_MANY_FRAMES, Reason.TOO_SHORT, Reason.TOO_LONG)
_ROWS_PER_BATCH = 16
"""Examples with stored frames in one Arrow batch: 2 MB."""


class Sources(NamedTuple):
    """The tables of the run that examples are made of. duplicates_df is None where copies were not looked for."""

    catalog_df: DataFrame
    media_df: DataFrame
    failures_df: DataFrame
    voted_tags_df: DataFrame
    duplicates_df: DataFrame | None


def number_labels(voted_tags_df: DataFrame) -> DataFrame:
    """(label_id, label, num_gifs): the tags of the published dataset, numbered from 0 in their order."""
    counts_df = _published(voted_tags_df).groupBy("tag").agg(F.count("*").alias("num_gifs"))
    sorted_df = counts_df.agg(F.array_sort(F.collect_list(F.struct("tag", "num_gifs"))).alias("labels"))
    return sorted_df.select(F.posexplode("labels")).select(
        F.col("pos").alias("label_id"), F.col("col.tag").alias("label"), F.col("col.num_gifs").alias("num_gifs")
    )


def judge_gifs(sources: Sources, labels_df: DataFrame, config: TrainingConfig) -> DataFrame:
    """Every GIF of the catalog once: the columns of TRAINING_EXAMPLES but `frames`, and had_label, rarest,
    shares_uploader, left_at, reason.

    left_at is the first step of STEPS at which the GIF had to leave, null for an example. had_label says whether it
    came with a tag. rarest is the number of GIFs that have its rarest label. shares_uploader says whether its uploader
    has a GIF in a more protected split; it is null where the catalog names no uploader.

    The labels of a train GIF are its tags in the published dataset, those of a validation GIF the editor's. A test GIF
    has the editor's or, if there are none, those it came with. Copies are looked for among GIFs that would be examples.
    """
    failed_df = sources.failures_df.where(F.col("stage") == str(Stage.FRAMES)).select("gif_id", "reason")
    media_df = sources.media_df.select(
        "gif_id",
        F.col("version").alias("read_version"),
        "rendition",
        "num_frames",
        "duration_ms",
        F.col("text").isNotNull().alias("has_text"),
    )
    gifs_df = (
        sources.catalog_df.select(
            "gif_id",
            F.col("uri").alias("own_uri"),
            "split",
            "uploader",
            (F.size("tags") + F.size("editorial_tags") > 0).alias("had_label"),
        )
        .join(media_df, "gif_id", "left")
        .join(failed_df, "gif_id", "left")
        .join(_labels_by_gif(sources.voted_tags_df, labels_df), "gif_id", "left")
        .withColumnRenamed("read_version", "version")
        .withColumn("uri", F.coalesce("rendition", "own_uri"))
    )
    gifs_df = gifs_df.withColumn("labels", _labels_of_split()).withColumn("out", _left_before_leaks(config))
    return _without_leaks(gifs_df, sources.duplicates_df, config.separate_uploaders).select(
        *(item.name for item in TRAINING_EXAMPLES.schema if item.name not in ("frames", "label_ids", "confidences")),
        F.transform("labels", lambda label: label["label_id"]).alias("label_ids"),
        F.transform("labels", lambda label: label["confidence"]).alias("confidences"),
        "had_label",
        F.array_min(F.transform("labels", lambda label: label["num_gifs"])).alias("rarest"),
        "shares_uploader",
        F.col("out.left_at").alias("left_at"),
        F.col("out.reason").alias("reason"),
    )


def _published(voted_tags_df: DataFrame) -> DataFrame:
    return voted_tags_df.where(~F.col("source").isin("proposed", "refused"))


def _labels_by_gif(voted_tags_df: DataFrame, labels_df: DataFrame) -> DataFrame:
    """(gif_id, all_labels): structs of label_id, confidence, num_gifs and source, by label_id."""
    named_df = _published(voted_tags_df).withColumnRenamed("tag", "label").join(labels_df, "label")
    label = F.struct("label_id", "confidence", "num_gifs", "source")
    return named_df.groupBy("gif_id").agg(F.array_sort(F.collect_list(label)).alias("all_labels"))


def _labels_of_split() -> Column:
    editorial = F.filter("all_labels", lambda label: label["source"] == "editorial")
    reviewed = F.when(F.size(editorial) > 0, editorial).otherwise(F.col("all_labels"))
    return (
        F.when(F.col("split") == VALIDATION, editorial)
        .when(F.col("split") == TEST, reviewed)
        .otherwise(F.col("all_labels"))
    )


def _left_before_leaks(config: TrainingConfig) -> Column:
    """The struct (left_at, reason) of a GIF without frames, of a wrong length or without a label; else null."""
    unread = F.col("version").isNull()
    too_few = F.col("num_frames") < config.min_frames
    too_short = F.col("duration_ms") < config.min_duration_ms
    too_long = F.lit(False) if config.max_duration_ms is None else F.col("duration_ms") > config.max_duration_ms
    return (
        F.when(unread & F.col("reason").isin(*map(str, _LENGTH_REASONS)), _out(LENGTH, F.col("reason")))
        .when(unread, _out(FRAMES, F.coalesce("reason", F.lit("not_read"))))
        .when(too_few, _out(LENGTH, F.lit(str(Reason.TOO_FEW_FRAMES))))
        .when(too_short, _out(LENGTH, F.lit(str(Reason.TOO_SHORT))))
        .when(too_long, _out(LENGTH, F.lit(str(Reason.TOO_LONG))))
        .when(F.coalesce(F.size("labels"), F.lit(0)) < 1, _out(LABEL, F.lit("no_label")))
    )


def _out(step: str, reason: Column) -> Column:
    return F.struct(F.lit(step).alias("left_at"), reason.alias("reason"))


def _without_leaks(gifs_df: DataFrame, duplicates_df: DataFrame | None, separate_uploaders: bool) -> DataFrame:
    """The rows, with `out` also set for a GIF of which a copy (same bytes or near) is in a more protected split."""
    rank = F.array_position(F.array(*map(F.lit, SPLITS)), F.col("split"))
    gifs_df = gifs_df.withColumn("rank", F.when(F.col("out").isNull(), rank))
    group_id = F.col("gif_id")
    if duplicates_df is not None:
        gifs_df = gifs_df.join(duplicates_df.select("gif_id", "group_id"), "gif_id", "left")
        group_id = F.coalesce("group_id", "gif_id")
    leaks = F.when(_best_rank(F.coalesce("version", "gif_id")) > F.col("rank"), _out(LEAK, F.lit(SAME_BYTES)))
    if duplicates_df is not None:
        leaks = leaks.when(_best_rank(group_id) > F.col("rank"), _out(LEAK, F.lit(NEAR_DUPLICATE)))
    # without a name the GIF stands for its uploader, so that these do not all meet in one task
    best_of_uploader = _best_rank(F.coalesce(F.concat(F.lit("u"), "uploader"), F.concat(F.lit("g"), "gif_id")))
    shares_uploader = F.when(F.col("uploader").isNotNull(), best_of_uploader > F.col("rank"))
    gifs_df = gifs_df.withColumn("shares_uploader", shares_uploader)
    if separate_uploaders:
        leaks = leaks.when(F.col("shares_uploader"), _out(LEAK, F.lit(SAME_UPLOADER)))
    return gifs_df.withColumn("out", F.coalesce("out", leaks))


def _best_rank(group: Column) -> Column:
    return F.max("rank").over(Window.partitionBy(group))


def example_rows(gifs_df: DataFrame, config: Config, num_files: int) -> DataFrame:
    """The rows of TRAINING_EXAMPLES, in num_files partitions, each in order of split, rarity and a hash of gif_id.

    So the GIFs of a row group are about equally rare, and otherwise a random choice. Training reads the row groups of
    rare labels often and those of common ones seldom, and reads few GIFs in vain. With stored frames each GIF is
    fetched, decoded and encoded in one pass. A GIF that has changed since it was tagged, or can't be read any more, is
    left out.
    """
    rarity = F.floor(F.log2("rarest"))
    examples_df = (
        gifs_df.where(F.col("left_at").isNull())
        .repartition(num_files, "gif_id")
        .sortWithinPartitions("split", rarity, F.xxhash64("gif_id"), "gif_id")
    )
    none = F.lit(None).cast("array<binary>").alias("frames")
    columns = [none if name == "frames" else F.col(name) for name in TRAINING_EXAMPLES.schema.names]
    examples_df = examples_df.select(*columns)
    if config.training.frames == "reference":
        return examples_df

    def store_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return store_frames(batches, config)

    return examples_df.mapInArrow(store_partition, from_arrow_schema(TRAINING_EXAMPLES.schema))


def store_frames(batches: Iterable[pa.RecordBatch], config: Config) -> Iterator[pa.RecordBatch]:
    """The work of one task: rows of TRAINING_EXAMPLES without frames in; out, with frames, those still readable."""
    from autotag_core.frames import iter_loaded
    from autotag_core.training.pictures import encode_frames

    kind, quality = config.training.frames, config.training.quality
    schema = TRAINING_EXAMPLES.plain_schema
    rows, again = itertools.tee(row for batch in batches for row in batch.to_pylist())
    loaded = iter_loaded(((row["gif_id"], row["uri"]) for row in again), config.frames)

    def stored() -> Iterator[dict[str, object]]:
        for row, (_, gif) in zip(rows, loaded, strict=True):
            if not isinstance(gif, ItemError) and gif.media.version == row["version"]:
                yield row | {"frames": encode_frames(gif.frames, kind, quality)}

    found = stored()
    while chunk := list(itertools.islice(found, _ROWS_PER_BATCH)):
        yield pa.RecordBatch.from_pylist(chunk, schema=schema)


def label_rows(labels_df: DataFrame, gifs_df: DataFrame) -> DataFrame:
    """The rows of TRAINING_LABELS: the labels that examples have, counted over the examples among gifs_df."""
    is_train = F.col("split") == TRAIN
    counts_df = (
        gifs_df.where(F.col("left_at").isNull())
        .select("split", F.explode("label_ids").alias("label_id"))
        .groupBy("label_id")
        .agg(F.count_if(is_train).alias("num_examples"), F.count_if(~is_train).alias("num_held_out"))
    )
    return labels_df.join(counts_df, "label_id").select("label_id", "label", "num_examples", "num_held_out")


def count_outcomes(gifs_df: DataFrame) -> DataFrame:
    """(split, left_at, reason, had_label, num_gifs, shares_uploader): what funnel_rows needs, a few dozen rows."""
    alike = ("split", "left_at", "reason", "had_label")
    counts_df = gifs_df.groupBy(*alike, "shares_uploader").agg(F.count("*").alias("num_gifs"))
    return counts_df.select(*alike, "num_gifs", "shares_uploader")


def with_lost(gifs_df: DataFrame, examples_df: DataFrame) -> DataFrame:
    """The rows of judge_gifs. An example that is not among the written ones has left at the last step."""
    written_df = examples_df.select("gif_id", F.lit(True).alias("is_written"))
    is_lost = F.col("left_at").isNull() & F.col("is_written").isNull()
    return (
        gifs_df.join(written_df, "gif_id", "left")
        .withColumn("reason", F.when(is_lost, NOT_READ_AGAIN).otherwise(F.col("reason")))
        .withColumn("left_at", F.when(is_lost, EXAMPLE).otherwise(F.col("left_at")))
    )

"""What the catalog knows of its tags and labels, counted in Spark; the tags' counts are gathered as arrays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F
from scipy import sparse

from autotag_core.config import LabelsConfig
from autotag_core.errors import InputError
from autotag_core.inputs import Column
from autotag_core.labels import TagCounts, normalise
from udfs.inputs.read_rows import count_usable, read_rows

NUM_EXAMPLES = 3
SEARCHES = (Column("query", is_required=True), Column("count", "integer", is_required=True))


def count_tags(tags_df: DataFrame) -> DataFrame:
    """By normalised tag: num_gifs, num_editorial, num_edited (GIFs with the tag that an editor has tagged), and `id`.

    tags_df is (gif_id, tags, editorial_tags) of normalise_tags. `id` is the 64-bit hash by which pairs are counted. Of
    a million tags two have one hash in one of 40 million catalogs. Cost: one shuffle of tags, summed before it.
    """
    is_edited = F.size("editorial_tags") > 0
    uploaded_df = tags_df.select(F.explode("tags").alias("tag"), F.lit(True).alias("own"), is_edited.alias("edited"))
    edited_df = tags_df.select(
        F.explode("editorial_tags").alias("tag"), F.lit(False).alias("own"), F.lit(False).alias("edited")
    )
    return (
        uploaded_df.unionByName(edited_df)
        .groupBy("tag")
        .agg(
            F.count_if("own").alias("num_gifs"),
            F.count_if(~F.col("own")).alias("num_editorial"),
            F.count_if("edited").alias("num_edited"),
        )
        .withColumn("id", F.xxhash64("tag"))
    )


def count_contexts(tags_df: DataFrame, config: LabelsConfig) -> DataFrame:
    """(id, other, num_gifs): how many GIFs have both tags from their uploaders, both ways round.

    Only the first config.max_tags_per_gif tags of a GIF count, and for each tag the config.max_contexts most frequent
    others (ties by id). Cost: the pairs of each GIF, t (t - 1) of t tags, shuffled twice; six million GIFs of six tags
    are 180 million.
    """
    ids = F.transform(F.slice("tags", 1, config.max_tags_per_gif), lambda tag: F.xxhash64(tag))  # noqa: PLW0108 - not *tags
    gifs_df = tags_df.select(ids.alias("ids")).where(F.size("ids") > 1)
    pairs_df = gifs_df.select(F.explode("ids").alias("id"), "ids").select("id", F.explode("ids").alias("other"))
    counts_df = pairs_df.where("id != other").groupBy("id", "other").agg(F.count("*").alias("num_gifs"))
    first = Window.partitionBy("id").orderBy(F.desc("num_gifs"), "other")
    ranked_df = counts_df.withColumn("rank", F.row_number().over(first))
    return ranked_df.where(F.col("rank") <= config.max_contexts).drop("rank")


def count_translations(tags_df: DataFrame, config: LabelsConfig) -> DataFrame:
    """(id, other, num_gifs): for how many GIFs an uploader gave tag `id` and an editor `other`, cut as the contexts.

    Cost: as count_contexts, for GIFs that an editor has tagged.
    """
    edited_df = tags_df.where(F.size("editorial_tags") > 0)
    limit = config.max_tags_per_gif
    pairs_df = edited_df.select(
        F.explode(F.slice("tags", 1, limit)).alias("tag"), F.slice("editorial_tags", 1, limit).alias("words")
    ).select(F.xxhash64("tag").alias("id"), F.explode("words").alias("word"))
    counts_df = pairs_df.groupBy("id", F.xxhash64("word").alias("other")).agg(F.count("*").alias("num_gifs"))
    first = Window.partitionBy("id").orderBy(F.desc("num_gifs"), "other")
    ranked_df = counts_df.withColumn("rank", F.row_number().over(first))
    return ranked_df.where(F.col("rank") <= config.max_contexts).drop("rank")


def count_searches(spark: SparkSession, uri: str) -> DataFrame:
    """(tag, num_searches) by normalised query of a file of searches, {query, count}: JSON lines, CSV or Parquet.

    InputError where it can't be read, has other columns or no usable row. Cost: two scans, one shuffle.
    """
    rows_df = read_rows(spark, uri, SEARCHES)
    is_usable = F.col("wrong").isNull() & F.col("query").isNotNull() & (F.col("count") > 0)
    num_rows, num_usable = count_usable(rows_df, is_usable)
    if not num_usable:
        raise InputError(f"{uri}: none of {num_rows} rows is a search: searches have the columns query and count")

    def normalise_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            tags = pa.array([normalise(query) for query in batch["query"].to_pylist()], pa.string())
            yield pa.RecordBatch.from_arrays([tags, batch["count"]], ["tag", "num_searches"])

    usable_df = rows_df.where(is_usable).select("query", "count")
    tags_df = usable_df.mapInArrow(normalise_partition, "tag string, num_searches bigint").where("tag is not null")
    return tags_df.groupBy("tag").agg(F.sum("num_searches").alias("num_searches"))


def gather_counts(tags_df: DataFrame, config: LabelsConfig, searches_df: DataFrame | None = None) -> TagCounts:
    """All of the above in the driver, as arrays by tag, alphabetical. popularity is searches where given, else GIFs.

    The driver holds the vocabulary, never the catalog: 20 bytes for each pair that counts. That is 0.5 GB at a million
    tags of 25 contexts, twice while they are sorted. spark.driver.maxResultSize must allow half of it.
    """
    found = count_tags(tags_df).toArrow().sort_by("tag")
    tags = found["tag"].to_pylist()
    order = sorted(range(len(tags)), key=tags.__getitem__)  # in Python's order; Arrow's differs for some scripts
    found = found.take(pa.array(order, pa.int64()))
    ids = found["id"].to_numpy()
    num_gifs = found["num_gifs"].to_numpy()
    popularity = num_gifs
    if searches_df is not None:
        searched = dict(zip(*searches_df.toArrow().select(["tag", "num_searches"]).to_pydict().values(), strict=True))
        popularity = np.array([searched.get(tags[row], 0) for row in order], np.int64)
    totals = tags_df.agg(F.count("*").alias("gifs"), F.count_if(F.size("editorial_tags") > 0).alias("edited")).first()
    assert totals is not None
    return TagCounts(
        tuple(tags[row] for row in order),
        num_gifs,
        found["num_editorial"].to_numpy(),
        found["num_edited"].to_numpy(),
        popularity,
        _matrix(count_contexts(tags_df, config).toArrow(), ids),
        _matrix(count_translations(tags_df, config).toArrow(), ids),
        totals["gifs"],
        totals["edited"],
    )


def _matrix(pairs: pa.Table, ids: np.ndarray) -> sparse.csr_matrix:
    """(V, V) counts, rows and columns in the order of ids. Each row's columns ascend, so sums have one order."""
    by_id = np.argsort(ids)
    rows, columns = (by_id[np.searchsorted(ids, pairs[name].to_numpy(), sorter=by_id)] for name in ("id", "other"))
    counts = pc.cast(pairs["num_gifs"], pa.int32()).to_numpy()
    matrix = sparse.csr_matrix((counts, (rows, columns)), shape=(len(ids), len(ids)))
    matrix.sort_indices()
    return matrix


@dataclass(frozen=True)
class LabelUsage:
    """`num_gifs` and `examples` (gif_ids) by label."""

    num_gifs: dict[str, int]
    examples: dict[str, tuple[str, ...]]


def label_usage(labelled_df: DataFrame) -> LabelUsage:
    """How many GIFs of labelled_df (gif_id, popularity, tags as labels) have each label, and its most popular GIFs.

    Cost: one shuffle of (label, GIF) pairs; the driver gets one row a label.
    """
    pairs_df = labelled_df.select("gif_id", "popularity", F.explode("tags").alias("label"))
    first = Window.partitionBy("label").orderBy(F.desc("popularity"), "gif_id")
    ranked_df = pairs_df.withColumn("rank", F.row_number().over(first))
    example = F.when(F.col("rank") <= NUM_EXAMPLES, F.struct("rank", "gif_id"))
    rows = (
        ranked_df.groupBy("label")
        .agg(F.count("*").alias("num_gifs"), F.array_sort(F.collect_list(example)).alias("examples"))
        .select("label", "num_gifs", F.col("examples.gif_id").alias("examples"))
        .toArrow()
        .to_pylist()
    )
    return LabelUsage(
        {row["label"]: row["num_gifs"] for row in rows}, {row["label"]: tuple(row["examples"]) for row in rows}
    )


@dataclass(frozen=True)
class Coverage:
    """How many of the GIFs with tags have a label, and how many of the tags on GIFs are members of one."""

    num_gifs: int
    num_labelled: int
    num_tags: int
    num_members: int

    def to_text(self) -> str:
        """One sentence."""
        gifs, tags = self.num_labelled / max(self.num_gifs, 1), self.num_members / max(self.num_tags, 1)
        gifs_text = f"{gifs:.1%} of {self.num_gifs} GIFs with tags have a label"
        return f"{gifs_text}; {tags:.1%} of their {self.num_tags} tags are members of one"


def coverage(labelled_df: DataFrame) -> Coverage:
    """How much of a catalog in label space (to_labels) the labels cover, by distinct labels and other tags of a GIF."""
    has_tags = (F.size("tags") > 0) | (F.size("other_tags") > 0)
    row = labelled_df.agg(
        F.count_if(has_tags).alias("gifs"),
        F.count_if(F.size("tags") > 0).alias("labelled"),
        F.sum(F.size("tags") + F.size("other_tags")).alias("tags"),
        F.sum(F.size("tags")).alias("members"),
    ).first()
    assert row is not None
    return Coverage(row["gifs"], row["labelled"], row["tags"] or 0, row["members"] or 0)

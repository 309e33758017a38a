"""What differs between a catalog and that of an earlier release. A GIF is fetched only if its row can't tell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from autotag_core.config import Config
from autotag_core.failures import ItemError, Stage

_HASHED = "gif_id string, uri string, renditions array<string>, is_same boolean"


def same_rows(left_df: DataFrame, right_df: DataFrame) -> tuple[bool, int]:
    """(whether both hold the same rows as often, in any order; how many the left has). Columns are those of the left.

    Two 64-bit hashes of each row are summed: rows that differ pass for the same once in 10^38 times. Cost: each is read
    once, and only three numbers a side and partition are shuffled.
    """
    columns = left_df.columns
    both_df = _as_texts(left_df, columns, "left").union(_as_texts(right_df, columns, "right"))
    found = {row["side"]: tuple(row)[1:] for row in both_df.groupBy("side").agg(*digest_columns(["row"])).collect()}
    return found.get("left") == found.get("right"), found["left"][0] if "left" in found else 0


def digest_columns(columns: Iterable[str | Column]) -> list[Column]:
    """Aggregates that tell one set of rows from another, in any order: their number and the sums of two hashes."""
    row = list(columns)

    def total(*seed: Column) -> Column:
        return F.sum(F.xxhash64(*row, *seed).cast("decimal(38,0)"))

    return [F.count("*").alias("rows"), total().alias("one"), total(F.lit(1)).alias("two")]


def _as_texts(rows_df: DataFrame, columns: list[str], side: str) -> DataFrame:
    row = F.to_json(F.struct(*columns), {"ignoreNullFields": "false"})  # maps can't be hashed
    return rows_df.select(F.lit(side).alias("side"), row.alias("row"))


def compare_gifs(catalog_df: DataFrame, base_catalog_df: DataFrame, known_df: DataFrame, config: Config) -> DataFrame:
    """(gif_id, uri, renditions, is_same) of every row of catalog_df: are its bytes those that were embedded?

    catalog_df has those columns and version. known_df (gif_id, version, rendition) are the GIFs that were read and
    embedded: the hash of the bytes, and the rendition that they are of. A GIF is the same if uri, version and
    renditions are as in base_catalog_df. If the version is missing, or version or uri differ, its bytes are fetched and
    hashed. People who write other bytes to one place must give another version, or none. A GIF that was not embedded is
    not the same, without a fetch. Nor is one that has other renditions now, or whose first rendition could not be read.
    Cost: one shuffle of both catalogs' ids, and one fetch of each GIF whose catalog row does not say enough.
    """
    base_df = base_catalog_df.select("gif_id", F.struct("uri", "version", "renditions").alias("base"))
    hashes_df = known_df.select("gif_id", F.col("version").alias("known_hash"), "rendition")
    gifs_df = catalog_df.select("gif_id", "uri", "version", "renditions")
    joined_df = gifs_df.join(base_df.join(hashes_df, "gif_id"), "gif_id", "left")
    has_them_still = F.col("renditions") == F.col("base.renditions")
    says_so = (F.col("uri") == F.col("base.uri")) & (F.col("version") == F.col("base.version")) & has_them_still
    first = F.get("renditions", F.lit(0))
    is_comparable = has_them_still & first.eqNullSafe(F.col("rendition"))
    marked_df = joined_df.select(
        "gif_id",
        "uri",
        "renditions",
        F.coalesce(first, "uri").alias("place"),
        F.when(is_comparable, F.col("known_hash")).alias("known_hash"),
        F.coalesce(says_so, F.lit(False)).alias("is_same"),
    )

    def hash_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return hash_batches(batches, config)

    return marked_df.mapInArrow(hash_partition, _HASHED)


def hash_batches(batches: Iterable[pa.RecordBatch], config: Config) -> Iterator[pa.RecordBatch]:
    """The work of one task: (gif_id, uri, renditions, place, known_hash, is_same) in, compare_gifs' rows out, in order.

    A GIF that can't be fetched is not the same: the next stage says why.
    """
    from autotag_core.frames import fetch_bytes
    from autotag_core.frames.load import version_of

    def is_same(row: tuple[str, str | None, bool]) -> bool:
        place, known_hash, is_known = row
        if is_known or known_hash is None:
            return is_known
        try:
            return version_of(fetch_bytes(place, config.frames)) == known_hash
        except ItemError:
            return False

    with ThreadPoolExecutor(config.frames.fetch_threads, thread_name_prefix="hashes") as pool:
        for batch in batches:
            rows = zip(*(batch[name].to_pylist() for name in ("place", "known_hash", "is_same")), strict=True)
            found = pa.array(list(pool.map(is_same, rows)), pa.bool_())
            columns = {name: batch[name] for name in ("gif_id", "uri", "renditions")} | {"is_same": found}
            yield pa.RecordBatch.from_pydict(columns)


def embedded_gifs(media_df: DataFrame, failures_df: DataFrame) -> DataFrame:
    """(gif_id, version, rendition) of the GIFs that were read. Those that failed after it are tried again."""
    failed_df = failures_df.where(F.col("stage") == str(Stage.EMBEDDINGS)).select("gif_id")
    return media_df.select("gif_id", "version", "rendition").join(failed_df, "gif_id", "left_anti")

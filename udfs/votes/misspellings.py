"""Catalog in; out, tags that look like slips, each with what it may have meant."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from autotag_core.splits import TRAIN
from autotag_core.votes import MAX_SHARE, MIN_COUNT, MIN_LENGTH, is_slip

_ONE_LETTER_LESS = """
transform(sequence(1, length(tag)), i -> concat(substring(tag, 1, i - 1), substring(tag, i + 1)))
"""


def slips(catalog_df: DataFrame) -> DataFrame:
    """(tag, meant): tags that look like a slip of a much more used one; the most used one, ties alphabetical.

    All splits are counted, so that slips in validation and test GIFs are seen too, as uploaders wrote them. An editor's
    tags count on train GIFs only; on others they are the truth. autotag_core/votes/tally/misspellings.py says what a
    slip is.

    Tags and their slips share a string of one letter less (symmetric deletion: Garbe, SymSpell). Only tags that share
    one are compared, so the cost grows with the distinct tags times their length.
    """
    came_with = F.when(F.col("split") == TRAIN, F.array_union("tags", "editorial_tags")).otherwise(F.col("tags"))
    tags_df = catalog_df.select("gif_id", F.explode(F.array_distinct(came_with)).alias("tag"))
    counts_df = tags_df.groupBy("tag").agg(F.count("*").alias("num_gifs"))
    keys_df = counts_df.where(F.length("tag") >= MIN_LENGTH).select(
        "tag", "num_gifs", F.explode(F.array_union(F.array("tag"), F.expr(_ONE_LETTER_LESS))).alias("key")
    )
    used_df = keys_df.where(F.col("num_gifs") >= MIN_COUNT).select(
        F.col("tag").alias("meant"), F.col("num_gifs").alias("used"), "key"
    )
    is_rare = F.col("num_gifs") <= F.greatest(F.lit(1.0), F.lit(MAX_SHARE) * F.col("used"))
    pairs_df = keys_df.join(used_df, "key").where(is_rare).select("tag", "meant", "used").distinct()
    slips_df = pairs_df.where(F.udf(is_slip, "boolean", useArrow=True)("tag", "meant"))
    best = F.min(F.struct((-F.col("used")).alias("rank"), "meant"))["meant"]
    return slips_df.groupBy("tag").agg(best.alias("meant"))

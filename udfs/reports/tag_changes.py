"""Tags that GIFs gained or lost between two releases, with the reason: two tables of tags in, the changes out."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from autotag_core.reports.diff import release_diff as diff
from autotag_core.reports.night.tag_counts import HAS_TAG


@dataclass(frozen=True)
class Side:
    """A release's tables. `neighbors_df` is None where it has none."""

    catalog_df: DataFrame
    voted_df: DataFrame
    neighbors_df: DataFrame | None


def tag_changes(before: Side, after: Side, tag: str | None = None) -> DataFrame:
    """(gif_id, tag, change, reason, was, now, popularity) of each tag that a GIF has on one side alone.

    was and now: source, probability and votes; null without a row. With `tag`, of this tag alone.
    Cost: both tables of tags are shuffled by GIF and tag; of catalogs and lists of neighbors only the changed GIFs.
    """
    was_df, now_df = (_states(side.voted_df, name, tag) for side, name in ((before, "was"), (after, "now")))
    paired_df = was_df.join(now_df, ["gif_id", "tag"], "full")
    had, has = F.coalesce("had_was", F.lit(False)), F.coalesce("had_now", F.lit(False))
    changed_df = paired_df.where(had != has).withColumn("change", F.when(has, "gained").otherwise("lost"))
    ids_df = changed_df.select("gif_id").distinct()
    gifs_df = _gifs(before, ids_df, "was").join(_gifs(after, ids_df, "now"), "gif_id", "full")
    joined_df = changed_df.join(gifs_df, "gif_id", "left").withColumn("reason", _reason())
    popularity = F.coalesce("popularity_now", "popularity_was", F.lit(0)).alias("popularity")
    return joined_df.select("gif_id", "tag", "change", "reason", "was", "now", popularity)


def catalog_counts(before_df: DataFrame, after_df: DataFrame) -> DataFrame:
    """One row: before, after, new, gone and retagged GIFs. Cost: ids and tags of both are shuffled."""
    own = F.struct(F.array_sort("tags").alias("tags"), F.array_sort("editorial_tags").alias("editorial_tags"))
    was_df = before_df.select("gif_id", own.alias("was"))
    joined_df = was_df.join(after_df.select("gif_id", own.alias("now")), "gif_id", "full")
    is_new, is_gone = F.col("was").isNull(), F.col("now").isNull()
    return joined_df.agg(
        F.count("was").alias("before"),
        F.count("now").alias("after"),
        F.count_if(is_new).alias("new"),
        F.count_if(is_gone).alias("gone"),
        F.count_if(~is_new & ~is_gone & (F.col("was") != F.col("now"))).alias("retagged"),
    )


def _states(voted_df: DataFrame, name: str, tag: str | None) -> DataFrame:
    """gif_id, tag, `name` with source, probability and votes, and had_`name`."""
    rows_df = voted_df if tag is None else voted_df.where(F.col("tag") == tag)
    state = F.struct("source", "probability", "votes")
    return rows_df.select("gif_id", "tag", state.alias(name), F.expr(HAS_TAG).alias(f"had_{name}"))


def _gifs(side: Side, ids_df: DataFrame, name: str) -> DataFrame:
    """gif_id, own_`name`, near_`name` and popularity_`name` of the chosen GIFs."""
    own = F.struct(F.array_sort("tags").alias("tags"), F.array_sort("editorial_tags").alias("editorial_tags"))
    gifs_df = side.catalog_df.join(ids_df, "gif_id", "left_semi").select(
        "gif_id", own.alias(f"own_{name}"), F.col("popularity").alias(f"popularity_{name}")
    )
    if side.neighbors_df is None:
        return gifs_df.withColumn(f"near_{name}", F.lit(0).cast("decimal(38,0)"))
    digest = F.sum(F.xxhash64("expert", "neighbor_ids").cast("decimal(38,0)")).alias(f"near_{name}")
    near_df = side.neighbors_df.join(ids_df, "gif_id", "left_semi").groupBy("gif_id").agg(digest)
    return gifs_df.join(near_df, "gif_id", "left")


def _reason() -> Column:
    """The first of REASONS that holds; autotag_core/reports/diff/gif_diff.py says the same of one GIF."""
    was, now = (F.col(f"{name}.source") for name in ("was", "now"))
    by_editor = [F.coalesce(source.isin(*diff.WORDS_OF_EDITORS), F.lit(False)) for source in (was, now)]
    is_decided = (by_editor[0] != by_editor[1]) | (by_editor[0] & by_editor[1] & (was != now))
    return (
        F.when(F.col("own_was").isNull(), diff.NEW_GIF)
        .when(F.col("own_now").isNull(), diff.GONE_GIF)
        .when(is_decided, diff.DECIDED)
        .when(F.col("own_was") != F.col("own_now"), diff.OWN_CHANGED)
        .when(~F.col("near_was").eqNullSafe(F.col("near_now")), diff.NEIGHBORS_CHANGED)
        .when(_votes("was") != _votes("now"), diff.VOTES_CHANGED)
        .otherwise(diff.JUDGED_ANEW)
    )


def _votes(name: str) -> Column:
    """Votes in an order of their own, since maps can't be compared; none without a row."""
    none = F.create_map().cast("map<string,int>")
    return F.array_sort(F.map_entries(F.coalesce(F.col(f"{name}.votes"), none)))

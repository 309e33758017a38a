"""What uploaders chose on the page of `autotag serve`, brought to the GIFs of a catalog."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F


def newest_choices(choices_df: DataFrame, gifs_df: DataFrame, media_df: DataFrame | None) -> DataFrame:
    """Rows of chosen_tags: the newest choice of each GIF of gifs_df (gif_id, version).

    A choice is of the GIF with its gif_id. Where it names none of the catalog, it is of every GIF with its bytes: by
    the catalog's `version`, or by that of media_df (gif_id, version), which an earlier run read. Cost: the choices are
    shuffled by GIF, and where some name no GIF, the ids and versions of the catalog too.
    """
    ids_df = gifs_df.select("gif_id", F.col("version").alias("gif"))
    if media_df is not None:
        read_df = media_df.select("gif_id", F.col("version").alias("gif")).join(ids_df, "gif_id", "left_semi")
        ids_df = ids_df.unionByName(read_df).distinct()
    by_id_df = choices_df.join(gifs_df.select("gif_id"), "gif_id", "left_semi")
    unnamed_df = choices_df.join(gifs_df.select("gif_id"), "gif_id", "left_anti").drop("gif_id")
    all_df = by_id_df.unionByName(unnamed_df.join(ids_df, "gif"))
    newest = Window.partitionBy("gif_id").orderBy(F.desc("time"), "gif", "model")
    ranked_df = all_df.withColumn("rank", F.row_number().over(newest)).where("rank = 1")
    time = F.date_format("time", "yyyy-MM-dd'T'HH:mm:ss'Z'")  # of the session, which is UTC
    return ranked_df.select("gif_id", "taken", "added", "refused", "model", time.alias("time"))


def with_chosen_tags(gifs_df: DataFrame, chosen_df: DataFrame) -> DataFrame:
    """gifs_df with the taken and added tags of chosen_df after its own `tags`, no tag twice. Columns stay in order."""
    more_df = chosen_df.select("gif_id", F.concat("taken", "added").alias("more"))
    tags = F.array_distinct(F.concat("tags", F.coalesce("more", F.array().cast("array<string>"))))
    return gifs_df.join(more_df, "gif_id", "left").withColumn("tags", tags).select(*gifs_df.columns)

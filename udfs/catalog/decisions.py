"""Editors' decisions, brought to the train GIFs of a catalog."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from autotag_core.splits import TRAIN


def decided_tags(words_df: DataFrame, gifs_df: DataFrame) -> DataFrame:
    """Rows of decided_tags: the words (gif_id, accepted, refused) on train GIFs of gifs_df (gif_id, tags, split).

    Words on other GIFs are left out: these keep what the catalog says of them, since results are measured by it.
    Cost: the words are broadcast, and the catalog is read once.
    """
    train_df = gifs_df.where(F.col("split") == TRAIN).select("gif_id", "tags")
    given = F.array_intersect(F.concat("accepted", "refused"), "tags").alias("given")
    return train_df.join(F.broadcast(words_df), "gif_id").select("gif_id", "accepted", "refused", given)


def with_decisions(gifs_df: DataFrame, decided_df: DataFrame) -> DataFrame:
    """gifs_df with accepted tags after its `editorial_tags`, and without refused ones in it and in `tags`.

    No tag is there twice. The split stays, so that a few decided tags are never taken for all that is true of a GIF.
    Columns stay in order. Cost: decided_df is broadcast.
    """
    words_df = F.broadcast(decided_df.select("gif_id", "accepted", "refused"))
    joined_df = gifs_df.join(words_df, "gif_id", "left")
    accepted, refused = _list_of("accepted"), _list_of("refused")
    changed = {
        "tags": F.array_except("tags", refused),
        "editorial_tags": F.array_union(F.array_except("editorial_tags", refused), accepted),
    }
    # array_except would also drop a tag that is there twice, but tags are distinct
    return joined_df.withColumns(changed).select(*gifs_df.columns)


def _list_of(name: str) -> Column:
    return F.coalesce(F.col(name), F.array().cast("array<string>"))

"""How often each expert is right, judged on GIFs whose tags are known.

Cost: at most vote.max_evaluation_gifs GIFs are judged; their neighbors meet their tags in a shuffle of the catalog.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from udfs.splits import TRAIN, VALIDATION

if TYPE_CHECKING:
    from autotag_core.config import VoteConfig


def count_votes(neighbors_df: DataFrame, catalog_df: DataFrame, config: VoteConfig) -> DataFrame:
    """(gif_id, tag, expert, neighbor_id): one row per vote, a tag of one of an expert's config.neighbors nearest.

    Neighbors vote with all the tags they came with; a neighbor outside the train split has no vote.
    """
    reference_df = catalog_df.where(F.col("split") == TRAIN).select(
        F.col("gif_id").alias("neighbor_id"), F.array_union("tags", "editorial_tags").alias("neighbor_tags")
    )
    nearest = F.slice("neighbor_ids", 1, config.neighbors)
    pairs_df = neighbors_df.select("gif_id", "expert", F.explode(nearest).alias("neighbor_id"))
    return pairs_df.join(reference_df, "neighbor_id").select(
        "gif_id", F.explode("neighbor_tags").alias("tag"), "expert", "neighbor_id"
    )


def evaluation_truth(catalog_df: DataFrame, config: VoteConfig) -> tuple[DataFrame, str]:
    """((gif_id, truth, own), which split): the GIFs that experts are judged on, with their true tags.

    Validation GIFs with editorial tags; where they are fewer than min_evaluation_gifs, train GIFs with their uploaders'
    tags (leave-one-out, as a GIF is never its own neighbor). At most max_evaluation_gifs, chosen by a hash of the id.
    `own` are the uploader's tags that an expert may have been given; of a train GIF they are the truth, so none count.
    """
    validation_df = catalog_df.where((F.col("split") == VALIDATION) & (F.size("editorial_tags") > 0))
    if validation_df.count() >= config.min_evaluation_gifs:
        truth_df, split = (
            validation_df.select("gif_id", F.col("editorial_tags").alias("truth"), F.col("tags").alias("own")),
            VALIDATION,
        )
    else:
        train_df = catalog_df.where((F.col("split") == TRAIN) & (F.size("tags") > 0))
        none = F.array().cast("array<string>")
        truth_df, split = train_df.select("gif_id", F.col("tags").alias("truth"), none.alias("own")), TRAIN
    return truth_df.orderBy(F.xxhash64("gif_id"), "gif_id").limit(config.max_evaluation_gifs), split


def weigh_experts(neighbors_df: DataFrame, catalog_df: DataFrame, config: VoteConfig) -> DataFrame:
    """EXPERT_WEIGHTS rows: the share of evaluation GIFs for which an expert predicted at least one right tag.

    An expert predicts its `predicted_tags` most frequent tags among the GIF's neighbors, ties alphabetical. GIFs for
    which it has no neighbors (it abstains) do not count against its weight; weight_of_all is the published way, in
    which they do. Intervals are Wilson's, 95%.

    An expert that is given a GIF's tags must not be paid for saying them back: weight_on_new_tags is the same share
    with the uploader's tags left out of truth and prediction, over the GIFs that lack a true tag; null where the truth
    is the uploaders' tags themselves.
    """
    truth_df, split = evaluation_truth(catalog_df, config)
    num_gifs = truth_df.count()
    judged_df = neighbors_df.where(F.size("neighbor_ids") > 0).join(truth_df, "gif_id")
    votes_df = (
        count_votes(judged_df.select("gif_id", "expert", "neighbor_ids"), catalog_df, config)
        .groupBy("gif_id", "expert", "tag")
        .agg(F.count("*").alias("num_votes"))
        .join(truth_df, "gif_id")
        .withColumn("is_right", F.array_contains("truth", F.col("tag")))
    )
    new_votes_df = votes_df.where(~F.array_contains("own", F.col("tag")))
    lacks = F.size(F.array_except("truth", "own")) > 0
    counts_df = (
        judged_df.select("gif_id", "expert", lacks.alias("lacks"))
        .join(_has_right(votes_df, "is_right", config), ["gif_id", "expert"], "left")
        .join(_has_right(new_votes_df, "is_new_right", config), ["gif_id", "expert"], "left")
        .groupBy("expert")
        .agg(
            F.count("*").alias("num_evaluated"),
            F.count_if("is_right").alias("num_correct"),
            F.count_if("lacks").alias("num_lacking"),
            F.count_if(F.col("lacks") & F.col("is_new_right")).alias("num_new_correct"),
        )
    )
    low, high = _wilson("num_correct", "num_evaluated")
    new_low, new_high = _wilson("num_new_correct", "num_lacking")
    on_validation = F.lit(split == VALIDATION) & (F.col("num_lacking") > 0)
    return counts_df.select(
        "expert",
        (F.col("num_correct") / F.col("num_evaluated")).alias("weight"),
        low.alias("weight_low"),
        high.alias("weight_high"),
        (F.col("num_correct") / F.lit(num_gifs)).alias("weight_of_all"),
        "num_evaluated",
        "num_correct",
        F.when(on_validation, F.col("num_new_correct") / F.col("num_lacking")).alias("weight_on_new_tags"),
        F.when(on_validation, new_low).alias("weight_on_new_tags_low"),
        F.when(on_validation, new_high).alias("weight_on_new_tags_high"),
        F.when(on_validation, F.col("num_lacking")).otherwise(F.lit(0)).alias("num_lacking"),
        F.lit(split).alias("evaluated_on"),
    )


def _has_right(votes_df: DataFrame, name: str, config: VoteConfig) -> DataFrame:
    """(gif_id, expert, <name>): the GIFs of which one of the expert's predicted tags is right."""
    by_rank = Window.partitionBy("gif_id", "expert").orderBy(F.desc("num_votes"), "tag")
    ranked_df = votes_df.withColumn("rank", F.row_number().over(by_rank))
    right_df = ranked_df.where((F.col("rank") <= config.predicted_tags) & F.col("is_right"))
    return right_df.select("gif_id", "expert").distinct().withColumn(name, F.lit(True))


def _wilson(num_right: str, num: str) -> tuple[Column, Column]:
    """Ends of the 95% interval of a share: Wilson 1927."""
    z = 1.959964
    n = F.col(num).cast("double")
    share = F.col(num_right) / n
    centre = (share + F.lit(z * z) / (2 * n)) / (1 + F.lit(z * z) / n)
    half = F.lit(z) / (1 + F.lit(z * z) / n) * F.sqrt(share * (1 - share) / n + F.lit(z * z) / (4 * n * n))
    return F.greatest(centre - half, F.lit(0.0)), F.least(centre + half, F.lit(1.0))

"""Experts voting, as published: count neighbors' tags, weight, sum, bound, normalise.

Cost of the vote: one shuffle, of the neighbor lists as they are, by GIF. No neighbor is shuffled to meet its tags:
every task maps the table of tags (udfs/tag_tables.py) and votes on whole GIFs in compiled loops, 17 us of a core for a
GIF with 4 x 10 neighbors. Grows linearly. The weights of experts rest on at most vote.max_evaluation_gifs GIFs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from autotag_core.voting import PUBLISHED, TagTable, gif_blocks, open_tag_table
from udfs.neighbors import local_folder

if TYPE_CHECKING:
    from autotag_core.config import VoteConfig

TRAIN, VALIDATION, TEST = "train", "validation", "test"
BLOCK_ROWS = 32_768
"""Rows of GIFs that are voted on at once: about 20 MB of lists with their tags."""


def reference_tags(catalog_df: DataFrame, slips_df: DataFrame | None = None) -> DataFrame:
    """(gif_id, tag), distinct: the tags of train GIFs, as written or, given slips (tag, meant), as meant."""
    tag = F.explode(F.array_union("tags", "editorial_tags")).alias("tag")
    tags_df = catalog_df.where(F.col("split") == TRAIN).select("gif_id", tag)
    if slips_df is None:
        return tags_df
    return as_meant(tags_df, slips_df).select("gif_id", F.col("meant").alias("tag")).distinct()


def reference_lists(catalog_df: DataFrame, slips_df: DataFrame | None = None) -> DataFrame:
    """(gif_id, tags): what a neighbor votes with, a row a train GIF, by reference_tags."""
    if slips_df is None:
        return catalog_df.where(F.col("split") == TRAIN).select(
            "gif_id", F.array_union("tags", "editorial_tags").alias("tags")
        )
    return reference_tags(catalog_df, slips_df).groupBy("gif_id").agg(F.collect_set("tag").alias("tags"))


def as_meant(tags_df: DataFrame, slips_df: DataFrame | None) -> DataFrame:
    """The rows (tag, ...) with `meant`: by slips (tag, meant) what a tag looks like, else the tag itself."""
    if slips_df is None:
        return tags_df.withColumn("meant", F.col("tag"))
    slips_df = slips_df.select("tag", F.col("meant").alias("correct"))
    return tags_df.join(slips_df, "tag", "left").withColumn("meant", F.coalesce("correct", "tag")).drop("correct")


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


def vote_tags(
    neighbors_df: DataFrame, catalog_df: DataFrame, tags: TagTable, weights: Mapping[str, float], config: VoteConfig
) -> DataFrame:
    """The published dataset: VOTED_TAGS rows without score, probability and accepted (`add_scores` adds them).

    See VoteConfig for the choices that the rule's text leaves open. `tags` is the table of reference_lists(catalog_df).

    A tag's vote is the sum over experts of weight times neighbors with that tag. A train GIF keeps its original tags:
    at 1.0 with a vote from any expert (confirmed) or an editor's word (editorial), at unconfirmed_confidence with
    neither; a new tag comes in with its normalised vote if the vote reaches lower_bound. Validation and test GIFs keep
    exactly their tags at 1.0, editorial or original; so does a GIF that no expert has neighbors for, since nobody was
    asked about it. An expert without a weight was never judged and has no say at all.
    """
    experts = sorted(weights)
    nearest = F.slice("neighbor_ids", 1, config.neighbors)
    rows_df = gif_rows(neighbors_df.where(F.col("expert").isin(experts)), catalog_df, nearest)

    def vote_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from autotag_core.voting.published_rows import published_rows

        table = open_tag_table(tags, local_folder())
        for block in gif_blocks(batches, experts, BLOCK_ROWS):
            yield published_rows(block, table, weights, config)

    return rows_df.mapInArrow(vote_partition, from_arrow_schema(PUBLISHED))


def gif_rows(neighbors_df: DataFrame, catalog_df: DataFrame, nearest: Column) -> DataFrame:
    """Rows (gif_id, expert, items, ...) that stand GIF by GIF: an expert's neighbors, and the one about the GIF itself.

    The latter has no expert; its items are the GIF's tags, first those num_editorial that an editor gave. This is the
    vote's only shuffle: the lists as they are, by GIF.
    """
    lists_df = neighbors_df.select(
        "gif_id",
        "expert",
        nearest.alias("items"),
        F.lit(None).cast("int").alias("num_editorial"),
        F.lit(None).cast("boolean").alias("is_train"),
    )
    gifs_df = catalog_df.select(
        "gif_id",
        F.lit(None).cast("string").alias("expert"),
        F.array_union("editorial_tags", "tags").alias("items"),
        F.size(F.array_distinct("editorial_tags")).alias("num_editorial"),
        (F.col("split") == TRAIN).alias("is_train"),
    )
    return lists_df.unionByName(gifs_df).repartition("gif_id").sortWithinPartitions("gif_id")


def add_scores(published_df: DataFrame, scores_df: DataFrame, config: VoteConfig) -> DataFrame:
    """VOTED_TAGS rows: the published dataset with its scores, and the best tags that the scoring rule proposes.

    A train GIF gets at most config.max_proposed new tags with a score in all, highest first, ties alphabetical; those
    that the published rule does not add have source `proposed` and confidence 0. A tag that the scoring rule knows
    nothing of has score 0.

    An editor has said that an editorial tag is right: that is no estimate, so its probability is null, and with
    vote.target_precision it is accepted. An uploader's tag that stays untouched (`original`) is as doubtful as any
    other uploader's: it is judged by its score.
    """
    is_new = ~F.col("is_own") & (F.col("split") == TRAIN) & (F.col("score") > 0)
    by_score = Window.partitionBy("gif_id", is_new).orderBy(F.desc("score"), "tag")
    ranked_df = scores_df.withColumn("is_proposed", is_new & (F.row_number().over(by_score) <= config.max_proposed))
    joined_df = published_df.join(ranked_df, ["gif_id", "tag"], "full_outer")
    is_published = F.col("source").isNotNull()
    is_editorial = F.coalesce(F.col("source") == "editorial", F.lit(False))
    accepted = F.when(is_editorial, F.lit(True) if config.target_precision is not None else F.lit(None))
    return joined_df.where(is_published | F.col("is_proposed")).select(
        "gif_id",
        "tag",
        F.coalesce("confidence", F.lit(0.0).cast("float")).alias("confidence"),
        F.coalesce("source", F.lit("proposed")).alias("source"),
        F.coalesce("published_score", F.lit(0.0).cast("float")).alias("published_score"),
        F.coalesce("score", F.lit(0.0)).cast("float").alias("score"),
        F.when(~is_editorial, F.col("probability")).cast("float").alias("probability"),
        accepted.otherwise(F.col("accepted")).alias("accepted"),
        F.coalesce("votes", F.create_map().cast("map<string,int>")).alias("votes"),
        F.coalesce("evidence", F.array().cast("array<string>")).alias("evidence"),
    )

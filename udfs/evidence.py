"""Neighbors and catalog in, the evidence on every (GIF, tag) pair out: shares by compiled loops, the rest native Spark.

Cost: as the published vote's (udfs/votes.py), with neighbors.k instead of vote.neighbors; a row for every tag of a
neighbor, which the evidence joins with what is known of the GIF and of the tag; and for the GIF's own tags one row per
pair of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from autotag_core.voting import SHARE_UNIT, TagTable, gif_blocks, open_tag_table, share_schema
from udfs.neighbors import local_folder
from udfs.votes import TRAIN, as_meant, reference_tags

if TYPE_CHECKING:
    from autotag_core.config import VoteConfig

MAX_OWN_TAGS = 32
"""Of a GIF's own tags the first so many, by the alphabet, are held against each other: pairs grow with the square."""
MAX_LIFT = 50.0
_BLOCK_ROWS = 8_192
"""Rows of GIFs whose shares are summed at once: about 60 MB of lists with their tags."""
_PAIR_PRIOR = 0.1
"""GIFs added to the seen and to the expected number of each pair of tags: what shrinks the lift of a rare pair."""


def share_votes(neighbors_df: DataFrame, tags: TagTable, experts: Sequence[str], config: VoteConfig) -> DataFrame:
    """(gif_id, tag, weight_<expert>, votes_<expert>) for every tag that a neighbor has, as `tags` says it was meant.

    weight: the summed weights of the neighbors with the tag over those of all, in SHARE_UNITs. votes: neighbors with
    the tag among the nearest config.neighbors. The dearest step, mostly for its many rows: stage the result.
    """
    is_heard = (F.size("neighbor_ids") > 0) & F.col("expert").isin(list(experts))
    lists_df = neighbors_df.where(is_heard).select(
        "gif_id", "expert", F.col("neighbor_ids").alias("items"), "distances"
    )

    def share_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from autotag_core.voting.share_rows import share_rows

        table = open_tag_table(tags, local_folder())
        for block in gif_blocks(batches, experts, _BLOCK_ROWS):
            yield from share_rows(block, table, experts, config)

    sorted_df = lists_df.repartition("gif_id").sortWithinPartitions("gif_id")
    return sorted_df.mapInArrow(share_partition, from_arrow_schema(share_schema(experts)))


def gather_evidence(
    shares_df: DataFrame,
    neighbors_df: DataFrame,
    catalog_df: DataFrame,
    slips_df: DataFrame | None,
    copied_df: DataFrame | None,
    experts: Sequence[str],
    config: VoteConfig,
) -> DataFrame:
    """The columns of autotag_core.voting.evidence_schema for every tag of a GIF, of a neighbor and of a copy of it.

    A GIF's own tags are its uploader's; an editor's are what experts are judged by. copied_df (gif_id, tag) are the
    tags that near duplicates of it came with, as written. shares_df is read twice: for the pairs and for the lifts.
    """
    own_df = _own_tags(catalog_df, slips_df)
    counts_df = reference_tags(catalog_df, slips_df).groupBy("tag").agg(F.count("*").alias("num_gifs"))
    num_train = catalog_df.where(F.col("split") == TRAIN).count()
    spreads_df = _spreads(neighbors_df, experts, config)
    pairs_df = shares_df.join(
        own_df.select("gif_id", F.col("meant").alias("tag"), "written"), ["gif_id", "tag"], "full_outer"
    )
    if copied_df is None:
        pairs_df = pairs_df.withColumn("copied", F.lit(False))
    else:  # outer: a copy may be the only one with its tag
        pairs_df = pairs_df.join(_copied(copied_df, slips_df), ["gif_id", "tag"], "full_outer")
    pairs_df = (
        pairs_df.join(catalog_df.select("gif_id", "split", "editorial_tags"), "gif_id")
        .join(counts_df, "tag", "left")
        .join(spreads_df, "gif_id", "left")
        .select(*_pair_columns(experts, num_train))
    )
    holders_df = (
        own_df.where(F.col("split") == TRAIN)
        .select("gif_id", F.col("meant").alias("tag"))
        .join(shares_df, ["gif_id", "tag"], "left")
        .join(spreads_df, "gif_id", "left")
        .join(counts_df, "tag")
    )
    lifts_df = _lifts(holders_df, experts, num_train, config)
    together_df = _together(own_df, counts_df, num_train)
    return _by_written_tag(pairs_df.join(lifts_df, "tag", "left"), together_df, experts)


def _pair_columns(experts: Sequence[str], num_train: int) -> list[Column | str]:
    """What is known of a pair without looking at other GIFs with the tag."""
    is_own, is_train = F.col("written").isNotNull(), F.col("split") == TRAIN
    prior = _share_of_others(F.coalesce("num_gifs", F.lit(0)), is_own & is_train, is_train, num_train)
    columns: list[Column | str] = ["gif_id", "tag", "split", "editorial_tags", "written"]
    columns += [is_own.alias("is_own"), prior.alias("prior"), F.coalesce("copied", F.lit(False)).alias("copied")]
    for name in experts:
        weight = F.coalesce(f"weight_{name}", F.lit(0)) / F.lit(float(SHARE_UNIT))
        columns += [
            F.when(F.col(f"spread_{name}").isNotNull(), weight).alias(f"share_{name}"),
            F.coalesce(f"spread_{name}", F.lit(0.0)).alias(f"spread_{name}"),
            F.coalesce(f"votes_{name}", F.lit(0)).alias(f"votes_{name}"),
        ]
    return columns


def _share_of_others(num_gifs: Column, counts_itself: Column, is_train: Column, num_train: int) -> Column:
    """The share of the other train GIFs with a tag that num_gifs of them have."""
    num_others = F.greatest(num_gifs - counts_itself.cast("int"), F.lit(0))
    return num_others / F.greatest(F.lit(num_train) - is_train.cast("int"), F.lit(1))


def _copied(copied_df: DataFrame, slips_df: DataFrame | None) -> DataFrame:
    """(gif_id, tag, copied), distinct: what the tags of near duplicates meant."""
    meant_df = as_meant(copied_df.select("gif_id", "tag"), slips_df)
    return meant_df.select("gif_id", F.col("meant").alias("tag"), F.lit(True).alias("copied")).distinct()


def _own_tags(catalog_df: DataFrame, slips_df: DataFrame | None) -> DataFrame:
    """(gif_id, split, meant, written): what the uploader's tags meant, and all ways in which each was written."""
    tags_df = catalog_df.select("gif_id", "split", F.explode(F.array_distinct("tags")).alias("tag"))
    written = F.array_sort(F.collect_set("tag")).alias("written")
    return as_meant(tags_df, slips_df).groupBy("gif_id", "split", "meant").agg(written)


def _spreads(neighbors_df: DataFrame, experts: Sequence[str], config: VoteConfig) -> DataFrame:
    """(gif_id, spread_<expert>): (sum w)^2 / sum w^2 over the GIF's neighbors; null where the expert abstains."""
    nearest = F.element_at("distances", 1)
    weights = F.transform("distances", lambda distance: F.exp(-config.similarity * (distance - nearest)))
    total = F.aggregate("weights", F.lit(0.0), lambda sum_, weight: sum_ + weight)
    squares = F.aggregate("weights", F.lit(0.0), lambda sum_, weight: sum_ + weight * weight)
    listed_df = neighbors_df.where(F.size("neighbor_ids") > 0).withColumn("weights", weights)
    return (
        listed_df.select("gif_id", "expert", (total * total / squares).alias("spread"))
        .groupBy("gif_id")
        .agg(*(F.max(F.when(F.col("expert") == name, F.col("spread"))).alias(f"spread_{name}") for name in experts))
    )


def _lifts(holders_df: DataFrame, experts: Sequence[str], num_train: int, config: VoteConfig) -> DataFrame:
    """(tag, lift_<expert>): the mean share at train GIFs with the tag over its prior, shrunk to the expert's own mean.

    lift = (seen + m mean) / (expected + m), where seen and expected sum share and prior over the train GIFs that have
    the tag and neighbors (holders_df), m is vote.lift_prior and mean is that of tags with at least two such GIFs.
    """
    prior = _share_of_others(F.col("num_gifs"), F.lit(True), F.lit(True), num_train)
    sums: list[Column] = [F.max(prior).alias("prior")]  # the same at every holder
    for name in experts:
        sums.append(F.coalesce(F.sum(f"weight_{name}"), F.lit(0)).alias(f"seen_{name}"))
        sums.append(F.count(f"spread_{name}").alias(f"num_{name}"))
    tags_df = holders_df.groupBy("tag").agg(*sums)
    means = []
    for name in experts:
        expected = F.round(F.col("prior") * F.col(f"num_{name}") * SHARE_UNIT).cast("bigint")
        seen, chance = (F.sum(F.when(F.col(f"num_{name}") >= 2, value)) for value in (F.col(f"seen_{name}"), expected))
        mean = F.when(chance > 0, F.greatest(seen / chance, F.lit(1.0)))
        means.append(F.coalesce(mean, F.lit(1.0)).alias(f"mean_{name}"))
    lifts: list[Column | str] = ["tag"]
    for name in experts:
        total = F.col(f"seen_{name}") / F.lit(float(SHARE_UNIT)) + F.lit(config.lift_prior) * F.col(f"mean_{name}")
        lift = total / (F.col("prior") * F.col(f"num_{name}") + F.lit(config.lift_prior))
        lifts.append(F.least(F.greatest(lift, F.lit(1.0)), F.lit(MAX_LIFT)).alias(f"lift_{name}"))
    return tags_df.crossJoin(tags_df.agg(*means)).select(*lifts)


def _together(own_df: DataFrame, counts_df: DataFrame, num_train: int) -> DataFrame:
    """(gif_id, tag, together): mean over the GIF's other tags of log((seen + k) / (expected + k)) GIFs with both tags.

    Pointwise mutual information, shrunk by k. The GIF itself is not counted, so a tag is judged by other GIFs alone.
    """
    is_train = (F.col("split") == TRAIN).cast("int").alias("is_train")
    lists_df = own_df.groupBy("gif_id", is_train).agg(F.array_sort(F.collect_set("meant")).alias("all_tags"))
    first = F.slice("all_tags", 1, MAX_OWN_TAGS).alias("tags")
    lists_df = lists_df.select("gif_id", "is_train", first).where(F.size("tags") > 1)
    pairs_df = (
        lists_df.select("gif_id", "is_train", "tags", F.explode("tags").alias("tag"))
        .select("gif_id", "is_train", "tag", F.explode("tags").alias("other"))
        .where(F.col("tag") != F.col("other"))
    )
    both_df = pairs_df.where("is_train = 1").groupBy("tag", "other").agg(F.count("*").alias("seen"))
    single = [
        counts_df.select(F.col("tag").alias(name), F.col("num_gifs").alias(f"num_{name}")) for name in ("tag", "other")
    ]
    joined_df = (
        pairs_df.join(both_df, ["tag", "other"], "left").join(single[0], "tag", "left").join(single[1], "other", "left")
    )
    seen = F.greatest(F.coalesce("seen", F.lit(0)) - F.col("is_train"), F.lit(0))
    expected = (
        F.greatest(F.coalesce("num_tag", F.lit(0)) - F.col("is_train"), F.lit(0))
        * F.greatest(F.coalesce("num_other", F.lit(0)) - F.col("is_train"), F.lit(0))
        / F.lit(max(num_train - 1, 1))
    )
    lift = F.log((seen + _PAIR_PRIOR) / (expected + _PAIR_PRIOR))
    terms_df = joined_df.groupBy("gif_id", "tag").agg(F.array_sort(F.collect_list(lift)).alias("terms"))
    mean = F.aggregate("terms", F.lit(0.0), lambda sum_, term: sum_ + term) / F.size("terms")
    return terms_df.select("gif_id", "tag", mean.alias("together"))


def _by_written_tag(pairs_df: DataFrame, together_df: DataFrame, experts: Sequence[str]) -> DataFrame:
    """One row for each way in which the uploader wrote a tag, and one for what a slip meant."""
    written = F.col("written")
    said = F.coalesce(F.array_contains(written, F.col("tag")), F.lit(False))
    forms = F.when(written.isNull(), F.array("tag")).otherwise(F.array_union(F.array("tag"), written))
    rows_df = pairs_df.join(together_df, ["gif_id", "tag"], "left").select(
        "*", said.alias("said"), F.explode(forms).alias("form")
    )
    is_meant = F.col("form") == F.col("tag")
    return rows_df.select(
        "gif_id",
        F.col("form").alias("tag"),
        "split",
        (F.col("is_own") & (~is_meant | F.col("said"))).alias("is_own"),
        (~is_meant).alias("is_slip"),
        (F.col("is_own") & is_meant & ~F.col("said")).alias("is_correction"),
        (F.col("copied") & is_meant & ~F.col("said")).alias("is_copied"),
        F.array_contains("editorial_tags", F.col("form")).alias("is_editorial"),
        "prior",
        F.coalesce("together", F.lit(0.0)).alias("together"),
        *(
            column
            for name in experts
            for column in (
                f"share_{name}",
                f"spread_{name}",
                F.coalesce(f"lift_{name}", F.lit(1.0)).alias(f"lift_{name}"),
                f"votes_{name}",
            )
        ),
    )

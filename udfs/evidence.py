"""Neighbors and catalog in, the evidence on every (GIF, tag) pair out, and its score by a rule.

Native Spark up to the score, which one Arrow UDF computes from the columns of a row. Cost: as the published vote's
(udfs/votes.py), with neighbors.k instead of vote.neighbors, and for the GIF's own tags one row per pair of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from autotag_core.voting import (
    MIN_COUNT,
    MIN_LENGTH,
    SHARE_UNIT,
    Judge,
    evidence_of,
    evidence_schema,
    is_slip,
)
from udfs.votes import TRAIN, reference_tags

if TYPE_CHECKING:
    from autotag_core.config import VoteConfig

MAX_OWN_TAGS = 32
"""Of a GIF's own tags the first so many, by the alphabet, are held against each other: pairs grow with the square."""
MAX_LIFT = 50.0
_PAIR_PRIOR = 0.1
"""GIFs added to the seen and to the expected number of each pair of tags: what shrinks the lift of a rare pair."""
_ONE_LETTER_LESS = """
transform(sequence(1, length(tag)), i -> concat(substring(tag, 1, i - 1), substring(tag, i + 1)))
"""


def slips(catalog_df: DataFrame) -> DataFrame:
    """(tag, meant): tags of one GIF only that are a slip of a tag of several; the most used one, ties alphabetical.

    Tags and their slips share a string of one letter less (symmetric deletion: Garbe, SymSpell); only those that do are
    compared, so it grows with the distinct tags times their length.
    """
    counts_df = reference_tags(catalog_df).groupBy("tag").agg(F.count("*").alias("num_gifs"))
    keys_df = counts_df.where(F.length("tag") >= MIN_LENGTH).select(
        "tag", "num_gifs", F.explode(F.array_union(F.array("tag"), F.expr(_ONE_LETTER_LESS))).alias("key")
    )
    rare_df = keys_df.where("num_gifs = 1").select("tag", "key")
    used_df = keys_df.where(F.col("num_gifs") >= MIN_COUNT).select(
        F.col("tag").alias("meant"), F.col("num_gifs").alias("used"), "key"
    )
    pairs_df = rare_df.join(used_df, "key").select("tag", "meant", "used").distinct()
    slips_df = pairs_df.where(F.udf(is_slip, "boolean", useArrow=True)("tag", "meant"))
    best = F.min(F.struct((-F.col("used")).alias("rank"), "meant"))["meant"]
    return slips_df.groupBy("tag").agg(best.alias("meant"))


def share_votes(
    neighbors_df: DataFrame, catalog_df: DataFrame, slips_df: DataFrame, experts: Sequence[str], config: VoteConfig
) -> DataFrame:
    """(gif_id, tag, weight_<expert>, votes_<expert>) for every tag that a neighbor has.

    weight: the summed weights of the neighbors with the tag over those of all, in SHARE_UNITs. votes: neighbors with
    the tag among the nearest config.neighbors. Slips count as what they meant. The dearest step: stage the result.
    """
    tags_df = (
        reference_tags(catalog_df, slips_df)
        .groupBy(F.col("gif_id").alias("neighbor_id"))
        .agg(F.collect_set("tag").alias("neighbor_tags"))
    )
    nearest = F.element_at("distances", 1)
    # array(1..n) and not posexplode, so that a list and its weights stay together
    weighted_df = neighbors_df.where((F.size("neighbor_ids") > 0) & F.col("expert").isin(list(experts))).select(
        "gif_id",
        "expert",
        "neighbor_ids",
        F.transform("distances", lambda distance: F.exp(-config.similarity * (distance - nearest))).alias("weights"),
    )
    total = F.aggregate("weights", F.lit(0.0), lambda sum_, weight: sum_ + weight)
    pairs_df = weighted_df.select(
        "gif_id", "expert", total.alias("total"), F.posexplode(F.arrays_zip("neighbor_ids", "weights"))
    ).select(
        "gif_id",
        "expert",
        (F.col("pos") < config.neighbors).alias("votes"),
        F.round(F.col("col.weights") / F.col("total") * SHARE_UNIT).cast("bigint").alias("weight"),
        F.col("col.neighbor_ids").alias("neighbor_id"),
    )
    voted_df = pairs_df.join(tags_df, "neighbor_id").select(
        "gif_id", "expert", "votes", "weight", F.explode("neighbor_tags").alias("tag")
    )
    sums = []
    for name in experts:
        is_expert = F.col("expert") == name
        sums += [
            F.coalesce(F.sum(F.when(is_expert, F.col("weight"))), F.lit(0)).alias(f"weight_{name}"),
            F.count_if(is_expert & F.col("votes")).cast("int").alias(f"votes_{name}"),
        ]
    return voted_df.groupBy("gif_id", "tag").agg(*sums)


def gather_evidence(
    shares_df: DataFrame,
    neighbors_df: DataFrame,
    catalog_df: DataFrame,
    slips_df: DataFrame,
    copied_df: DataFrame | None,
    experts: Sequence[str],
    config: VoteConfig,
) -> DataFrame:
    """The columns of autotag_core.voting.evidence_schema for every tag of a GIF, of a neighbor and of a copy of it.

    A GIF's own tags are its uploader's; an editor's are what experts are judged by. copied_df (gif_id, tag) are the
    tags that near duplicates of it came with, as written. shares_df is read twice.
    """
    own_df = _own_tags(catalog_df, slips_df)
    counts_df = reference_tags(catalog_df, slips_df).groupBy("tag").agg(F.count("*").alias("num_gifs"))
    num_train = catalog_df.where(F.col("split") == TRAIN).count()
    pairs_df = shares_df.join(own_df.withColumnRenamed("meant", "tag"), ["gif_id", "tag"], "full_outer")
    if copied_df is None:
        pairs_df = pairs_df.withColumn("copied", F.lit(False))
    else:  # outer: a copy may be the only one with its tag
        pairs_df = pairs_df.join(_copied(copied_df, slips_df), ["gif_id", "tag"], "full_outer")
    pairs_df = (
        pairs_df.join(catalog_df.select("gif_id", "split"), "gif_id")
        .join(counts_df, "tag", "left")
        .join(_spreads(neighbors_df, experts, config), "gif_id", "left")
    )
    is_own = F.col("written").isNotNull()
    self_counted = (is_own & (F.col("split") == TRAIN)).cast("int")
    others = F.coalesce("num_gifs", F.lit(0)) - self_counted
    prior = F.greatest(others, F.lit(0)) / F.greatest(
        F.lit(num_train) - (F.col("split") == TRAIN).cast("int"), F.lit(1)
    )
    columns: list[Column | str] = ["gif_id", "tag", "split", "written", is_own.alias("is_own"), prior.alias("prior")]
    columns.append(F.coalesce("copied", F.lit(False)).alias("copied"))
    for name in experts:
        weight = F.coalesce(f"weight_{name}", F.lit(0)) / F.lit(float(SHARE_UNIT))
        columns += [
            F.when(F.col(f"spread_{name}").isNotNull(), weight).alias(f"share_{name}"),
            F.coalesce(f"spread_{name}", F.lit(0.0)).alias(f"spread_{name}"),
            F.coalesce(f"votes_{name}", F.lit(0)).alias(f"votes_{name}"),
        ]
    pairs_df = pairs_df.select(*columns)
    lifts_df = _lifts(pairs_df, experts, config)
    together_df = _together(own_df, counts_df, catalog_df, num_train)
    return _by_written_tag(pairs_df.join(lifts_df, "tag", "left"), together_df, experts)


def _copied(copied_df: DataFrame, slips_df: DataFrame) -> DataFrame:
    """(gif_id, tag, copied), distinct: what the tags of near duplicates meant."""
    meant_df = copied_df.select("gif_id", "tag").join(F.broadcast(slips_df), "tag", "left")
    return meant_df.select("gif_id", F.coalesce("meant", "tag").alias("tag"), F.lit(True).alias("copied")).distinct()


def _own_tags(catalog_df: DataFrame, slips_df: DataFrame) -> DataFrame:
    """(gif_id, meant, written): the uploader's tags, what they meant, and all ways in which the uploader wrote it."""
    tags_df = catalog_df.select("gif_id", F.explode("tags").alias("tag")).distinct()
    meant_df = tags_df.join(F.broadcast(slips_df), "tag", "left")
    return meant_df.groupBy("gif_id", F.coalesce("meant", "tag").alias("meant")).agg(
        F.array_sort(F.collect_set("tag")).alias("written")
    )


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


def _lifts(pairs_df: DataFrame, experts: Sequence[str], config: VoteConfig) -> DataFrame:
    """(tag, lift_<expert>): the mean share at train GIFs with the tag over its prior, shrunk to the expert's own mean.

    lift = (seen + m mean) / (expected + m), where seen and expected sum share and prior over the train GIFs that have
    the tag and neighbors, m is vote.lift_prior and mean is that of tags with at least two such GIFs.
    """
    holders_df = pairs_df.where(F.col("is_own") & (F.col("split") == TRAIN))
    sums = []
    for name in experts:
        unit = F.round(F.col(f"share_{name}") * SHARE_UNIT).cast("bigint")
        counted = F.col(f"share_{name}").isNotNull()
        sums += [
            F.coalesce(F.sum(unit), F.lit(0)).alias(f"seen_{name}"),
            F.count_if(counted).alias(f"num_{name}"),
            F.max(F.col("prior")).alias(f"prior_{name}"),  # the same at every holder
        ]
    tags_df = holders_df.groupBy("tag").agg(*sums)
    means_df = tags_df.agg(
        *(F.sum(F.when(F.col(f"num_{name}") >= 2, F.col(f"seen_{name}"))).alias(f"seen_{name}") for name in experts),
        *(
            F.sum(
                F.when(F.col(f"num_{name}") >= 2, F.round(F.col(f"prior_{name}") * F.col(f"num_{name}") * SHARE_UNIT))
            )
            .cast("bigint")
            .alias(f"expected_{name}")
            for name in experts
        ),
    )
    row = means_df.first()
    lifts: list[Column | str] = ["tag"]
    for name in experts:
        seen, expected = (row[f"{kind}_{name}"] if row else None for kind in ("seen", "expected"))
        mean = max(seen / expected, 1.0) if seen and expected else 1.0
        total = F.col(f"seen_{name}") / F.lit(float(SHARE_UNIT)) + F.lit(config.lift_prior * mean)
        lift = total / (F.col(f"prior_{name}") * F.col(f"num_{name}") + F.lit(config.lift_prior))
        lifts.append(F.least(F.greatest(lift, F.lit(1.0)), F.lit(MAX_LIFT)).alias(f"lift_{name}"))
    return tags_df.select(*lifts)


def _together(own_df: DataFrame, counts_df: DataFrame, catalog_df: DataFrame, num_train: int) -> DataFrame:
    """(gif_id, tag, together): mean over the GIF's other tags of log((seen + k) / (expected + k)) GIFs with both tags.

    Pointwise mutual information, shrunk by k. The GIF itself is not counted, so a tag is judged by other GIFs alone.
    """
    lists_df = own_df.groupBy("gif_id").agg(F.array_sort(F.collect_set("meant")).alias("all_tags"))
    lists_df = lists_df.select("gif_id", F.slice("all_tags", 1, MAX_OWN_TAGS).alias("tags")).where(F.size("tags") > 1)
    lists_df = lists_df.join(
        catalog_df.select("gif_id", (F.col("split") == TRAIN).cast("int").alias("is_train")), "gif_id"
    )
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


def judged_pairs(evidence_df: DataFrame, truth_df: DataFrame) -> DataFrame:
    """The evidence on the pairs of GIFs with a truth (gif_id, truth), and is_right: whether the truth has the tag."""
    pairs_df = evidence_df.join(F.broadcast(truth_df.select("gif_id", "truth")), "gif_id")
    return pairs_df.withColumn("is_right", F.array_contains("truth", F.col("tag"))).drop("truth")


def score_pairs(evidence_df: DataFrame, judge: Judge) -> DataFrame:
    """SCORES of every pair: rows as they are, none is dropped. The judge travels with the tasks, a few KB."""
    experts = sorted(judge.weights.experts)

    def score_batches(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            evidence = evidence_of(batch, experts)
            scores = judge.scores(evidence)
            probabilities = judge.probabilities(evidence, scores)
            accepted = judge.accepts(batch["tag"], probabilities)
            columns = [
                *(batch[name] for name in ("gif_id", "tag", "split", "is_own")),
                pa.array(scores),
                pa.array(probabilities, from_pandas=True),
                pa.nulls(len(scores), pa.bool_()) if accepted is None else pa.array(accepted),
            ]
            yield pa.RecordBatch.from_arrays(columns, schema=SCORES)

    wanted = [field.name for field in evidence_schema(experts)]
    return evidence_df.select(*wanted).mapInArrow(score_batches, from_arrow_schema(SCORES))


SCORES = pa.schema(
    [
        pa.field("gif_id", pa.string()),
        pa.field("tag", pa.string()),
        pa.field("split", pa.string()),
        pa.field("is_own", pa.bool_()),
        pa.field("score", pa.float64()),
        pa.field("probability", pa.float64()),
        pa.field("accepted", pa.bool_()),
    ]
)
"""probability and accepted are null where nothing was learned."""

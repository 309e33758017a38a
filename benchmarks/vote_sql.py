"""The published vote in plain SQL, explode, join, group by: the rows of udfs/votes/votes.py by Spark and by DuckDB."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from autotag_core.config import VoteConfig
from autotag_core.splits import TRAIN


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


def spark_vote(
    neighbors_df: DataFrame, catalog_df: DataFrame, weights: Mapping[str, float], config: VoteConfig
) -> DataFrame:
    """By native Spark expressions."""
    neighbors_df = neighbors_df.where(F.col("expert").isin(sorted(weights)))
    voted_df = _weighted_votes(neighbors_df, catalog_df, weights, config)
    seen_df = neighbors_df.where(F.size("neighbor_ids") > 0).select("gif_id", F.lit(True).alias("is_seen")).distinct()
    splits_df = catalog_df.select("gif_id", "split").join(seen_df, "gif_id", "left")
    original_df = _original_tags(catalog_df).select("gif_id", "tag", "is_editorial")
    tags_df = voted_df.join(original_df, ["gif_id", "tag"], "full_outer").join(splits_df, "gif_id")
    is_original = F.col("is_editorial").isNotNull()
    is_train = F.col("split") == TRAIN
    has_votes = F.coalesce("vote", F.lit(0.0)) > 0
    source = (
        F.when(F.col("is_editorial"), "editorial")
        .when(is_original & (~is_train | F.col("is_seen").isNull()), "original")
        .when(is_original, F.when(F.col("num_votes") > 0, "confirmed").otherwise("unconfirmed"))
        .when(is_train & has_votes & (F.col("vote") >= config.lower_bound), "voted")
    )
    scored_df = tags_df.withColumn("source", source).where("source is not null")
    return scored_df.withColumn("score", _normalised(weights, config)).select(
        "gif_id",
        "tag",
        F.when(F.col("source") == "voted", F.col("score"))
        .when(F.col("source") == "unconfirmed", F.lit(config.unconfirmed_confidence))
        .otherwise(F.lit(1.0))
        .cast("float")
        .alias("confidence"),
        "source",
        F.col("score").cast("float").alias("published_score"),
        F.coalesce("votes", F.create_map().cast("map<string,int>")).alias("votes"),
        F.coalesce("evidence", F.array().cast("array<string>")).alias("evidence"),
    )


def _original_tags(catalog_df: DataFrame) -> DataFrame:
    """(gif_id, split, tag, is_editorial): every tag that a GIF came with, from its uploader, an editor or both."""
    tag = F.explode(F.array_union("tags", "editorial_tags")).alias("tag")
    return catalog_df.select("gif_id", "split", "editorial_tags", tag).select(
        "gif_id", "split", "tag", F.array_contains("editorial_tags", F.col("tag")).alias("is_editorial")
    )


def _weighted_votes(
    neighbors_df: DataFrame, catalog_df: DataFrame, weights: Mapping[str, float], config: VoteConfig
) -> DataFrame:
    """(gif_id, tag, num_votes, vote, votes, evidence) for every tag that any expert voted for."""
    experts = sorted(weights)
    counts = [F.count(F.when(F.col("expert") == name, 1)).cast("int").alias(f"votes_{name}") for name in experts]
    counted_df = (
        count_votes(neighbors_df, catalog_df, config)
        .groupBy("gif_id", "tag")
        .agg(*counts, F.array_sort(F.collect_set("neighbor_id")).alias("evidence"))
    )
    vote: Column = F.lit(0.0)
    entries = []
    for name in experts:  # in this order always: a sum of floats depends on it
        vote = vote + F.lit(float(weights[name])) * F.col(f"votes_{name}")
        entries += [F.lit(name), F.col(f"votes_{name}")]
    num_votes = sum((F.col(f"votes_{name}") for name in experts), F.lit(0))
    votes = F.map_filter(F.create_map(*entries), lambda _, count: count > 0)
    return counted_df.select(
        "gif_id", "tag", num_votes.alias("num_votes"), vote.alias("vote"), votes.alias("votes"), "evidence"
    )


def _normalised(weights: Mapping[str, float], config: VoteConfig) -> Column:
    vote = F.coalesce("vote", F.lit(0.0))
    if config.normalise == "max":
        largest: Column = F.max(vote).over(Window.partitionBy("gif_id"))
    else:
        largest = F.lit(float(sum(weights[name] for name in sorted(weights)) * config.neighbors))
    return F.when(largest > 0, F.least(vote / largest, F.lit(1.0))).otherwise(F.lit(0.0))


def duckdb_vote(neighbors: str, catalog: str, weights: Mapping[str, float], config: VoteConfig) -> str:
    """The query, over two relations by their SQL; vote.normalise must be `possible`.

    The neighbors behind a tag are gathered in a second join, for the tags that come in.
    """
    experts = sorted(weights)
    names = ", ".join(f"'{name}'" for name in experts)
    counts = ", ".join(f"count(*) filter (expert = '{name}') as {name}" for name in experts)
    vote = " + ".join(["0.0::double", *(f"{float(weights[name])!r}::double * coalesce({name}, 0)" for name in experts)])
    num_votes = " + ".join(f"coalesce({name}, 0)" for name in experts)
    entries = ", ".join(f"{{'k': '{name}', 'v': coalesce({name}, 0)::int}}" for name in experts)
    largest = float(sum(weights[name] for name in experts) * config.neighbors)
    return f"""
with lists as (select * from {neighbors} where expert in ({names})),
pairs as (
    select gif_id, expert, unnest(neighbor_ids[1:{config.neighbors}]) as neighbor_id from lists
),
reference as (
    select gif_id as neighbor_id, unnest(list_distinct(tags || editorial_tags)) as tag
    from {catalog} where split = 'train'
),
counted as (
    select gif_id, tag, {counts} from pairs join reference using (neighbor_id) group by gif_id, tag
),
own as (
    select gif_id, tag, list_contains(editorial_tags, tag) as is_editorial from (
        select gif_id, editorial_tags, unnest(list_distinct(tags || editorial_tags)) as tag from {catalog}
    )
),
seen as (select distinct gif_id, true as is_seen from lists where len(neighbor_ids) > 0),
joined as (
    select gif_id, tag, is_editorial, split = 'train' as is_train, is_seen, {", ".join(experts)},
        {vote} as vote, {num_votes} as num_votes
    from counted full join own using (gif_id, tag) join {catalog} using (gif_id) left join seen using (gif_id)
),
kept as materialized (
    select *, case
        when is_editorial then 'editorial'
        when is_editorial is not null and (not is_train or is_seen is null) then 'original'
        when is_editorial is not null then if(num_votes > 0, 'confirmed', 'unconfirmed')
        else 'voted' end as source,
        least(vote / {largest!r}, 1.0) as score
    from joined
    where is_editorial is not null or (is_train and vote > 0 and vote >= {config.lower_bound!r})
),
behind as (
    select gif_id, tag, list_sort(list(distinct neighbor_id)) as evidence
    from pairs join reference using (neighbor_id) semi join kept using (gif_id, tag) group by gif_id, tag
)
select gif_id, tag,
    case source when 'voted' then score when 'unconfirmed' then {config.unconfirmed_confidence!r} else 1.0 end::float
        as confidence,
    source, score::float as published_score,
    map_from_entries(list_filter([{entries}], one -> one.v > 0)) as votes,
    coalesce(evidence, []) as evidence
from kept left join behind using (gif_id, tag)
"""

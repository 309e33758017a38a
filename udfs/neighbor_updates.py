"""The neighbors of an earlier release and what has changed since, in; the neighbors of now, out."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from autotag_core import storage
from autotag_core.config import NeighborsConfig
from udfs.neighbor_rows import lists_of, pairs
from udfs.neighbors import ExpertSize, build_shards, find_neighbors, search_queries

MAX_SEARCHED = 0.5
"""Where more than this share of an expert's GIFs need a full search, all get one: that is less than both."""
_KEY = ["gif_id", "expert"]

Keep = Callable[[DataFrame], DataFrame]


@dataclass(frozen=True)
class Space:
    """What neighbors are found in: rows of the embeddings table and the ids (gif_id) of the references."""

    embeddings_df: DataFrame
    reference_ids_df: DataFrame


def update_neighbors(
    now: Space, before: Space, neighbors_df: DataFrame, config: NeighborsConfig, folder: str, keep: Keep
) -> tuple[DataFrame, list[str]]:
    """NEIGHBORS of `now` of the experts for which anything differs from `before`, whose NEIGHBORS are neighbors_df;
    and these experts' names.

    A GIF whose own embedding is the same, and which has lost no neighbor, gets the k nearest of its old list and of the
    references that are new; any other is searched for among all. With the exact backend that is what find_neighbors
    gives, to the bit: a pair's distance does not depend on what else is computed. An embedding is the same where its
    version and model_version are. `keep` writes rows that several steps need; `folder` is find_neighbors'.

    Cost: the ids are compared in one shuffle; with C changed references and S GIFs that are searched for among all N,
    2 d (N C + S N) operations where backends are exact, against 2 d N N.
    """
    marks_df = keep(_marks(now, before))
    gained_df = marks_df.where("gained").select(*_KEY)
    lost_df = marks_df.where("lost").select(*_KEY)
    known_df = _unbroken(neighbors_df, lost_df).join(marks_df.where("is_known").select(*_KEY), _KEY, "left_semi")
    known_df = keep(known_df)
    queries_df = now.embeddings_df.select(*_KEY)
    searched_df = keep(queries_df.join(known_df.select(*_KEY), _KEY, "left_anti"))
    counts = _counts(marks_df, searched_df)
    changed = sorted(name for name, count in counts.items() if count.changes)
    if not changed:
        return neighbors_df.limit(0), []
    anew = [name for name in changed if counts[name].searched > MAX_SEARCHED * counts[name].queries]
    parts = []
    if anew:
        among = F.col("expert").isin(anew)
        parts.append(
            find_neighbors(now.embeddings_df.where(among), now.reference_ids_df, config, storage.join(folder, "all"))
        )
    if merged := [name for name in changed if name not in anew]:
        among = F.col("expert").isin(merged)
        searched = searched_df.where(among)
        parts.append(_searched(now, searched, config, storage.join(folder, "searched")))
        new_df = _among(now, known_df.where(among), gained_df.where(among), config, storage.join(folder, "gained"))
        parts.append(merge_neighbors(known_df.where(among), new_df, config.k))
    return functools.reduce(DataFrame.unionByName, parts), changed


def merge_neighbors(left_df: DataFrame, right_df: DataFrame, k: int) -> DataFrame:
    """NEIGHBORS of left_df, each the k nearest of its list and of the one that right_df has; no id is in both.

    All of it native: cost is linear in the lists, one join by gif_id and expert.
    """
    others_df = right_df.select(*_KEY, pairs().alias("others"))
    joined_df = left_df.select(*_KEY, pairs().alias("pairs")).join(others_df, _KEY, "left")
    none = F.array().cast("array<struct<distance:float,id:string>>")
    nearest = F.slice(F.array_sort(F.concat("pairs", F.coalesce("others", none))), 1, k)
    return joined_df.select(*_KEY, nearest.alias("nearest")).select(*_KEY, *lists_of(F.col("nearest")))


def _marks(now: Space, before: Space) -> DataFrame:
    """(gif_id, expert, is_known, gained, lost) of every embedding of now or before.

    is_known: it is the same in both. gained, lost: it is a reference only now, or in another place than before.
    """
    both_df = _versions(now, "now").join(_versions(before, "before"), _KEY, "full")
    is_same = F.coalesce(F.col("now") == F.col("before"), F.lit(False))
    is_now, was = F.coalesce("now_reference", F.lit(False)), F.coalesce("before_reference", F.lit(False))
    return both_df.select(
        *_KEY,
        is_same.alias("is_known"),
        (is_now & ~(was & is_same)).alias("gained"),
        (was & ~(is_now & is_same)).alias("lost"),
    )


def _versions(space: Space, name: str) -> DataFrame:
    references_df = space.reference_ids_df.select("gif_id", F.lit(True).alias(f"{name}_reference"))
    version = F.struct("model_version", "version").alias(name)
    return space.embeddings_df.select(*_KEY, version).join(references_df, "gif_id", "left")


def _unbroken(neighbors_df: DataFrame, lost_df: DataFrame) -> DataFrame:
    """The lists in which no reference is that was lost; what was lost is little, and goes to every executor."""
    pairs_df = neighbors_df.select(*_KEY, F.explode("neighbor_ids").alias("neighbor"))
    names_df = F.broadcast(lost_df.select(F.col("gif_id").alias("neighbor"), "expert"))
    broken_df = pairs_df.join(names_df, ["neighbor", "expert"], "left_semi").select(*_KEY).distinct()
    return neighbors_df.join(broken_df, _KEY, "left_anti")


@dataclass(frozen=True)
class _Count:
    queries: int
    changes: int
    searched: int


def _counts(marks_df: DataFrame, searched_df: DataFrame) -> dict[str, _Count]:
    """By expert: embeddings, how many of them or of those gone are not as before, and how many are searched for."""
    is_change = F.col("gained") | F.col("lost") | ~F.col("is_known")
    marked_df = marks_df.groupBy("expert").agg(F.count("*").alias("queries"), F.count_if(is_change).alias("changes"))
    counted_df = marked_df.join(searched_df.groupBy("expert").agg(F.count("*").alias("searched")), "expert", "left")
    return {
        row["expert"]: _Count(row["queries"], row["changes"] + (row["searched"] or 0), row["searched"] or 0)
        for row in counted_df.collect()
    }


def _searched(now: Space, queries_df: DataFrame, config: NeighborsConfig, folder: str) -> DataFrame:
    """NEIGHBORS of queries_df (gif_id, expert) among all references."""
    references_df = now.embeddings_df.join(now.reference_ids_df.select("gif_id"), "gif_id", "left_semi")
    return _among(now, queries_df, references_df.select(*_KEY), config, folder)


def _among(
    now: Space, queries_df: DataFrame, reference_keys_df: DataFrame, config: NeighborsConfig, folder: str
) -> DataFrame:
    """NEIGHBORS of queries_df (gif_id, expert) among reference_keys_df (gif_id, expert)."""
    vectors_df = now.embeddings_df.join(queries_df.select(*_KEY), _KEY, "left_semi")
    references_df = now.embeddings_df.join(reference_keys_df, _KEY, "left_semi")
    counted = {row["expert"]: row["count"] for row in queries_df.groupBy("expert").count().collect()}
    available = {row["expert"]: row["count"] for row in reference_keys_df.groupBy("expert").count().collect()}
    sizes = {name: ExpertSize(counted[name], available.get(name, 0)) for name in sorted(counted)}
    if not sizes:
        return now.embeddings_df.limit(0).select(*_KEY, *(F.lit(None).cast(kind).alias(name) for name, kind in _LISTS))
    asked_df = references_df.where(F.col("expert").isin(list(sizes)))
    return search_queries(vectors_df, sizes, build_shards(asked_df, sizes, config, folder), config)


_LISTS = (("neighbor_ids", "array<string>"), ("distances", "array<float>"))

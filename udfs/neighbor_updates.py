"""The neighbors of an earlier release and what has changed since, in; the neighbors of now, out."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from autotag_core import storage
from autotag_core.config import NeighborsConfig
from autotag_core.neighbors import choose_backend
from udfs.neighbor_rows import lists_of, pairs
from udfs.neighbors import ExpertSize, build_shards, find_neighbors, search_queries

MAX_SEARCHED = 0.5
"""Where more than this share of an expert's GIFs need a full search, all get one: that is less than both."""
CHEAP = 1 << 38
"""GIFs x references x dimensions up to which all of an expert's GIFs get a full search where that is exact.

An estimate: for 19,950 GIFs and two experts, two cores took 7.0 s for all, and 14.5 s for the jobs of a merge, which
hardly grow."""
_KEY = ["gif_id", "expert"]

_log = logging.getLogger(__name__)
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
    gives, to the bit: a pair's distance does not depend on what else is computed. So where an exact search for all is
    CHEAP, it takes the place of the merge. An embedding is the same where its version and model_version are. `keep`
    writes rows that several steps need; `folder` is find_neighbors'.

    Cost: the ids are compared in one shuffle; with C changed references and S GIFs that are searched for among all N,
    2 d (N C + S N) operations where backends are exact, against 2 d N N.
    """
    marks_df = keep(_marks(now, before))
    counts = _counts(marks_df, neighbors_df)
    changed = sorted(name for name, count in counts.items() if count.changes)
    anew = [name for name in changed if _is_cheap(now, name, counts[name], config)]
    merged = [name for name in changed if name not in anew]
    parts = []
    if merged:
        among = F.col("expert").isin(merged)
        marks_df = marks_df.where(among)
        known_df = keep(_known(neighbors_df.where(among), marks_df))
        searched_df = keep(marks_df.where("is_query").select(*_KEY).join(known_df.select(*_KEY), _KEY, "left_anti"))
        searched = {row["expert"]: row["count"] for row in searched_df.groupBy("expert").count().collect()}
        anew += [name for name in merged if searched.get(name, 0) > MAX_SEARCHED * counts[name].queries]
        merged = [name for name in merged if name not in anew]
    if merged:
        among = F.col("expert").isin(merged)
        sizes = {name: ExpertSize(searched.get(name, 0), counts[name].references) for name in merged}
        references_df = now.embeddings_df.join(now.reference_ids_df.select("gif_id"), "gif_id", "left_semi")
        parts.append(_among(now, searched_df, references_df, sizes, config, storage.join(folder, "searched")))
        sizes = {
            name: ExpertSize(counts[name].queries - size.num_queries, counts[name].gained)
            for name, size in sizes.items()
        }
        gained_df = now.embeddings_df.join(marks_df.where("gained").select(*_KEY), _KEY, "left_semi")
        new_df = _among(now, known_df, gained_df, sizes, config, storage.join(folder, "gained"))
        parts.append(merge_neighbors(known_df.where(among), new_df, config.k))
    if anew:
        embeddings_df = now.embeddings_df.where(F.col("expert").isin(anew))
        parts.append(find_neighbors(embeddings_df, now.reference_ids_df, config, storage.join(folder, "all")))
    return functools.reduce(DataFrame.unionByName, parts, neighbors_df.limit(0)), changed


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
    """(gif_id, expert) of every embedding of now or before, and what is to be known of each.

    is_query, was_query: there is one now, there was one before. is_known: it is the same. gained, lost: it is a
    reference only now, or in another place than before.
    """
    both_df = _versions(now, "now").join(_versions(before, "before"), _KEY, "full")
    is_same = F.coalesce(F.col("now") == F.col("before"), F.lit(False))
    is_now, was = F.coalesce("now_reference", F.lit(False)), F.coalesce("before_reference", F.lit(False))
    return both_df.select(
        *_KEY,
        F.col("now").isNotNull().alias("is_query"),
        F.col("before").isNotNull().alias("was_query"),
        F.col("now_reference").isNotNull().alias("is_reference"),
        is_same.alias("is_known"),
        (is_now & ~(was & is_same)).alias("gained"),
        (was & ~(is_now & is_same)).alias("lost"),
    )


def _versions(space: Space, name: str) -> DataFrame:
    references_df = space.reference_ids_df.select("gif_id", F.lit(True).alias(f"{name}_reference"))
    version = F.struct("model_version", "version").alias(name)
    return space.embeddings_df.select(*_KEY, version).join(references_df, "gif_id", "left")


def _known(neighbors_df: DataFrame, marks_df: DataFrame) -> DataFrame:
    """The lists of known GIFs that have lost no neighbor; what was lost is little, and goes to every executor."""
    pairs_df = neighbors_df.select(*_KEY, F.explode("neighbor_ids").alias("neighbor"))
    lost_df = F.broadcast(marks_df.where("lost").select(F.col("gif_id").alias("neighbor"), "expert"))
    broken_df = pairs_df.join(lost_df, ["neighbor", "expert"], "left_semi").select(*_KEY).distinct()
    unbroken_df = neighbors_df.join(broken_df, _KEY, "left_anti")
    return unbroken_df.join(marks_df.where("is_known").select(*_KEY), _KEY, "left_semi")


@dataclass(frozen=True)
class _Count:
    queries: int
    references: int
    gained: int
    changes: int


def _counts(marks_df: DataFrame, neighbors_df: DataFrame) -> dict[str, _Count]:
    """By expert: embeddings now, references and new ones among them, rows that are not as before or have no list."""
    is_change = F.col("gained") | F.col("lost") | ~F.col("is_known")
    counted_df = marks_df.groupBy("expert").agg(
        F.count_if("is_query").alias("queries"),
        F.count_if(F.col("is_query") & F.col("is_reference")).alias("references"),
        F.count_if("gained").alias("gained"),
        F.count_if("was_query").alias("before"),
        F.count_if(is_change).alias("changes"),
    )
    lists_df = neighbors_df.groupBy("expert").agg(F.count("*").alias("lists"))
    counts = {}
    for row in counted_df.join(lists_df, "expert", "left").collect():
        num_missing = abs(row["before"] - (row["lists"] or 0))
        counts[row["expert"]] = _Count(row["queries"], row["references"], row["gained"], row["changes"] + num_missing)
    return counts


def _is_cheap(now: Space, expert: str, count: _Count, config: NeighborsConfig) -> bool:
    """Whether an exact search for all of the expert's GIFs costs less than a merge; the log has the reason."""
    is_exact = (
        config.backend in ("auto", "exact") and choose_backend(config, count.references, count.queries) == "exact"
    )
    if not is_exact or not count.queries:
        return False
    first = now.embeddings_df.where(F.col("expert") == expert).select(F.size("embedding")).first()
    products = count.queries * count.references * (first[0] if first else 0)
    if products <= CHEAP:
        reason = f"GIFs x references x dimensions are {products:.1e}, at most {CHEAP:.1e}"
        _log.info("neighbors of %s: all anew, %d changes: %s", expert, count.changes, reason)
    return products <= CHEAP


def _among(
    now: Space,
    queries_df: DataFrame,
    references_df: DataFrame,
    sizes: dict[str, ExpertSize],
    config: NeighborsConfig,
    folder: str,
) -> DataFrame:
    """NEIGHBORS of queries_df (gif_id, expert) among references_df (embeddings): so many of each of these experts."""
    asked = {name: size for name, size in sizes.items() if size.num_queries}
    is_asked = F.col("expert").isin(list(asked))
    vectors_df = now.embeddings_df.join(queries_df.where(is_asked).select(*_KEY), _KEY, "left_semi")
    shards = build_shards(references_df.where(is_asked), asked, config, folder)
    return search_queries(vectors_df, asked, shards, config)

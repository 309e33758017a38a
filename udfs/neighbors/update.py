"""The neighbors of an earlier release and what has changed since in, the current neighbors out."""

from __future__ import annotations

import functools
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from autotag_core.config import NeighborsConfig
from autotag_core.neighbors import choose_backend
from udfs.neighbors.merge import broken_lists, gains, merge_gains
from udfs.neighbors.search import find_neighbors
from udfs.neighbors.shard_rows import ExpertSize, FoundNeighbors, ShardFolders, ShardRow
from udfs.neighbors.shards import build_shards, search_queries
from udfs.neighbors.stored_shards import NOTHING_SAVED, SavedShards, up_to_date
from udfs.tasks.keep import Keep

MAX_SEARCHED = 0.5
"""If the GIFs that need a full search cost more than this share of a full search for all, all get one."""
CHEAP = 1 << 40
"""If a full search for all of an expert's GIFs costs at most this (_cost), all get one: it is less than a merge.

Measured with 98,459 GIFs, 69,243 references and 64 dimensions, where 21% must be searched for: a merge takes 25 to 28
seconds of processors, a full search 30."""
PAIR = 100
"""What a pair costs besides its products: about 2.5 ns for one of 64 dimensions, of which products are 1."""
GRAPH = 1 << 22
"""What NN-descent costs a GIF, in products of exact search: 50 microseconds."""
_KEY = ["gif_id", "expert"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Space:
    """What neighbors are found in: rows of the embeddings table, and the ids (gif_id) of the references."""

    embeddings_df: DataFrame
    reference_ids_df: DataFrame

    def references(self) -> DataFrame:
        """The embeddings of references."""
        return self.embeddings_df.join(self.reference_ids_df.select("gif_id"), "gif_id", "left_semi")


def update_neighbors(
    now: Space,
    before: Space,
    neighbors_df: DataFrame,
    config: NeighborsConfig,
    folders: ShardFolders,
    keep: Keep,
    saved: Mapping[str, SavedShards] = NOTHING_SAVED,
) -> tuple[FoundNeighbors, list[str]]:
    """NEIGHBORS of `now` for the experts of which anything differs from `before`, and these experts' names.

    neighbors_df are the NEIGHBORS of `before`. A GIF with the same embedding that has lost no neighbor gets the k
    nearest of its old list and of the new references. Any other GIF is searched for among all. With the exact backend
    that is what find_neighbors gives, to the bit: a pair's distance does not depend on what else is computed. Where a
    search for all is CHEAP, by exact products or NN-descent, it replaces the merge. An embedding is the same if its
    version and model_version are. `keep` writes rows that several steps need; `folders` are find_neighbors'. With
    nmslib the indexes `saved` (by expert) are searched, or new ones where these hold too little.

    Cost: versions are compared in one shuffle, without vectors. Lists are looked through once. The distance of each
    list's last neighbor is shuffled once, with the embeddings; whole lists only where the changes are too many for a
    broadcast. Let C references be new and S GIFs be searched for among all N: exact backends take 2 d (N C + S N)
    operations, against 2 d N N. The ids of lost references go to every task. These are one in k at most: where they are
    more, most lists have lost a neighbor, and all are found anew. New references are shards, of any number.
    """
    changes_df = keep(_changes(now, before))
    counts = _counts(now, before, neighbors_df, changes_df)
    changed = sorted(name for name, count in counts.items() if count.changes)
    dimensions = {name: _dimension(now, name) for name in changed}
    anew = [name for name in changed if _is_better_anew(name, counts[name], dimensions[name], config)]
    merged = [name for name in changed if name not in anew]
    parts: list[DataFrame] = []
    lasting: list[ShardRow] = []
    sizes: dict[str, tuple[int, _Count]] = {}
    if merged:
        changes_df, neighbors_df = (df.where(F.col("expert").isin(merged)) for df in (changes_df, neighbors_df))
        known_df = neighbors_df.join(changes_df.where("is_stale"), _KEY, "left_anti")
        searched_df = keep(_searched_keys(known_df, changes_df))
        searched = {row["expert"]: row["count"] for row in searched_df.groupBy("expert").count().collect()}
        for name in merged:
            num_searched, count, dimension = searched.get(name, 0), counts[name], dimensions[name]
            if num_searched * count.references * (dimension + PAIR) > MAX_SEARCHED * _cost(config, count, dimension):
                anew.append(name)
            else:
                sizes[name] = num_searched, count
    if sizes:
        found = _searched(now, searched_df, sizes, config, folders.below("searched"), keep, saved)
        parts.append(found.neighbors_df)
        lasting += found.lasting
        known_df = known_df.where(F.col("expert").isin(list(sizes))).join(searched_df, _KEY, "left_anti")
        gains_df = _gains(now, known_df, changes_df, sizes, config, folders.below("gained"))
        # kept, so that its size is known before lists are shuffled for it: mostly no such shuffle is needed
        parts.append(known_df if gains_df is None else merge_gains(known_df, keep(gains_df), config.k))
    if anew:
        embeddings_df = now.embeddings_df.where(F.col("expert").isin(anew))
        found = find_neighbors(embeddings_df, now.reference_ids_df, config, folders.below("all"))
        parts.append(found.neighbors_df)
        lasting += found.lasting
    found_df = functools.reduce(DataFrame.unionByName, parts, neighbors_df.limit(0))
    return FoundNeighbors(found_df, lasting), changed


def _searched_keys(known_df: DataFrame, changes_df: DataFrame) -> DataFrame:
    """(gif_id, expert) of GIFs that are new or whose embedding moved, and of those whose lists lost a neighbor."""
    others_df = changes_df.where(F.col("is_query") & ~F.col("is_known")).select(*_KEY)
    return others_df.unionByName(broken_lists(known_df, changes_df.where("lost")))


def _searched(
    now: Space,
    keys_df: DataFrame,
    sizes: dict[str, tuple[int, _Count]],
    config: NeighborsConfig,
    folders: ShardFolders,
    keep: Keep,
    saved: Mapping[str, SavedShards],
) -> FoundNeighbors:
    """NEIGHBORS of these GIFs (gif_id, expert) among all references. sizes: by expert, how many GIFs these are."""
    asked = {name: ExpertSize(searched, count.references) for name, (searched, count) in sizes.items() if searched}
    is_asked = F.col("expert").isin(list(asked))
    queries_df = now.embeddings_df.join(keys_df.where(is_asked), _KEY, "left_semi")
    references_df = now.references().where(is_asked)
    shards = up_to_date(references_df, saved, asked, config, folders, keep)
    others = {name: size for name, size in asked.items() if name not in {shard.expert for shard in shards}}
    others_df = references_df.where(F.col("expert").isin(list(others)))
    built = build_shards(others_df, others, config, folders)
    found_df = search_queries(queries_df, asked, shards + built, config)
    return FoundNeighbors(found_df, folders.lasting_of(built))


def _gains(
    now: Space,
    known_df: DataFrame,
    changes_df: DataFrame,
    sizes: dict[str, tuple[int, _Count]],
    config: NeighborsConfig,
    folders: ShardFolders,
) -> DataFrame | None:
    """NEIGHBORS: which of the new references enter the lists known_df. None: there are no new references."""
    gained = {
        name: ExpertSize(count.queries - searched, count.gained)
        for name, (searched, count) in sizes.items()
        if count.gained
    }
    if not gained:
        return None
    is_gaining = F.col("expert").isin(list(gained))
    gained_df = changes_df.where(is_gaining & F.col("gained"))
    references_df = now.embeddings_df.join(gained_df, _KEY, "left_semi")
    shards = build_shards(references_df, gained, config, replace(folders, lasting=None))
    return gains(known_df.where(is_gaining), now.embeddings_df, shards, config)


def _changes(now: Space, before: Space) -> DataFrame:
    """(gif_id, expert) of every embedding of now or before that has changed, or has become or ceased to be a reference.

    is_query: there is one now. is_known: it is the same as before. is_stale: there was another one before. gained: it
    is a reference only now, or now in another place. lost: it was one only before, or then in another place.
    """
    both_df = _versions(now, "now").join(_versions(before, "before"), _KEY, "full")
    is_same = F.coalesce(F.col("now") == F.col("before"), F.lit(False))
    is_now, was = F.coalesce("now_reference", F.lit(False)), F.coalesce("before_reference", F.lit(False))
    marks_df = both_df.select(
        *_KEY,
        F.col("now").isNotNull().alias("is_query"),
        is_same.alias("is_known"),
        (F.col("before").isNotNull() & ~is_same).alias("is_stale"),
        (is_now & ~(was & is_same)).alias("gained"),
        (was & ~(is_now & is_same)).alias("lost"),
    )
    return marks_df.where(F.col("gained") | F.col("lost") | ~F.col("is_known"))


def _versions(space: Space, name: str) -> DataFrame:
    references_df = space.reference_ids_df.select("gif_id", F.lit(True).alias(f"{name}_reference"))
    version = F.struct("model_version", "version").alias(name)
    return space.embeddings_df.select(*_KEY, version).join(references_df, "gif_id", "left")


@dataclass(frozen=True)
class _Count:
    """Of an expert: embeddings now, references among them, embeddings before, lists, and what has changed."""

    queries: int
    references: int
    before: int
    lists: int
    gained: int
    lost: int
    changes: int


def _counts(now: Space, before: Space, neighbors_df: DataFrame, changes_df: DataFrame) -> dict[str, _Count]:
    """By expert. Rows that are not as before, or have no list, are changes. Only columns of names are read."""
    kinds = {
        "queries": now.embeddings_df,
        "references": now.references(),
        "before": before.embeddings_df,
        "lists": neighbors_df,
        "gained": changes_df.where("gained"),
        "lost": changes_df.where("lost"),
        "changes": changes_df,
    }
    rows = [rows_df.select("expert", F.lit(kind).alias("kind")) for kind, rows_df in kinds.items()]
    counted_df = functools.reduce(DataFrame.union, rows).groupBy("expert").pivot("kind", list(kinds)).count().na.fill(0)
    counts = {row["expert"]: _Count(*(row[kind] for kind in kinds)) for row in counted_df.collect()}
    return {name: replace(of, changes=of.changes + abs(of.before - of.lists)) for name, of in counts.items()}


def _is_better_anew(expert: str, count: _Count, dimension: int, config: NeighborsConfig) -> bool:
    """Whether to search for all of the expert's GIFs before it is known which need it. The log has the reason."""
    cost = _cost(config, count, dimension)
    if count.before != count.lists:
        reason = f"there were {count.before} embeddings and {count.lists} lists"
    elif count.lost * config.k > count.references:
        reason = (
            f"{count.lost} of {count.references} references are lost: of {config.k} neighbors one is, in most lists"
        )
    elif config.backend != "nmslib" and cost <= CHEAP:
        reason = f"that costs as much as {cost:.1e} products, at most {CHEAP:.1e}"
    else:
        return False
    _log.info("neighbors of %s: all anew, %d changes: %s", expert, count.changes, reason)
    return True


def _cost(config: NeighborsConfig, count: _Count, dimension: int) -> int:
    """What a full search for all GIFs costs, in products of exact search."""
    is_large = config.backend == "auto" and choose_backend(config, count.references, count.queries) != "exact"
    if is_large or config.backend == "nndescent":
        return count.queries * GRAPH
    return count.queries * count.references * (dimension + PAIR)


def _dimension(space: Space, expert: str) -> int:
    first = space.embeddings_df.where(F.col("expert") == expert).select(F.size("embedding")).first()
    return int(first[0]) if first else 0

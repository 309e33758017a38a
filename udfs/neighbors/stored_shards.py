"""Index shards that an earlier run built and left. They are searched again, corrected by what has changed since."""

from __future__ import annotations

import functools
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from autotag_core.config import NeighborsConfig
from autotag_core.neighbors import choose_backend
from autotag_core.neighbors.distances import Strings
from autotag_core.neighbors.shards.references import as_strings
from udfs.neighbors.shard_rows import ExpertSize, ShardFolders, ShardRow
from udfs.neighbors.shards import build_shards
from udfs.tasks.keep import Keep

MAX_GAINED = 0.1
"""Share of the references that may be in no index; those are searched exactly. Past it the index is built anew."""

CONTENTS = ("gif_id", "expert", "model_version", "version")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SavedShards:
    """An expert's indexes, and CONTENTS of the references in them."""

    shards: list[ShardRow]
    contents_df: DataFrame


NOTHING_SAVED: Mapping[str, SavedShards] = MappingProxyType({})


def contents(references_df: DataFrame) -> DataFrame:
    """What is in the indexes of these embeddings: their keys, and the columns that tell whether one is unchanged."""
    return references_df.select(*CONTENTS)


def up_to_date(
    references_df: DataFrame,
    saved: Mapping[str, SavedShards],
    sizes: dict[str, ExpertSize],
    config: NeighborsConfig,
    folders: ShardFolders,
    keep: Keep,
) -> list[ShardRow]:
    """For the experts with the backend nmslib: their saved indexes, and shards of the references not in them.

    The shards of an expert together hold each of its references once, as it is now. Left out are experts that need new
    indexes. Either more than MAX_GAINED of their references are in no index, or their indexes have lost so many that
    most lists have one among them.
    Cost: one shuffle compares the references' versions with the indexes', without vectors. The ids of lost references,
    one in config.k at most, come to the driver and go to every task.
    """
    usable = {
        name: saved[name]
        for name, size in sizes.items()
        if name in saved and choose_backend(config, size.num_references, size.num_queries) == "nmslib"
    }
    if not usable:
        return []
    changes_df = keep(_changes(references_df, usable))
    counted_df = changes_df.groupBy("expert").agg(*(F.count_if(name).alias(name) for name in ("gained", "lost")))
    counts = dict.fromkeys(usable, (0, 0))  # of gained and lost
    counts |= {row["expert"]: (row["gained"], row["lost"]) for row in counted_df.collect()}
    usable = {
        name: of
        for name, of in usable.items()
        if _hold_enough(name, *counts[name], sizes[name].num_references, config.k)
    }
    lost_ids = _lost_ids(changes_df.where(F.col("expert").isin(list(usable))))
    nothing = as_strings([])
    shards = [replace(shard, lost=lost_ids.get(name, nothing)) for name, of in usable.items() for shard in of.shards]
    gained_sizes = {name: ExpertSize(sizes[name].num_queries, counts[name][0]) for name in usable if counts[name][0]}
    gained_df = changes_df.where(F.col("gained") & F.col("expert").isin(list(gained_sizes)))
    new_df = references_df.join(gained_df, ["gif_id", "expert"], "left_semi")
    exact = config.model_copy(update={"backend": "exact"})
    return shards + build_shards(new_df, gained_sizes, exact, folders.below("new"), "few beside those in the indexes")


def _hold_enough(expert: str, gained: int, lost: int, num_references: int, k: int) -> bool:
    """Whether an expert's saved indexes are worth searching. The log has the numbers."""
    is_enough = gained <= MAX_GAINED * num_references and lost * k <= num_references
    what = "indexes of an earlier run" if is_enough else "new indexes, not those of an earlier run"
    said = "neighbors of %s: %s, since when %d of %d references are new and %d lost"
    _log.info(said, expert, what, gained, num_references, lost)
    return is_enough


def _changes(references_df: DataFrame, saved: Mapping[str, SavedShards]) -> DataFrame:
    """(gif_id, expert, gained, lost). gained: the reference as it is now is in no index. lost: an index has it that it
    should not be found in."""
    version = F.struct("model_version", "version")
    now_df = contents(references_df.where(F.col("expert").isin(list(saved))))
    parts = [of.contents_df.where(F.col("expert") == name) for name, of in saved.items()]
    saved_df = functools.reduce(DataFrame.unionByName, parts)
    both_df = now_df.select("gif_id", "expert", version.alias("now")).join(
        saved_df.select("gif_id", "expert", version.alias("saved")), ["gif_id", "expert"], "full"
    )
    changed_df = both_df.where(~F.col("now").eqNullSafe(F.col("saved")))
    return changed_df.select(
        "gif_id", "expert", F.col("now").isNotNull().alias("gained"), F.col("saved").isNotNull().alias("lost")
    )


def _lost_ids(changes_df: DataFrame) -> dict[str, Strings]:
    """Ids of lost references by expert, ascending."""
    rows = changes_df.where("lost").select("expert", "gif_id").toArrow()
    experts, ids = as_strings(rows["expert"].to_pylist()), as_strings(rows["gif_id"].to_pylist())
    return {name: as_strings(sorted(ids[experts == name])) for name in set(experts)}

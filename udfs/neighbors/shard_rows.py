"""What is handed on about shards: where they are, whose they are, and what was found in them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import pyarrow as pa
from pyspark.sql import DataFrame

from autotag_core import storage
from autotag_core.neighbors import (
    Backend,
)
from autotag_core.neighbors.distances import Strings

SHARDS = pa.schema(
    [
        pa.field("expert", pa.string()),
        pa.field("uri", pa.string()),
        pa.field("num_references", pa.int64()),
        pa.field("dimension", pa.int32()),
        pa.field("part", pa.int32()),
    ]
)


@dataclass(frozen=True)
class ShardRow:
    """A shard that an executor wrote."""

    expert: str
    uri: str
    num_references: int
    dimension: int
    part: int
    """The part of the build that made it."""
    lost: Strings | None = None
    """Ids, ascending, that the shard may hold but that must not be found in it any more."""


@dataclass(frozen=True)
class ShardFolders:
    """Where shards are written."""

    passing: str
    """For shards of one run. The caller deletes it."""
    lasting: str | None = None
    """For indexes, which later runs can search again. None: they are also for one run."""

    def below(self, name: str) -> ShardFolders:
        """The same folders, but `passing` is a folder in the current one."""
        return replace(self, passing=storage.join(self.passing, name))

    def of(self, backend: Backend) -> str:
        """The folder for shards of the backend."""
        return self.lasting if self.lasting is not None and backend == "nmslib" else self.passing

    def lasting_of(self, shards: Iterable[ShardRow]) -> list[ShardRow]:
        """The shards that stay after the run."""
        return [shard for shard in shards if self.lasting and shard.uri.startswith(f"{self.lasting}/")]


@dataclass(frozen=True)
class FoundNeighbors:
    """NEIGHBORS, and the indexes built for them that a later run can search again."""

    neighbors_df: DataFrame
    lasting: list[ShardRow]


@dataclass(frozen=True)
class ExpertSize:
    """How many GIFs an expert has embedded, and how many of them are references."""

    num_queries: int
    num_references: int

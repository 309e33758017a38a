"""Tokens of one kind in a space of tags and GIFs, or of searches: unit vectors that shards are built from."""

from __future__ import annotations

import functools
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autotag_core import storage
from autotag_core.config import NeighborsConfig
from autotag_core.experts.semantic.tag_space import TagSpace
from autotag_core.neighbors import Neighbors, ShardSet, build_shard, choose_backend, search_shards
from autotag_core.neighbors.distances import Floats


@dataclass(frozen=True, eq=False)
class TokenVectors:
    """Names, distinct and ascending, and a unit vector for each: vectors (n, d) float32."""

    names: tuple[str, ...]
    vectors: Floats

    @functools.cached_property
    def rows(self) -> dict[str, int]:
        """Row of each name."""
        return {name: row for row, name in enumerate(self.names)}

    def only(self, names: Collection[str]) -> TokenVectors:
        """The tokens with these names, as far as there are any."""
        rows = sorted(self.rows[name] for name in set(names) & self.rows.keys())
        return TokenVectors(tuple(self.names[row] for row in rows), self.vectors[rows])


def token_vectors(space: TagSpace, prefix: str) -> TokenVectors:
    """The tokens of the space that begin with the prefix, named without it. A token whose vector is 0 is left out."""
    lengths = np.sqrt(np.einsum("ij,ij->i", space.vectors, space.vectors, dtype=np.float64)).astype(np.float32)
    rows = [row for row, token in enumerate(space.vocabulary) if token.startswith(prefix) and lengths[row] > 0]
    names = tuple(space.vocabulary[row].removeprefix(prefix) for row in rows)
    return TokenVectors(names, space.vectors[rows] / lengths[rows, None])


def search_settings(neighbors: NeighborsConfig, k: int) -> NeighborsConfig:
    """The settings of `neighbors` for lists of k, with as many candidates as HNSW needs for them."""
    return neighbors.model_copy(update={"k": k, "efSearch": max(neighbors.efSearch, 2 * k)})


def write_shard(tokens: TokenVectors, rows: range, config: NeighborsConfig, folder: str, workspace: Path) -> str:
    """Write these rows as an index shard of its own name under the folder; gives its URI. Costs as build_shard."""
    uri = storage.join(folder, uuid.uuid4().hex)
    batch = (tokens.names[rows.start : rows.stop], tokens.vectors[rows.start : rows.stop])
    build_shard([batch], config, choose_backend(config, len(tokens.names)), uri, workspace)
    return uri


def search_tokens(
    tokens: TokenVectors, names: Sequence[str], uris: Sequence[str], config: NeighborsConfig, workspace: Path
) -> Neighbors:
    """The config.k nearest to each name over all shards of the tokens, ties by name, never the name itself."""
    rows = [tokens.rows[name] for name in names]
    return search_shards(ShardSet(uris), names, tokens.vectors[rows], config, workspace)

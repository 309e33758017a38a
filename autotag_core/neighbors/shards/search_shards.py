"""Shards on this host. Each is downloaded once, and a process has at most one open."""

from __future__ import annotations

import functools
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from autotag_core import storage
from autotag_core.config import NeighborsConfig
from autotag_core.neighbors.distances import Floats, Neighbors, Strings, merged, no_neighbors
from autotag_core.neighbors.shards.references import as_strings
from autotag_core.neighbors.shards.shard import Shard, load_shard
from autotag_core.neighbors.shards.shard_header import HEADER, read_header

if TYPE_CHECKING:
    import torch

_open: dict[tuple[int, str, NeighborsConfig], Shard] = {}  # key: process, URI, config; at most one


def open_shard(uri: str, config: NeighborsConfig, folder: Path) -> Shard:
    """The shard at the URI. It stays open until another one is asked for, so each process has one index in memory.

    A shard on S3 is first downloaded below `folder`, by one process of the host while the others wait. A shard on a
    local path is used where it is. Disk: all shards of a run, on every host that searches them.
    """
    key = (os.getpid(), uri, config)
    if key not in _open:
        _open.clear()  # before loading, so that two are never in memory
        _open[key] = load_shard(storage.host_copy(uri, folder, functools.partial(_download, uri), HEADER), config)
    return _open[key]


@dataclass(frozen=True)
class ShardSet:
    """Shards that are searched together. No reference is in two of them."""

    uris: Sequence[str]
    lost: Strings | None = None
    """Ids, ascending, that are in the shards but shall not be found."""


def search_shards(
    shards: ShardSet,
    query_ids: Sequence[str] | Strings,
    queries: Floats,
    config: NeighborsConfig,
    folder: Path,
    device: torch.device | None = None,
    within: Floats | None = None,
) -> Neighbors:
    """The k nearest of each query over the shards, ties by gif_id.

    With within (queries,), only those no further away than that.

    The shard that is already open is searched first. Lists are merged after each shard, so memory holds 2 k candidates
    of a query, however many shards there are.
    """
    query_ids = as_strings(query_ids)
    found = no_neighbors(len(query_ids))
    for uri in sorted(shards.uris, key=lambda uri: (os.getpid(), uri, config) not in _open):
        shard = open_shard(uri, config, folder)
        shard = shard if shards.lost is None else shard.without(shards.lost)
        here = shard.search(query_ids, queries, config.k, device, within)
        found = merged(found, here, config.k) if len(found.neighbor_ids) else here
    return found


def _download(uri: str, target: Path) -> None:
    """Put the shard's files into the folder, its header last."""
    shutil.rmtree(target, ignore_errors=True)
    partial_header = target / f"{HEADER}.partial"
    storage.download_file(storage.join(uri, HEADER), partial_header)
    for name in read_header(partial_header).file_bytes:
        storage.download_file(storage.join(uri, name), target / name)
    partial_header.rename(target / HEADER)

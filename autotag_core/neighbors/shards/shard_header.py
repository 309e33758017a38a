"""The header of a shard: what it is, and what is needed to refuse one that is not whole or not what was asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from autotag_core import storage
from autotag_core.config import NeighborsConfig
from autotag_core.errors import AutotagError
from autotag_core.neighbors.shards import hnsw

Backend = Literal["exact", "nmslib"]
HEADER, FORMAT = "header.json", 1


@dataclass(frozen=True)
class ShardHeader:
    """What a shard is, as header.json holds it."""

    backend: Backend
    dimension: int
    num_vectors: int
    """Distinct vectors."""
    num_ids: int
    """GIFs kept: at most max_members for each distinct vector."""
    max_members: int
    parameters: dict[str, int | str]
    """How the index was built; empty for exact."""
    file_bytes: dict[str, int]
    format: int = FORMAT


def check_shard(uri: str, config: NeighborsConfig) -> ShardHeader:
    """The header of the shard at the URI; nothing else is read. AutotagError as load_shard."""
    header = _parse_header(storage.join(uri, HEADER), storage.read_bytes(storage.join(uri, HEADER)))
    check_header(uri, header, config, storage.file_sizes(uri))
    return header


def read_header(path: Path) -> ShardHeader:
    """The header file. AutotagError where it is missing or not of this format."""
    if not path.exists():
        raise AutotagError(f"{path}: there is no such file: the shard is not whole")
    return _parse_header(str(path), path.read_bytes())


def _parse_header(name: str, content: bytes) -> ShardHeader:
    try:
        header = ShardHeader(**json.loads(content))
    except (ValueError, TypeError) as error:
        raise AutotagError(f"{name} is not the header of a shard: {error}") from None
    if header.format != FORMAT or header.backend not in ("exact", "nmslib"):
        raise AutotagError(
            f"{name}: format {header.format}, backend {header.backend!r}; this code reads format {FORMAT}"
        )
    return header


def check_header(name: str, header: ShardHeader, config: NeighborsConfig, sizes: Mapping[str, int]) -> None:
    """AutotagError where the shard was built with other parameters, or a file has another size than it says."""
    if header.parameters != parameters_of(config, header.backend):
        raise AutotagError(
            f"{name}: built with {header.parameters}; it should be {parameters_of(config, header.backend)}"
        )
    for file, size in header.file_bytes.items():
        if sizes.get(file, 0) != size:
            raise AutotagError(
                f"{name}/{file}: {sizes.get(file, 0)} bytes, the header says {size}: the shard is not whole"
            )


def parameters_of(config: NeighborsConfig, backend: Backend) -> dict[str, int | str]:
    """How an index is built with these settings; nothing for exact."""
    return hnsw.parameters(config) if backend == "nmslib" else {}

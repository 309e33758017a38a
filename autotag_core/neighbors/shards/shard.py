"""One shard of the reference: written once as files under a URI, searched anywhere.

Files: vectors.npy float32 (rows, dimension), norms.npy float64 (rows,), ids.arrow (gif_id, row), index.hnsw with the
backend nmslib, and header.json. The header is written last, with what is needed to refuse a shard that is not whole or
not the one that was asked for.
"""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from autotag_core import storage
from autotag_core.config import NeighborsConfig
from autotag_core.errors import AutotagError
from autotag_core.neighbors.distances import Floats, Neighbors, Pairs, Strings, merged, squared_norms
from autotag_core.neighbors.shards import exact, hnsw
from autotag_core.neighbors.shards.references import DistinctVectors, References, as_strings

if TYPE_CHECKING:
    import torch
from autotag_core.neighbors.shards.shard_header import (
    HEADER,
    Backend,
    ShardHeader,
    check_header,
    parameters_of,
    read_header,
)

_IDS = pa.schema([pa.field("gif_id", pa.string(), nullable=False), pa.field("row", pa.int64(), nullable=False)])


@dataclass(frozen=True)
class Shard:
    """An open shard. Vectors are mapped from the file; an HNSW index is in this process's memory."""

    header: ShardHeader
    references: References
    index: Any = None

    def search(
        self,
        query_ids: Sequence[str] | Strings,
        queries: Floats,
        k: int,
        device: torch.device | None = None,
        within: Floats | None = None,
    ) -> Neighbors:
        """The k nearest of this shard for each query (queries, dimension). Distances are exact, whatever the backend.

        With within (queries,), only those no further away than that. The device is for exact shards; None is the CPU.
        """
        if queries.ndim != 2 or queries.shape[1] != self.header.dimension:
            raise AutotagError(
                f"queries have the shape {queries.shape}; this shard's dimension is {self.header.dimension}"
            )
        if k >= self.header.max_members:
            raise AutotagError(f"k is {k}; this shard was built for at most {self.header.max_members - 1}")
        query_ids = as_strings(query_ids)
        if self.header.backend == "exact":
            return self._search_exactly(query_ids, queries, k, device, within)
        found, empty = self._search_index(query_ids, queries, k, within), self.references.num_empty
        is_short = np.diff(found.offsets) < (min(k, len(self.references.ids) - 1) if empty and within is None else 0)
        if not is_short.any():
            return found
        # the nearest rows have no reference any more: they may be a whole cluster, and no graph leads out of it
        long, short = np.flatnonzero(~is_short), np.flatnonzero(is_short)
        others = self._search_exactly(query_ids[short], queries[short], k, device)
        parts = found.some(long).of_some(long, len(is_short)), others.of_some(short, len(is_short))
        return merged(*parts, k)

    def without(self, ids: Strings) -> Shard:
        """The shard, in which these ids (ascending) are no longer found."""
        return replace(self, references=self.references.without(ids))

    def _search_exactly(
        self,
        query_ids: Strings,
        queries: Floats,
        k: int,
        device: torch.device | None = None,
        within: Floats | None = None,
    ) -> Neighbors:
        tiling, count = exact.DEFAULT_TILING if device is None else exact.GPU_TILING, k + 1 + self.references.num_empty
        pairs = exact.nearest_rows(query_ids, queries, self.references, count, tiling, device, within)
        return self.references.neighbors(query_ids, _near(pairs, within), k)

    def _search_index(self, query_ids: Strings, queries: Floats, k: int, within: Floats | None) -> Neighbors:
        count = k + 1 + min(k, self.references.num_empty)
        pairs = hnsw.nearest_rows(self.index, queries, squared_norms(query_ids, queries), self.references, count)
        return self.references.neighbors(query_ids, _near(pairs, within), k)


def choose_backend(config: NeighborsConfig, num_references: int, num_queries: int | None = None) -> Backend:
    """The backend of shards that num_queries queries (default: as many as references) are searched in.

    Unless the config names it, it is exact for at most config.exact_below queries or references. Building an index
    costs more than that many exact searches, whatever the number of references is.
    """
    if config.backend in ("exact", "nmslib"):
        return config.backend
    fewest = num_references if num_queries is None else min(num_references, num_queries)
    return "exact" if fewest <= config.exact_below else "nmslib"


def num_shards(config: NeighborsConfig, num_references: int) -> int:
    """ceil(references / shard_size): as few shards as possible, since every query visits every shard."""
    return math.ceil(num_references / config.shard_size)


def build_shard(
    batches: Iterable[tuple[Sequence[str], Floats]],
    config: NeighborsConfig,
    backend: Backend,
    uri: str,
    workspace: Path,
) -> ShardHeader:
    """Write one shard under the URI from batches (ids, vectors) in ascending order of gif_id.

    It is put together in a temporary folder below the workspace. Vectors stream to a file, so memory is one batch,
    about 200 bytes a GIF and, for nmslib, what hnsw.build_index says.
    AutotagError: no references, dimensions that differ, vectors that are not unit, ids that are not ascending.
    """
    workspace.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="build-", dir=workspace) as folder:
        header = _write(Path(folder), batches, config, backend)
        for name in header.file_bytes:
            storage.upload_file(Path(folder, name), storage.join(uri, name))
        storage.write_bytes(storage.join(uri, HEADER), json.dumps(asdict(header), indent=1).encode())
    return header


def load_shard(folder: Path, config: NeighborsConfig) -> Shard:
    """Open a shard's local folder. AutotagError where it is not whole or was built with another config."""
    header = read_header(folder / HEADER)
    check_header(str(folder), header, config, {path.name: path.stat().st_size for path in folder.iterdir()})
    vectors = _open_vectors(folder)
    norms = np.load(folder / "norms.npy", allow_pickle=False)
    with pa.OSFile(str(folder / "ids.arrow")) as file:
        table = pa.ipc.open_file(file).read_all()
    ids, rows = as_strings(table["gif_id"].to_pylist()), table["row"].to_numpy()
    shape = (header.num_vectors, header.dimension)
    if (vectors.shape, norms.shape, len(ids)) != (shape, shape[:1], header.num_ids):
        raise AutotagError(
            f"{folder}: vectors {vectors.shape} and {len(ids)} ids; the header says {shape}, {header.num_ids}"
        )
    index = hnsw.load_index(folder / "index.hnsw", config) if header.backend == "nmslib" else None
    return Shard(header, References(vectors, norms, ids, rows), index)


def _near(pairs: Pairs, within: Floats | None) -> Pairs:
    """With within (queries,), the pairs that are no further away than that; else all."""
    if within is None:
        return pairs
    near = pairs.distance <= within[pairs.query]
    return Pairs(pairs.query[near], pairs.row[near], pairs.distance[near])


def _open_vectors(folder: Path) -> Floats:
    vectors: Floats = np.load(folder / "vectors.npy", mmap_mode="r", allow_pickle=False)
    return vectors


def _write(
    folder: Path, batches: Iterable[tuple[Sequence[str], Floats]], config: NeighborsConfig, backend: Backend
) -> ShardHeader:
    max_members = config.k + 1
    dimension, num_vectors, num_ids = _write_references(folder, batches, DistinctVectors(max_members))
    if backend == "nmslib":
        index = hnsw.build_index(_open_vectors(folder), config)
        index.saveIndex(str(folder / "index.hnsw"), save_data=False)
    file_bytes = {path.name: path.stat().st_size for path in sorted(folder.iterdir())}
    return ShardHeader(
        backend, dimension, num_vectors, num_ids, max_members, parameters_of(config, backend), file_bytes
    )


def _write_references(
    folder: Path, batches: Iterable[tuple[Sequence[str], Floats]], distinct: DistinctVectors
) -> tuple[int, int, int]:
    """Write vectors.npy, norms.npy and ids.arrow. Gives dimension, number of vectors and of ids."""
    dimension, num_ids = 0, 0
    norms: list[Any] = []
    with (
        (folder / "vectors.npy").open("wb") as vectors_file,
        pa.ipc.new_file(str(folder / "ids.arrow"), _IDS) as ids_file,
    ):
        for ids, vectors in batches:
            batch_norms = squared_norms(ids, vectors)
            if not dimension:
                dimension = vectors.shape[1]
                _write_npy_header(vectors_file, 0, dimension)
            if vectors.shape[1] != dimension:
                raise AutotagError(
                    f"embeddings from {ids[0]!r} on have {vectors.shape[1]} dimensions, others {dimension}"
                )
            new_vectors, kept, rows = distinct.add(ids, vectors)
            vectors_file.write(vectors[new_vectors].tobytes())
            norms.append(batch_norms[new_vectors])
            ids_file.write(
                pa.record_batch([pa.array([ids[i] for i in kept], pa.string()), pa.array(rows, pa.int64())], _IDS)
            )
            num_ids += len(kept)
        if not num_ids:
            raise AutotagError("a shard needs at least one reference")
        num_vectors = sum(len(part) for part in norms)
        vectors_file.seek(0)
        _write_npy_header(vectors_file, num_vectors, dimension)
    np.save(folder / "norms.npy", np.concatenate(norms))
    return dimension, num_vectors, num_ids


def _write_npy_header(file: Any, rows: int, dimension: int) -> None:
    """Write the header; numpy leaves room in it for more rows, so that it can be written again at the end."""
    header = {"descr": "<f4", "fortran_order": False, "shape": (rows, dimension)}
    np.lib.format.write_array_header_1_0(file, header)

"""NMSLIB's HNSW index over the rows of one shard: fast and approximate.

Rows that it finds are ranked by the same distances as the exact ones, so where both find a row they agree to the bit.

Repeatability (NMSLIB 2.1.2, observed): there is no seed parameter ("Unknown parameters found!"). Levels are drawn from
a generator that seems to be each thread's own, with one fixed seed: a second index built by the same thread is another
graph. Here each index is built with indexThreadQty 1 in a thread of its own. Then the same vectors in the same order
gave the same search results every time, in one process and in new ones; only unused bytes of the saved file differ.
With more index threads each build is another graph. Searches are the same with any number of query threads. Processors
with other vector units may round otherwise.
"""

from __future__ import annotations

import functools
import importlib.metadata
import logging
import os
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np

from autotag_core.config import NeighborsConfig
from autotag_core.errors import AutotagError
from autotag_core.neighbors.distances import Doubles, Floats, Pairs, rank_pairs
from autotag_core.neighbors.shards.references import References

SPACE = "negdotprod"
"""On unit vectors it has the same order and the same measured recall as `cosinesimil` and `l2`."""
_ADD_ROWS = 10_000


def parameters(config: NeighborsConfig) -> dict[str, int | str]:
    """What an index depends on besides its vectors. An index with other parameters can't be searched in its place."""
    return {
        "space": SPACE,
        "M": config.M,
        "efConstruction": config.efConstruction,
        "post": config.post,
        "nmslib": importlib.metadata.version("nmslib"),
    }


def build_index(vectors: Floats, config: NeighborsConfig) -> Any:
    """An index over L2-normalised vectors (rows, dimension).

    Memory: the vectors twice (NMSLIB's objects and its search layout), plus about 8 M + 16 bytes of links a row.
    """
    built: list[Any] = []
    failed: list[Exception] = []

    def build() -> None:
        try:
            built.append(_build(vectors, config))
        except Exception as error:
            failed.append(error)

    thread = threading.Thread(target=build, name="hnsw-build")  # the module's docstring has the reason
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return built[0]


def load_index(path: Path, config: NeighborsConfig) -> Any:
    """A saved index, ready for queries with config.efSearch."""
    index = _empty_index()
    try:
        index.loadIndex(str(path), load_data=False)
    except RuntimeError as error:
        raise AutotagError(f"{path}: NMSLIB cannot load this index: {error}") from None
    index.setQueryTimeParams({"efSearch": config.efSearch})
    return index


def nearest_rows(index: Any, queries: Floats, query_norms: Doubles, references: References, count: int) -> Pairs:
    """About the first `count` rows of each query by (distance, row).

    The caller has checked the queries: NMSLIB gives no error for a query of the wrong dimension.
    """
    found = index.knnQueryBatch(queries, k=min(count, len(references.vectors)), num_threads=1)
    query = np.repeat(np.arange(len(found)), [len(rows) for rows, _ in found])
    row = np.concatenate([rows for rows, _ in found]).astype(np.int64) if found else np.empty(0, np.int64)
    distance = references.distances(queries, query_norms).of(query, row)
    return rank_pairs(query, row, distance, count)


def _build(vectors: Floats, config: NeighborsConfig) -> Any:
    index = _empty_index()
    for start in range(0, len(vectors), _ADD_ROWS):
        rows = np.arange(start, min(start + _ADD_ROWS, len(vectors)), dtype=np.int32)
        index.addDataPointBatch(np.ascontiguousarray(vectors[rows]), rows)
    index.createIndex(
        {
            "M": config.M,
            "efConstruction": config.efConstruction,
            "post": config.post,
            "indexThreadQty": config.index_threads,
        }
    )
    index.setQueryTimeParams({"efSearch": config.efSearch})
    return index


def _empty_index() -> Any:
    nmslib = _import_nmslib()
    return nmslib.init(method="hnsw", space=SPACE, data_type=nmslib.DataType.DENSE_VECTOR, dtype=nmslib.DistType.FLOAT)


@functools.cache
def _import_nmslib() -> Any:
    """NMSLIB, without the advice on build flags that its wheel prints to file descriptor 2 of every process."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        import nmslib
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
    logging.getLogger("nmslib").setLevel(logging.WARNING)
    return nmslib

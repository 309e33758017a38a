"""All-pairs neighbors by NN-descent: approximate, in a small part of the time that HNSW takes.

A graph joins the distinct vectors of queries and references. The neighbors of a GIF are the references among the
vectors beside its own. Their distances are those of an exact search, to the bit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from autotag_core.config import NeighborsConfig
from autotag_core.neighbors.distances import Floats, Integers, Neighbors, Strings, no_neighbors
from autotag_core.neighbors.graph.distinct_vectors import GifRows, gif_rows
from autotag_core.neighbors.graph.graph import Graph, neighbor_graph
from autotag_core.neighbors.shards import exact
from autotag_core.neighbors.shards.references import References, as_strings

SMALL = 4096
"""Rows of references up to which the graph is exact: NN-descent would take as long."""


def graph_neighbors(
    ids: Sequence[str] | Strings,
    vectors: Floats,  # (GIFs, dimension)
    is_reference: npt.NDArray[np.bool_],
    config: NeighborsConfig,
    num_threads: int = 1,
) -> Neighbors:
    """About the k nearest references of each GIF by 1 - cosine, ties by gif_id, never itself.

    Vectors are L2-normalised float32 and are overwritten; ids are ascending. A GIF gets k neighbors if there are as
    many. Repeatable, also with other numbers of threads. Cost: about n^1.1, 2 core-seconds for 50,000 x 256 and k 10.
    Memory: the vectors, once more while the graph is built, and about 12 (k + graph_margin) + 800 bytes a GIF.
    AutotagError as exact_neighbors.
    """
    ids = as_strings(ids)
    gifs = gif_rows(ids, vectors, is_reference, config.k + 1, num_threads)
    if not len(gifs.members):
        return no_neighbors(len(ids))
    graph = _graph(gifs, config, num_threads)
    found = gifs.nearest(graph, config.k, num_threads)
    short = np.flatnonzero(found[2] < np.minimum(config.k, len(gifs.members) - (gifs.own >= 0)))
    if len(short):  # these lie among vectors that are no reference
        rows = np.unique(gifs.rows[short])
        graph[rows, : config.k + 1] = _exact_graph(gifs, rows, config.k + 1)
        found = gifs.nearest(graph, config.k, num_threads)
    members, distances, counts = found
    kept = np.arange(config.k) < counts[:, None]
    return Neighbors(np.concatenate([[0], np.cumsum(counts)]), ids[gifs.members[members[kept]]], distances[kept])


def _graph(gifs: GifRows, config: NeighborsConfig, num_threads: int) -> Graph:
    """Beside each row about the nearest ones. If references are spread evenly, k + 1 of them are among these.

    A graph holds at most as many other rows as rows of references. If there are more, several graphs are built.
    """
    num_rows = len(gifs.vectors)
    is_reference = np.diff(gifs.starts) > 0
    references, others = np.flatnonzero(is_reference), np.flatnonzero(~is_reference)
    if len(references) <= SMALL:
        return _exact_graph(gifs, np.arange(num_rows), config.k + 1)
    num_graphs = max(1, math.ceil(len(others) / len(references)))
    per_reference = 1 + len(others) / num_graphs / len(references)
    graph = np.empty((num_rows, math.ceil(per_reference * (config.k + 1 + config.graph_margin))), np.int32)
    for number in range(num_graphs):
        rows = np.sort(np.concatenate([references, others[number::num_graphs]]))
        vectors = gifs.vectors if len(rows) == num_rows else gifs.vectors[rows]
        graph[rows] = rows[neighbor_graph(vectors, graph.shape[1], num_threads)]
    return graph


def _exact_graph(gifs: GifRows, rows: Integers, degree: int) -> Graph:
    """The nearest rows that have members beside each of these. Where they are fewer than `degree`, the last repeats."""
    near = np.flatnonzero(np.diff(gifs.starts))
    nobody = np.empty(0, object)
    references = References(gifs.vectors[near], gifs.norms[near], nobody, np.empty(0, np.int64))
    pairs = exact.nearest_rows(as_strings(rows.astype(str).tolist()), gifs.vectors[rows], references, degree)
    found = near[pairs.row].reshape(len(rows), -1)
    return np.pad(found, ((0, 0), (0, degree - found.shape[1])), mode="edge").astype(np.int32)

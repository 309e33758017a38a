"""The nearest GIFs in an expert's space: exact or HNSW, one shard of the reference at a time, or all by NN-descent."""

from autotag_core.neighbors.cells import find_centers, nearest_centers
from autotag_core.neighbors.distances import Neighbors
from autotag_core.neighbors.graph.nndescent import graph_neighbors
from autotag_core.neighbors.shards.exact import exact_neighbors
from autotag_core.neighbors.shards.search_shards import ShardSet, open_shard, search_shards
from autotag_core.neighbors.shards.shard import Shard, build_shard, choose_backend, load_shard, num_shards
from autotag_core.neighbors.shards.shard_header import Backend, ShardHeader, check_shard

__all__ = [
    "Backend",
    "Neighbors",
    "Shard",
    "ShardHeader",
    "ShardSet",
    "build_shard",
    "check_shard",
    "choose_backend",
    "exact_neighbors",
    "find_centers",
    "graph_neighbors",
    "load_shard",
    "nearest_centers",
    "num_shards",
    "open_shard",
    "search_shards",
]

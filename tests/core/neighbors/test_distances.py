"""Lists of two shards become one: the nearest of both, whichever comes first."""

import tracemalloc

import numpy as np
import pytest

from autotag_core.config import NeighborsConfig
from autotag_core.neighbors import ShardSet, build_shard, search_shards
from autotag_core.neighbors.distances import Neighbors, merged, no_neighbors
from autotag_core.neighbors.shards import search_shards as cache


def neighbors(*lists):
    """One query's (distance, id) pairs after the other's."""
    pairs = [pair for found in lists for pair in found]
    ids = np.array([gif_id for _, gif_id in pairs] or [], dtype=object)
    offsets = np.cumsum([0, *map(len, lists)])
    return Neighbors(offsets, ids, np.array([distance for distance, _ in pairs], np.float32))


def lists(found):
    return [list(zip(found.of(i)[1], found.of(i)[0], strict=True)) for i in range(len(found.offsets) - 1)]


LEFT = neighbors([(0.0, "b"), (0.5, "m"), (0.5, "z")], [], [(1.0, "q")])
RIGHT = neighbors([(0.0, "a"), (0.5, "n"), (0.75, "c")], [(0.25, "d")], [])
BOTH = [[(0.0, "a"), (0.0, "b"), (0.5, "m"), (0.5, "n")], [(0.25, "d")], [(1.0, "q")]]


def test_the_nearest_of_both_come_first_and_ties_are_ordered_by_id():
    assert lists(merged(LEFT, RIGHT, 4)) == BOTH
    assert lists(merged(RIGHT, LEFT, 4)) == BOTH
    assert merged(LEFT, RIGHT, 4).distances.dtype == np.float32


def test_nothing_and_something_is_something():
    assert lists(merged(no_neighbors(3), LEFT, 2)) == [[(0.0, "b"), (0.5, "m")], [], [(1.0, "q")]]
    assert lists(merged(no_neighbors(2), no_neighbors(2), 2)) == [[], []]
    assert lists(merged(no_neighbors(0), no_neighbors(0), 2)) == []


def test_merging_equals_sorting_all_pairs_with_many_ties():
    random = np.random.default_rng(3)
    ids = [f"{number:03d}" for number in random.permutation(400)]
    parts = [
        neighbors(
            *(
                sorted((float(random.integers(4)), gif_id) for gif_id in ids[part::4][: random.integers(20)])
                for _ in range(30)
            )
        )
        for part in range(4)
    ]
    wanted = [sorted(pair for part in parts for pair in lists(part)[query])[:10] for query in range(30)]
    found = no_neighbors(30)
    for part in parts:
        found = merged(found, part, 10)
    assert lists(found) == wanted


@pytest.mark.parametrize("num_shards", [2, 8])
def test_a_search_never_holds_more_than_2_k_candidates_of_a_query(num_shards, clustered, tmp_path, monkeypatch):
    config = NeighborsConfig(k=10)
    ids, vectors = [f"gif{i:06d}" for i in range(4000)], clustered(4000, 8, 5)
    uris = [str(tmp_path / str(part)) for part in range(num_shards)]
    for part, uri in enumerate(uris):
        build_shard([(ids[part::num_shards], vectors[part::num_shards])], config, "exact", uri, tmp_path)
    held = []

    def counted(left, right, k):
        held.append(len(left.distances) + len(right.distances))
        return merged(left, right, k)

    monkeypatch.setattr(cache, "merged", counted)
    found = search_shards(ShardSet(uris), ids, vectors, config, tmp_path)
    assert np.diff(found.offsets).max() == 10
    assert max(held) <= 2 * 10 * len(ids)


def test_merging_takes_about_as_much_memory_as_stated():
    num_queries, k = 20_000, 40
    ids = np.array([f"gif{i:09d}" for i in range(2 * num_queries * k)], dtype=object)
    random = np.random.default_rng(1)
    offsets = np.arange(num_queries + 1) * k
    parts = [
        Neighbors(offsets, part, np.sort(random.random((num_queries, k), np.float32)).reshape(-1))
        for part in (ids[: num_queries * k], ids[num_queries * k :])
    ]
    tracemalloc.start()
    merged(*parts, k)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 * 2 * num_queries * k

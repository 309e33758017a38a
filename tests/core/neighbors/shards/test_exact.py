"""Exact neighbors: known answers, ties, and the same bits however the work is cut."""

import math

import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestNeighbors

from autotag_core.errors import AutotagError
from autotag_core.neighbors import exact_neighbors
from autotag_core.neighbors.shards.exact import Tiling, nearest_rows
from autotag_core.neighbors.shards.references import as_strings, distinct_references

EAST, NORTH, WEST, SOUTH = [1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]
NORTH_EAST = [0.6, 0.8]


def floats(*rows):
    return np.array(rows, dtype=np.float32).reshape(len(rows), -1)


def ids_of(count):
    return [f"gif{i:06d}" for i in range(count)]


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def lists(found):
    return [found.of(i) for i in range(len(found.offsets) - 1)]


def nearest_distances(vectors, k):
    """The k smallest distances of each row to the others, from exactly rounded sums."""
    rows = vectors.astype(np.float64).tolist()
    norms = [math.fsum(x * x for x in row) for row in rows]
    result = []
    for i, one in enumerate(rows):
        others = [j for j in range(len(rows)) if j != i]
        dots = [math.fsum(x * y for x, y in zip(one, rows[j], strict=True)) for j in others]
        cosines = [dot / math.sqrt(norms[i] * norms[j]) for dot, j in zip(dots, others, strict=True)]
        result.append(sorted(1 - cosine for cosine in cosines)[:k])
    return np.array(result)


def test_distances_are_one_minus_cosine_and_the_nearest_comes_first():
    found = exact_neighbors(["q"], floats(EAST), ["w", "n", "ne"], floats(WEST, NORTH, NORTH_EAST), k=3)
    names, distances = found.of(0)
    assert names == ["ne", "n", "w"]
    assert distances == pytest.approx([0.4, 1.0, 2.0], abs=1e-7)


def test_equal_distances_are_ordered_by_gif_id():
    found = exact_neighbors(["q"], floats(EAST), ["s", "é", "n", "z"], floats(SOUTH, NORTH, NORTH, SOUTH), k=3)
    assert found.of(0) == (["n", "s", "z"], [1.0, 1.0, 1.0])


def test_a_gif_is_never_its_own_neighbor_but_its_copy_is():
    found = exact_neighbors(["a", "b"], floats(EAST, EAST), ["a", "b", "n"], floats(EAST, EAST, NORTH), k=2)
    assert lists(found) == [(["b", "n"], [0.0, 1.0]), (["a", "n"], [0.0, 1.0])]


def test_fewer_references_than_k_give_all_of_them():
    found = exact_neighbors(["a", "q"], floats(EAST, EAST), ["a", "n"], floats(EAST, NORTH), k=10)
    assert lists(found) == [(["n"], [1.0]), (["a", "n"], [0.0, 1.0])]


def test_no_reference_gives_empty_lists_and_no_query_gives_none():
    assert lists(exact_neighbors(["q"], floats(EAST), [], np.empty((0, 2), np.float32), k=3)) == [([], [])]
    assert lists(exact_neighbors([], np.empty((0, 2), np.float32), ["a"], floats(EAST), k=3)) == []


def test_copies_have_distance_zero_and_the_smallest_ids_win():
    ids = ids_of(3000)
    vectors = np.repeat(unit(np.random.default_rng(1).normal(size=(1, 300))), 3000, axis=0)
    found = exact_neighbors(ids, vectors, ids[::-1], vectors, k=3)
    assert found.of(0) == (["gif000001", "gif000002", "gif000003"], [0.0, 0.0, 0.0])
    assert found.of(1) == (["gif000000", "gif000002", "gif000003"], [0.0, 0.0, 0.0])
    assert found.of(2999) == (["gif000000", "gif000001", "gif000002"], [0.0, 0.0, 0.0])


@pytest.mark.parametrize(("dimension", "noise"), [(40, 1e-6), (40, 1e-4), (333, 1e-5), (7, 1.0)])
def test_no_neighbor_is_missed_among_vectors_too_close_for_float32(dimension, noise):
    random = np.random.default_rng(dimension)
    vectors = unit(random.normal(size=(1, dimension)) + noise * random.normal(size=(120, dimension)))
    tiling = Tiling(queries=50, references=32, waiting_pairs=100)
    found = exact_neighbors(ids_of(120), vectors, ids_of(120), vectors, 5, tiling)
    expected = nearest_distances(vectors, 5)
    np.testing.assert_allclose(found.distances.reshape(120, 5), expected, rtol=1e-7, atol=1e-15)


def test_neighbors_are_those_of_scikit_learn(clustered):
    vectors, ids = clustered(3000, 64, 5), ids_of(3000)
    found = exact_neighbors(ids, vectors, ids, vectors, k=10)
    oracle = NearestNeighbors(n_neighbors=11, metric="cosine", algorithm="brute").fit(vectors.astype(np.float64))
    distances, rows = oracle.kneighbors(vectors.astype(np.float64))
    assert (rows[:, 0] == np.arange(3000)).all()
    expected = [[ids[row] for row in nearest[1:]] for nearest in rows]
    assert [found.of(i)[0] for i in range(3000)] == expected
    np.testing.assert_allclose(found.distances.reshape(3000, 10), distances[:, 1:], rtol=1e-6)


@pytest.mark.parametrize("tiling", [Tiling(30, 77), Tiling(64, 100, 50), Tiling(1000, 5), Tiling(7, 4096)])
def test_the_same_bits_whatever_the_tiling(clustered, tiling):
    vectors, ids = clustered(700, 100, 6), ids_of(700)
    vectors[500:] = vectors[:200]
    whole = exact_neighbors(ids, vectors, ids, vectors, k=10)
    tiled = exact_neighbors(ids, vectors, ids, vectors, 10, tiling)
    assert lists(tiled) == lists(whole)
    assert tiled.distances.tobytes() == whole.distances.tobytes()


def test_the_same_bits_whatever_the_batch_of_queries_and_the_order_of_references(clustered):
    vectors, ids = clustered(600, 100, 7), ids_of(600)
    order = np.random.default_rng(0).permutation(600)
    whole = lists(exact_neighbors(ids, vectors, ids, vectors, k=10))
    one_by_one = [
        exact_neighbors([ids[i]], vectors[i : i + 1], [ids[j] for j in order], vectors[order], k=10).of(0)
        for i in range(0, 600, 20)
    ]
    assert one_by_one == whole[::20]


@pytest.mark.parametrize("tiling", [Tiling(), Tiling(7, 64, 50)])
@pytest.mark.parametrize("device", [None, torch.device("cpu")])
def test_what_is_within_reach_is_found_to_the_last_bit_and_little_else(clustered, tiling, device):
    vectors, ids = clustered(500, 48, 3), as_strings(ids_of(500))
    references = distinct_references(ids, vectors, 10)
    whole = nearest_rows(ids, vectors, references, 11)
    within = whole.distance.reshape(500, 11)[:, 4].copy()  # as far as the fifth, itself first
    found = nearest_rows(ids, vectors, references, 11, tiling, device, within)
    near = [
        list(zip(pairs.query[kept], pairs.row[kept], pairs.distance[kept], strict=True))
        for pairs in (whole, found)
        for kept in [pairs.distance <= within[pairs.query]]
    ]
    assert near[0] == near[1] and len(near[0]) >= 5 * 500
    assert len(found.row) < 1.1 * len(near[0])


@pytest.mark.parametrize(
    ("query", "reference_ids", "reference", "message"),
    [
        (floats([1, 0, 0]), ["a"], floats(EAST), "dimensions must be equal"),
        (floats([math.nan, 0]), ["a"], floats(EAST), "'q' has numbers that are not finite"),
        (floats(EAST), ["a", "b"], floats(EAST, [math.inf, 0]), "'b' has numbers that are not finite"),
        (floats([3, 4]), ["a"], floats(EAST), "'q' has length 5"),
        (floats(EAST), ["a"], floats([0, 0]), "'a' has length 0"),
        (floats(EAST), ["a", "b", "a"], floats(EAST, NORTH, WEST), "'a' comes twice"),
        (floats(EAST), ["a", "b"], floats(EAST), "2 ids for 1"),
        (floats(EAST), ["a"], floats(EAST).astype(np.float64), "float64"),
    ],
)
def test_wrong_input_is_named(query, reference_ids, reference, message):
    with pytest.raises(AutotagError, match=message):
        exact_neighbors(["q"], query, reference_ids, reference, k=1)


@pytest.mark.parametrize("tiling", [Tiling(64, 100), Tiling(7, 1000, 50)])
def test_torch_finds_the_same_rows_to_the_bit(clustered, tiling):
    vectors = clustered(700, 48, 6)
    vectors[300:420] = vectors[0] + 1e-7  # nearly equal: only float64 tells them apart
    vectors[300:420] /= np.linalg.norm(vectors[300:420], axis=1, keepdims=True)
    ids = as_strings(ids_of(700))
    references = distinct_references(ids, vectors, 10)
    expected = nearest_rows(ids, vectors, references, 11, tiling)
    found = nearest_rows(ids, vectors, references, 11, tiling, torch.device("cpu"))
    for name in ("query", "row", "distance"):
        assert getattr(found, name).tobytes() == getattr(expected, name).tobytes()

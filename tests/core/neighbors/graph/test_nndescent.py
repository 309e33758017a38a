"""Neighbors from a graph of all GIFs at once, held against exact ones."""

from __future__ import annotations

import numpy as np
import pytest

from autotag_core.config import NeighborsConfig
from autotag_core.errors import AutotagError
from autotag_core.neighbors import exact_neighbors, graph_neighbors
from autotag_core.neighbors.distances import PairDistances
from autotag_core.neighbors.graph import nndescent
from autotag_core.neighbors.graph.graph import neighbor_graph

CONFIG = NeighborsConfig(k=10, backend="nndescent")


def ids_of(count):
    return [f"gif{i:06d}" for i in range(count)]


def lists(found):
    return [found.of(i) for i in range(len(found.offsets) - 1)]


def exact(ids, vectors, is_reference, k=10):
    references = np.flatnonzero(is_reference)
    return exact_neighbors(ids, vectors, [ids[i] for i in references], vectors[references], k)


def recall(found, expected):
    hits = [len(set(a[0]) & set(b[0])) / len(b[0]) for a, b in zip(lists(found), lists(expected), strict=True)]
    return np.array(hits)


@pytest.fixture
def always_a_graph(monkeypatch):
    """NN-descent, however few references there are."""
    monkeypatch.setattr(nndescent, "SMALL", 0)


@pytest.fixture(scope="module")
def drawn(clustered):
    return clustered(6000, 64, 5)


def test_the_graph_finds_98_of_100_in_order_and_is_the_same_for_any_number_of_threads(drawn):
    graph = neighbor_graph(drawn, 15, 1)
    closeness = np.take_along_axis(drawn @ drawn.T, graph.astype(np.int64), axis=1)
    assert (np.diff(closeness, axis=1) <= 5e-4).all()  # closeness of rounded vectors is off by 1e-4
    scores = drawn @ drawn.T
    np.fill_diagonal(scores, -np.inf)
    wanted = np.argsort(-scores, axis=1)[:, :10]
    assert np.mean([len(set(a) & set(b)) / 10 for a, b in zip(graph, wanted, strict=True)]) >= 0.98
    assert (neighbor_graph(drawn, 15, 3) == graph).all()


def test_rows_that_are_all_alike_or_fewer_than_places_fill_their_lists_with_themselves():
    graph = neighbor_graph(np.eye(3, dtype=np.float32), 5, 2)
    assert [sorted(set(row)) for row in graph.tolist()] == [[0, 1, 2]] * 3
    alike = np.repeat(np.eye(2, dtype=np.float32)[:1], 500, axis=0)
    assert neighbor_graph(alike, 4, 2).shape == (500, 4)


@pytest.mark.parametrize("share", [1.0, 0.8, 0.2])
def test_references_and_others_get_95_of_100_exact_neighbors(always_a_graph, drawn, share):
    ids = ids_of(6000)
    is_reference = np.random.default_rng(1).random(6000) < share
    found = graph_neighbors(ids, drawn.copy(), is_reference, CONFIG, 2)
    hits = recall(found, exact(ids, drawn, is_reference))
    assert hits[is_reference].mean() >= 0.95
    if share < 1:
        assert hits[~is_reference].mean() >= 0.95
        assert {name for names, _ in lists(found) for name in names} <= {ids[i] for i in np.flatnonzero(is_reference)}


def test_few_references_are_searched_exactly_to_the_bit(drawn):
    ids, is_reference = ids_of(6000), np.arange(6000) % 3 == 0
    found = graph_neighbors(ids, drawn.copy(), is_reference, CONFIG)
    assert lists(found) == lists(exact(ids, drawn, is_reference))


def test_whole_regions_without_a_reference_get_full_lists(always_a_graph, clustered):
    far = clustered(3000, 16, 2)
    far[:1500, 0], far[1500:, 0] = -5, 5
    far /= np.linalg.norm(far, axis=1, keepdims=True)
    ids, is_reference = ids_of(3000), np.arange(3000) >= 1500
    found = graph_neighbors(ids, far.copy(), is_reference, CONFIG)
    assert (np.diff(found.offsets) == 10).all()
    assert recall(found, exact(ids, far, is_reference)).mean() >= 0.95


@pytest.mark.parametrize("num_copied", [2, 1000])
def test_thousands_of_copies_of_references_and_of_others_do_not_hide_the_rest(always_a_graph, clustered, num_copied):
    vectors = clustered(4000, 32, 7)
    vectors[1000:4000] = vectors[np.arange(3000) % num_copied]
    ids, is_reference = ids_of(4000), np.arange(4000) % 4 > 0
    found = graph_neighbors(ids, vectors.copy(), is_reference, CONFIG, 2)
    expected = exact(ids, vectors, is_reference)
    copies = np.arange(1000, 4000)
    if num_copied == 2:  # more than k copies: their lists are these, the first by gif_id
        assert [found.of(i) for i in copies] == [expected.of(i) for i in copies]
    assert recall(found, expected).mean() >= 0.95
    assert all(names.count(gif_id) == 0 for gif_id, (names, _) in zip(ids, lists(found), strict=True))


def test_no_reference_one_gif_and_no_gif():
    east = np.array([[1, 0]], np.float32)
    assert lists(graph_neighbors(["a", "b"], east.repeat(2, 0), np.array([False, False]), CONFIG)) == [([], [])] * 2
    assert lists(graph_neighbors(["a"], east.copy(), np.array([True]), CONFIG)) == [([], [])]
    assert lists(graph_neighbors(["a", "b"], east.repeat(2, 0), np.array([True, False]), CONFIG)) == [
        ([], []),
        (["a"], [0.0]),
    ]
    assert lists(graph_neighbors([], east[:0], np.empty(0, bool), CONFIG)) == []


@pytest.mark.parametrize(
    ("ids", "vectors", "message"),
    [
        (["b", "a"], [[1, 0], [0, 1]], "'a' comes after 'b'"),
        (["a", "a"], [[1, 0], [0, 1]], "'a' comes after 'a'"),
        (["a", "b"], [[1, 0], [1, 1]], "'b' has length 1.41"),
        (["a", "b"], [[1, 0], [np.nan, 1]], "'b' has numbers that are not finite"),
    ],
)
def test_gifs_that_do_not_fit_are_named(ids, vectors, message):
    with pytest.raises(AutotagError, match=message):
        graph_neighbors(ids, np.array(vectors, np.float32), np.array([True, True]), CONFIG)


@pytest.mark.parametrize("dimension", [1, 2, 3, 24, 250, 257])
def test_compiled_distances_are_those_of_numpy_to_the_bit(dimension):
    from autotag_core.neighbors.shards import exact_loops as kernels

    vectors = np.random.default_rng(dimension).normal(size=(60, dimension)).astype(np.float32)
    norms, hashes = np.empty(60), np.empty((60, 2), np.uint64)
    kernels.fill_rows(vectors, norms, hashes, 0, 60)
    buffer = np.empty(dimension)
    rows = np.arange(60)
    of = PairDistances(vectors, norms, vectors, norms)
    for shift in (0, 1, 7):
        cosines = np.array([kernels.dot(vectors[i], vectors[(i + shift) % 60], buffer) for i in rows])
        cosines /= np.sqrt(norms * norms[(rows + shift) % 60])
        expected = of.of(rows, (rows + shift) % 60)
        assert np.clip(1 - cosines, 0, 2).astype(np.float32).tobytes() == expected.tobytes()
    assert len(np.unique(hashes, axis=0)) == 60

"""Components of literal graphs, and of drawn ones beside networkx."""

import networkx
import numpy as np
import pyarrow as pa

from autotag_core.duplicates.components import component_roots


def roots(edges):
    nodes, others = (pa.array([edge[end] for edge in edges], pa.string()) for end in (0, 1))
    return dict(zip(*(column.to_pylist() for column in component_roots(nodes, others)), strict=True))


def test_each_node_but_the_smallest_has_the_smallest_of_its_component():
    assert roots([("b", "a"), ("c", "b"), ("y", "x"), ("z", "z")]) == {"b": "a", "c": "a", "y": "x"}
    assert roots([]) == {}


def test_ids_are_ordered_by_their_bytes():
    assert roots([("é", "z"), ("Z", "z"), ("\U0001f600", "\uffff")]) == {"z": "Z", "é": "Z", "\U0001f600": "\uffff"}


def test_components_are_those_of_networkx():
    ends = np.random.default_rng(3).integers(0, 400, (250, 2))
    edges = [(f"g{a:03d}", f"g{b:03d}") for a, b in ends]
    components = networkx.connected_components(networkx.Graph(edges))
    assert roots(edges) == {node: min(found) for found in components for node in found if node != min(found)}

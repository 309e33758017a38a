"""Connected components of a graph that fits one task."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def component_roots(nodes: pa.Array, others: pa.Array) -> tuple[pa.Array, pa.Array]:
    """(node, root): each node that is not the smallest id of its component, with that id; nodes ascending.

    nodes and others (edges,) are the two ends of each edge, strings that are ordered by their bytes. Memory: about 100
    bytes an edge.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    ids = pc.unique(pa.concat_arrays([nodes, others])).sort()
    ends = [pc.index_in(end, ids).to_numpy(zero_copy_only=False) for end in (nodes, others)]
    graph = coo_array((np.ones(len(nodes), bool), tuple(ends)), shape=(len(ids), len(ids)))
    _, components = connected_components(graph, directed=False)  # (ids,)
    _, smallest = np.unique(components, return_index=True)  # of each component its first id
    roots = smallest[components]
    is_other = roots != np.arange(len(ids))
    return ids.filter(pa.array(is_other)), ids.take(pa.array(roots[is_other]))

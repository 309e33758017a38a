"""Connected components of a graph of any size: edges in, each node's smallest reachable node out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from udfs.tasks.keep import Keep

EDGES_OF_ONE_TASK = 1_000_000
"""So many edges are a graph of about 100 MB, which one task resolves in seconds."""


def connected_components(edges_df: DataFrame, keep: Keep, edges_of_one_task: int = EDGES_OF_ONE_TASK) -> DataFrame:
    """(node, root) of each node that is not the smallest of its component. edges_df is (node, other), in any order.

    Where at most edges_of_one_task are left without repetitions, one task finds them by scipy, in one pass. More go in
    rounds: large-star and small-star alternate (Kiveris et al. 2014, "Connected Components in MapReduce and Beyond")
    until the graph is stars around their smallest nodes, which one more round would leave as they are. Rounds: proven
    O(log(edges)^2). There is none if every node is next to the smallest of its component and to no other; a chain of
    200 takes 7. A round: three shuffles of at most twice the edges, kept once, and one of their ends to see whether it
    was the last. A hub's edges pass one task, which spills. The driver sees no edge. edges_df is read to be counted, to
    see whether there must be a round, and in the first one, so give it a table, not a plan.
    """
    larger, smaller = F.greatest("node", "other"), F.least("node", "other")
    links_df = edges_df.where("node != other").select(larger.alias("node"), smaller.alias("root")).distinct()
    if links_df.count() <= edges_of_one_task:
        return links_df.coalesce(1).mapInArrow(_in_one_task, "node string, root string")
    while not _are_stars(links_df):
        links_df = keep(_small_star(_large_star(links_df)))
    return links_df


def star_groups(edges_df: DataFrame) -> DataFrame:
    """(node, root) of components that must not be trusted: only nodes next to a root. edges_df is (node, other).

    A root is a node smaller than all that it has an edge with. Every other node joins the smallest root that it has an
    edge with, or none if it has none. So no chain holds a group together. Two shuffles of the edges and one join.
    """
    both_df = edges_df.where("node != other").select("node", "other")
    both_df = both_df.union(both_df.select("other", "node")).distinct()
    roots_df = both_df.groupBy("node").agg(F.min("other").alias("least")).where("node < least")
    return (
        both_df.join(roots_df.select(F.col("node").alias("other")), "other")
        .groupBy("node")
        .agg(F.min("other").alias("root"))
    )


def _in_one_task(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    from autotag_core.duplicates.components import component_roots

    links = pa.Table.from_batches(batches, pa.schema([("node", pa.string()), ("root", pa.string())]))
    columns = component_roots(*(links[name].combine_chunks() for name in ("node", "root")))
    yield pa.RecordBatch.from_arrays(list(columns), ["node", "root"])


def _large_star(links_df: DataFrame) -> DataFrame:
    """Links every larger neighbor of a node to the node's smallest neighbor, or to the node if that is smaller."""
    ends = F.array(
        F.struct("node", F.col("root").alias("other")),
        F.struct(F.col("root").alias("node"), F.col("node").alias("other")),
    )
    both_df = links_df.select(F.explode(ends).alias("end")).select("end.*")
    least = F.least("node", F.min("other").over(Window.partitionBy("node")))
    linked_df = both_df.select("node", "other", least.alias("least")).where("other > node")
    return linked_df.select(F.col("other").alias("node"), F.col("least").alias("root"))


def _small_star(links_df: DataFrame) -> DataFrame:
    """Links a node and all its smaller neighbors to the smallest of these."""
    least = F.min("root").over(Window.partitionBy("node"))
    ends_df = links_df.select(F.explode(F.array("node", "root")).alias("end"), least.alias("least"))
    return ends_df.where("end != least").select(F.col("end").alias("node"), F.col("least").alias("root")).distinct()


def _are_stars(links_df: DataFrame) -> bool:
    """Whether each node has one root and no root is a node."""
    ends = F.array(
        F.struct(F.col("node").alias("end"), F.lit(1).alias("as_node"), F.lit(0).alias("as_root")),
        F.struct(F.col("root").alias("end"), F.lit(0).alias("as_node"), F.lit(1).alias("as_root")),
    )
    ends_df = links_df.select(F.explode(ends).alias("end")).select("end.*").groupBy("end")
    counted_df = ends_df.agg(F.sum("as_node").alias("as_node"), F.max("as_root").alias("as_root"))
    return counted_df.where("as_node + as_root > 1").isEmpty()

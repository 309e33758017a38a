"""Settings of neighbors, near duplicates and related tags."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from autotag_core.config.section import Count, PositiveCount, Section


class NeighborsConfig(Section):
    """How the nearest GIFs are found."""

    k: PositiveCount = 40
    """Neighbors of a GIF in each expert's space. The published rule hears vote.neighbors of them."""
    backend: Literal["auto", "exact", "nmslib", "nndescent"] = "auto"
    """`exact`: tiled matrix product. `nndescent`: a graph of all GIFs at once, approximate; a night on which little
    changed searches exactly for up to exact_below GIFs, for more by `nmslib`. `nmslib`: HNSW, whose indexes stay with
    the release. `auto`: exact up to exact_below reference GIFs or queries, ten times that on GPUs, else
    `nndescent`."""
    exact_below: Count = 50_000
    """Reference GIFs of an expert, or GIFs that are searched for, up to which `auto` is exact: a quarter of a minute of
    a core at 256 dimensions. Beyond it, approximate ones cost much less."""
    shard_size: PositiveCount = 250_000
    """Reference GIFs in one index shard: every query visits every shard, so few and large; but a task that builds one
    with nmslib holds its vectors twice, 2.7 GB at 1280 dimensions: spark.executor.memoryOverhead is set for that."""
    M: PositiveCount = 16
    """HNSW's links of a point."""
    efConstruction: PositiveCount = 200
    """HNSW's candidates while the graph is built: the more, the better and slower."""
    efSearch: PositiveCount = 100
    """HNSW's candidates while it is searched: the more, the better and slower."""
    post: ClassVar[int] = 2
    """HNSW's passes over the finished graph."""
    index_threads: ClassVar[int] = 1
    """Threads that build one index shard. 1 builds the same graph every time; more does not."""
    graph_margin: Count = 2
    """Places in a list of NN-descent's graph beyond the k + 1 that are needed: the more, the better and slower."""
    partition_size: PositiveCount = 250_000
    """GIFs in one graph of NN-descent; more are cut into cells. A task holds its vectors twice, 3.1 GB at 1280
    dimensions; where they are fewer, or memory is more, raise it: one graph is better and cheaper than cells."""
    partition_overlap: ClassVar[int] = 2
    """Cells that a GIF goes into: what lies at the border of one lies inside of another."""


class DuplicatesConfig(Section):
    """How copies of one GIF are found; the three limits are what benchmarks/duplicates.py found to be 99% right.

    They are set for catalogs with recoloured sets (a hand in three skin tones), which only colour tells from copies.
    """

    enabled: bool = True
    """Whether groups of copies are looked for; it needs the `imagenet` expert."""
    count_once: bool = False
    """A group of copies counts once among a GIF's neighbors. Off, since with one GIF in ten copied once it gains
    nothing; where GIFs are uploaded ten times it keeps them from out-voting all others. What copies fill of neighbors.k
    is not replaced: then raise that too."""
    flow_tags: bool = True
    """Tags that copies of a GIF came with are judged as if the GIF had come with them itself."""
    max_distance: Annotated[float, Field(ge=0, le=2)] = 0.12
    """Two GIFs further apart for `imagenet` (1 - cosine) are not copies."""
    max_hash_bits: Annotated[float, Field(ge=0, le=64)] = 4
    """Two GIFs whose pictures' 64-bit hashes differ by more bits, on average, are not copies. 16 (with colours 8 apart)
    also finds most cropped copies where GIFs differ in more than details, and takes emoji of one outline for copies."""
    max_color_difference: Annotated[float, Field(ge=0, le=255)] = 1.75
    """Two GIFs whose colours (mean RGB of a picture's quarters) differ by more levels, on average, are not copies.
    2.5 finds a few more resized ones, and takes a cat that smiles for one that grins."""
    max_group: ClassVar[int] = 1000
    """A group of more distinct files than this is a chain of GIFs that are each a little like the next, not copies of
    one: only what matches the group's smallest GIF itself stays together."""


class RelatedConfig(Section):
    """Related tags, GIFs and searches, from the space of the `semantic` expert."""

    enabled: bool = True
    """Whether they are looked for; without the `semantic` expert there are none."""
    k: PositiveCount = 20
    """Most that are related to one. Searched for with the settings of `neighbors`."""
    min_tag_gifs: ClassVar[int] = 5
    """A tag that fewer GIFs have is related to nothing: two people may have made the same slip of the pen."""

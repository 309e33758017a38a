"""The neighbors of a whole catalog through Spark, held against one exact computation on one machine."""

import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema

from autotag_core.config import NeighborsConfig
from autotag_core.neighbors import build_shard, exact_neighbors
from autotag_core.tables import EMBEDDINGS, NEIGHBORS, check_columns
from udfs.neighbors import search as neighbors
from udfs.neighbors import shards as neighbor_shards
from udfs.tasks.local_folder import local_folder

EAST, NORTH, WEST, SOUTH = [1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]


@pytest.fixture
def find(spark, tmp_path):
    """From rows (gif_id, expert, embedding) and reference ids to {(gif_id, expert): (neighbor_ids, distances)}."""

    def run(rows, reference_ids, config, num_partitions=3, folder=None):
        table = [(gif_id, expert, embedding, "m1", "v1") for gif_id, expert, embedding in rows]
        embeddings_df = spark.createDataFrame(table, from_arrow_schema(EMBEDDINGS.schema)).repartition(num_partitions)
        reference_ids_df = spark.createDataFrame([(gif_id,) for gif_id in reference_ids], "gif_id string")
        folders = neighbor_shards.ShardFolders(folder or str(tmp_path / "shards"))
        neighbors_df = neighbors.find_neighbors(embeddings_df, reference_ids_df, config, folders).neighbors_df
        check_columns(NEIGHBORS, to_arrow_schema(neighbors_df.schema))
        assert neighbors_df.columns == NEIGHBORS.schema.names
        found = neighbors_df.collect()
        result = {(row.gif_id, row.expert): (row.neighbor_ids, row.distances) for row in found}
        assert len(found) == len(result)
        return result

    return run


@pytest.fixture(scope="module")
def catalog():
    """600 GIFs of two experts, with copies: ids, {expert: vectors}, and the 400 that are train."""
    random = np.random.default_rng(4)
    ids = [f"gif{i:04d}" for i in random.permutation(600)]
    vectors = {}
    for expert, dimension in (("imagenet", 24), ("semantic", 8)):
        drawn = random.normal(size=(600, dimension)) + 2 * random.normal(size=(12, dimension))[np.arange(600) % 12]
        drawn[100:140] = drawn[0]
        vectors[expert] = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)
    return ids, vectors, ids[:400]


def rows_of(ids, vectors):
    return [
        (gif_id, expert, vector.tolist())
        for expert in vectors
        for gif_id, vector in zip(ids, vectors[expert], strict=True)
    ]


def expected_neighbors(ids, vectors, k):
    expected = {}
    for expert, all_vectors in vectors.items():
        found = exact_neighbors(ids, all_vectors, ids[:400], all_vectors[:400], k)
        expected |= {(gif_id, expert): found.of(i) for i, gif_id in enumerate(ids)}
    return expected


@pytest.mark.parametrize("backend", ["exact", "nmslib", "nndescent"])
def test_each_gif_gets_its_nearest_train_gifs_in_each_expert(find, backend):
    rows = [
        ("a", "imagenet", EAST),
        ("b", "imagenet", EAST),
        ("c", "imagenet", NORTH),
        ("v", "imagenet", EAST),
        ("w", "imagenet", SOUTH),
        ("a", "semantic", NORTH),
        ("c", "semantic", NORTH),
        ("w", "semantic", WEST),
    ]
    config = NeighborsConfig(k=2, backend=backend, shard_size=2)
    assert find(rows, ["a", "b", "c", "not embedded"], config) == {
        ("a", "imagenet"): (["b", "c"], [0.0, 1.0]),
        ("b", "imagenet"): (["a", "c"], [0.0, 1.0]),
        ("c", "imagenet"): (["a", "b"], [1.0, 1.0]),
        ("v", "imagenet"): (["a", "b"], [0.0, 0.0]),
        ("w", "imagenet"): (["a", "b"], [1.0, 1.0]),
        ("a", "semantic"): (["c"], [0.0]),
        ("c", "semantic"): (["a"], [0.0]),
        ("w", "semantic"): (["a", "c"], [1.0, 1.0]),
    }


@pytest.mark.parametrize("backend", ["exact", "nmslib"])
def test_three_shards_give_what_one_machine_gives_to_the_bit(find, catalog, backend, tmp_path):
    ids, vectors, train = catalog
    found = find(rows_of(ids, vectors), train, NeighborsConfig(k=10, backend=backend, shard_size=150))
    assert found == expected_neighbors(ids, vectors, 10)
    shards = sorted(path.name[:8] for path in (tmp_path / "shards").iterdir())
    assert shards == ["imagenet"] * 3 + ["semantic"] * 3


@pytest.mark.parametrize(("num_partitions", "shard_size"), [(1, 1000), (7, 70)])
def test_neither_partitions_nor_shards_change_a_bit(find, catalog, num_partitions, shard_size):
    ids, vectors, train = catalog
    config = NeighborsConfig(k=10, backend="exact", shard_size=shard_size)
    assert find(rows_of(ids, vectors), train, config, num_partitions) == expected_neighbors(ids, vectors, 10)


def query_batches(ids, vectors):
    """50 queries each."""
    return [
        pa.RecordBatch.from_pydict(
            {
                "gif_id": ids[start : start + 50],
                "expert": ["semantic"] * 50,
                "embedding": pa.array(vectors[start : start + 50].tolist(), pa.list_(pa.float32())),
            }
        )
        for start in range(0, len(ids), 50)
    ]


def test_queries_that_pass_the_memory_bound_are_searched_block_by_block(catalog, monkeypatch):
    ids, vectors, _ = catalog
    batches = query_batches(ids, vectors["semantic"])
    monkeypatch.setattr(neighbor_shards, "QUERY_BYTES", 100 * neighbor_shards.query_bytes(8, 10))
    blocks = list(neighbor_shards.query_blocks(batches, 10))
    assert [len(block_ids) for _, block_ids, _, _ in blocks] == [100] * 6
    assert np.concatenate([block for _, _, block, _ in blocks]).tobytes() == vectors["semantic"].tobytes()


def test_the_memory_bound_counts_candidates_too():
    rows = {d: neighbor_shards.QUERY_BYTES // neighbor_shards.query_bytes(d, 40) for d in (64, 1280)}
    assert all(
        count * 2 * 40 * neighbor_shards.CANDIDATE_BYTES < neighbor_shards.QUERY_BYTES for count in rows.values()
    )
    assert 20_000 < rows[1280] < rows[64] < 60_000


def test_a_task_gives_small_batches_of_at_most_k_neighbors_a_query(catalog, tmp_path, monkeypatch):
    ids, vectors, _ = catalog
    config = NeighborsConfig(k=10, backend="exact")
    order = sorted(range(400), key=ids.__getitem__)
    shards = []
    for part in range(3):
        rows, uri = order[part::3], str(tmp_path / str(part))
        header = build_shard([([ids[i] for i in rows], vectors["semantic"][rows])], config, "exact", uri, tmp_path)
        shards.append(neighbor_shards.ShardRow("semantic", uri, header.num_ids, header.dimension, len(shards)))
    monkeypatch.setattr(neighbor_shards, "ROWS_PER_BATCH", 64)
    batches = list(neighbor_shards._search_partition(query_batches(ids, vectors["semantic"]), shards, config))
    assert [batch.num_rows for batch in batches] == [64] * 9 + [24]
    found = {
        (row["gif_id"], row["expert"]): (row["neighbor_ids"], row["distances"])
        for batch in batches
        for row in batch.to_pylist()
    }
    assert found == expected_neighbors(ids, {"semantic": vectors["semantic"]}, 10)


def test_a_validation_gif_is_never_a_neighbor(find, catalog):
    ids, vectors, train = catalog
    for backend in ("exact", "nmslib", "nndescent"):
        found = find(rows_of(ids, vectors), train, NeighborsConfig(k=10, backend=backend, shard_size=150))
        assert {name for names, _ in found.values() for name in names} <= set(train)
        assert all(gif_id not in names for (gif_id, _), (names, _) in found.items())


def test_one_graph_of_few_gifs_gives_what_exact_gives_to_the_bit(find, catalog, tmp_path):
    ids, vectors, train = catalog
    config = NeighborsConfig(k=10, backend="nndescent")
    assert find(rows_of(ids, vectors), train, config) == expected_neighbors(ids, vectors, 10)
    assert not (tmp_path / "shards").exists()


@pytest.mark.parametrize("num_partitions", [1, 5])
def test_cells_that_overlap_find_95_of_100_and_no_gif_comes_twice(find, catalog, num_partitions):
    ids, vectors, train = catalog
    config = NeighborsConfig(k=10, backend="nndescent", partition_size=300)
    found = find(rows_of(ids, vectors), train, config, num_partitions)
    expected = expected_neighbors(ids, vectors, 10)
    assert found.keys() == expected.keys()
    hits = [len(set(found[key][0]) & set(expected[key][0])) / 10 for key in expected]
    assert np.mean(hits) >= 0.95
    for names, distances in found.values():
        assert len(set(names)) == 10
        assert sorted(zip(distances, names, strict=True)) == list(zip(distances, names, strict=True))


def test_nndescent_over_thousands_finds_95_of_100(spark, tmp_path):
    random = np.random.default_rng(2)
    axes, cluster = random.normal(size=(12, 10, 32)), random.integers(12, size=6000)
    vectors = np.einsum("ni,nid->nd", random.normal(size=(6000, 10)), axes[cluster]) + 3 * axes[cluster, 0]
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    ids = [f"gif{i:04d}" for i in random.permutation(6000)]
    table = pa.table({"gif_id": ids, "expert": ["imagenet"] * 6000, "embedding": list(vectors)})
    embeddings_df = spark.createDataFrame(table).repartition(3)
    train_df = spark.createDataFrame(pa.table({"gif_id": ids[:5000]}))
    config = NeighborsConfig(k=10, backend="nndescent")
    folders = neighbor_shards.ShardFolders(str(tmp_path))
    rows = neighbors.find_neighbors(embeddings_df, train_df, config, folders).neighbors_df.collect()
    found = {row.gif_id: set(row.neighbor_ids) for row in rows}
    expected = exact_neighbors(ids, vectors, ids[:5000], vectors[:5000], 10)
    hits = np.array([len(found[gif_id] & set(expected.of(i)[0])) / 10 for i, gif_id in enumerate(ids)])
    assert hits[:5000].mean() >= 0.95 and hits[5000:].mean() >= 0.95


def test_auto_searches_all_at_once_where_gifs_are_many_and_says_why(find, catalog, caplog):
    ids, vectors, train = catalog
    with caplog.at_level("INFO"):
        find(rows_of(ids, vectors), train, NeighborsConfig(k=10, exact_below=399))
        find(rows_of(ids, vectors), train, NeighborsConfig(k=10, exact_below=400))
    said = [message for message in caplog.messages if message.startswith("neighbors of imagenet")]
    assert said == [
        "neighbors of imagenet: nndescent over 600 GIFs, 400 references: more than neighbors.exact_below=399",
        "neighbors of imagenet: exact, 600 GIFs among 400 references in 1 shards: neighbors.exact_below=400",
    ]


def test_without_references_every_gif_gets_empty_lists(find):
    rows = [("a", "imagenet", EAST), ("b", "imagenet", NORTH), ("b", "semantic", NORTH), ("c", "semantic", EAST)]
    assert find(rows, ["a"], NeighborsConfig(backend="nndescent")) == find(rows, ["a"], NeighborsConfig())
    assert find(rows, ["a"], NeighborsConfig()) == {
        ("a", "imagenet"): ([], []),
        ("b", "imagenet"): (["a"], [1.0]),
        ("b", "semantic"): ([], []),
        ("c", "semantic"): ([], []),
    }
    assert find(rows[:2], [], NeighborsConfig()) == {("a", "imagenet"): ([], []), ("b", "imagenet"): ([], [])}
    assert find([], [], NeighborsConfig()) == {}


@pytest.mark.integration
def test_shards_on_s3_are_copied_to_a_folder_that_spark_deletes(find, catalog, bucket, spark):
    ids, vectors, train = catalog
    config = NeighborsConfig(k=10, backend="nmslib", shard_size=150)
    found = find(rows_of(ids, vectors), train, config, folder=f"{bucket}/staging/shards")
    assert found == expected_neighbors(ids, vectors, 10)
    folders = spark.range(1).mapInArrow(_local_folders, "folder string").collect()
    copies = list(Path(folders[0].folder).glob("*/header.json"))
    assert len(copies) >= 6
    assert "/blockmgr-" in folders[0].folder, "Spark's block manager deletes what it named so"


def _local_folders(batches):
    for _ in batches:
        yield pa.RecordBatch.from_pydict({"folder": [str(local_folder())]})


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("a", "imagenet", EAST), ("b", "imagenet", [1.0, 0.0, 0.0])], "3 dimensions|has 2 dimensions"),
        ([("a", "imagenet", EAST), ("b", "imagenet", [math.nan, 0.0])], "'b' has numbers that are not finite"),
        ([("a", "imagenet", EAST), ("b", "imagenet", [3.0, 4.0])], "'b' has length 5"),
        ([("a", "imagenet", EAST), ("b", "imagenet", None)], "holds nulls"),
    ],
)
def test_embeddings_that_do_not_fit_stop_the_job_with_their_name(find, rows, message):
    for backend in ("auto", "nndescent"):
        with pytest.raises(Exception, match=message):
            find(rows, ["a", "b"], NeighborsConfig(backend=backend), num_partitions=1)

"""Shards: written once, opened anywhere, refused when they are not whole; HNSW finds what exact finds."""

import hashlib
import json
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from autotag_core import storage
from autotag_core.config import NeighborsConfig
from autotag_core.errors import AutotagError
from autotag_core.neighbors import (
    ShardSet,
    build_shard,
    choose_backend,
    exact_neighbors,
    load_shard,
    num_shards,
    open_shard,
    search_shards,
)

CONFIG = NeighborsConfig(k=10)
BACKENDS = ["exact", "nmslib"]


def ids_of(count):
    return [f"gif{i:06d}" for i in range(count)]


def in_batches(ids, vectors, size=400):
    return [(ids[i : i + size], vectors[i : i + size]) for i in range(0, len(ids), size)]


def lists(found):
    return [found.of(i) for i in range(len(found.offsets) - 1)]


@pytest.fixture
def built(clustered, tmp_path):
    """Ids, vectors and a function that writes them as a shard and gives its folder."""
    ids, vectors = ids_of(1000), clustered(1000, 32, 3)

    def build(backend, config=CONFIG):
        uri = str(tmp_path / backend)
        build_shard(in_batches(ids, vectors), config, backend, uri, tmp_path / "work")
        return Path(uri)

    return ids, vectors, build


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_opened_shard_answers_as_exact_does_to_the_bit(built, tmp_path, backend):
    ids, vectors, build = built
    found = load_shard(build(backend), CONFIG).search(ids, vectors, 10)
    assert lists(found) == lists(exact_neighbors(ids, vectors, ids, vectors, 10))
    assert not list((tmp_path / "work").iterdir())


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_a_shard_is_without_is_not_found_in_it_and_lists_stay_full(built, backend):
    ids, vectors, build = built
    lost = np.zeros(1000, bool)
    lost[np.random.default_rng(1).choice(1000, 100, replace=False)] = True
    lost[np.argsort(-vectors @ vectors[7])[:200]] = True  # all of a neighborhood, which no list can lead out of
    without = np.array(np.array(ids)[lost], object)
    found = load_shard(build(backend), CONFIG).without(without).search(ids, vectors, 10)
    left = [ids[i] for i in np.flatnonzero(~lost)]
    assert lists(found) == lists(exact_neighbors(ids, vectors, left, vectors[~lost], 10))
    nothing = load_shard(build(backend), CONFIG).without(np.array(ids, object)).search(ids[:3], vectors[:3], 10)
    assert lists(nothing) == [([], [])] * 3


@pytest.mark.parametrize("backend", BACKENDS)
def test_one_of_several_copies_is_lost_and_the_others_stay(tmp_path, backend, clustered):
    ids, vectors = ids_of(30), np.repeat(clustered(10, 16, 1), 3, axis=0)
    build_shard(in_batches(ids, vectors), CONFIG, backend, str(tmp_path / "s"), tmp_path)
    found = load_shard(tmp_path / "s", CONFIG).without(np.array(ids[1:2], object)).search(ids[:1], vectors[:1], 10)
    assert found.of(0)[0][0] == ids[2] and ids[1] not in found.of(0)[0]


@pytest.mark.parametrize("backend", BACKENDS)
def test_thousands_of_copies_do_not_hide_the_others(tmp_path, backend, clustered):
    ids = ids_of(3000)
    vectors = np.repeat(clustered(2, 16, 1), 1500, axis=0)  # two vectors, 1500 copies of each
    build_shard(in_batches(ids, vectors), CONFIG, backend, str(tmp_path / "s"), tmp_path)
    found = load_shard(tmp_path / "s", CONFIG).search(["gif000000", "gif002999"], vectors[[0, 2999]], 10)
    assert found.of(0)[0] == ids[1:11]
    assert found.of(1)[0] == ids[1500:1510]
    assert len((tmp_path / "s" / "vectors.npy").read_bytes()) < 10_000


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_shard_of_one_gif(tmp_path, backend):
    east = np.array([[1, 0, 0, 0]], np.float32)
    build_shard([(["a"], east)], CONFIG, backend, str(tmp_path / "s"), tmp_path)
    shard = load_shard(tmp_path / "s", CONFIG)
    assert lists(shard.search(["a", "q"], np.repeat(east, 2, axis=0), 10)) == [([], []), (["a"], [0.0])]
    assert lists(shard.search([], east[:0], 10)) == []


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_query_that_does_not_fit_is_refused(built, backend):
    ids, vectors, build = built
    shard = load_shard(build(backend), CONFIG)
    with pytest.raises(AutotagError, match="this shard's dimension is 32"):
        shard.search(ids[:1], vectors[:1, :16], 10)
    with pytest.raises(AutotagError, match="'gif000000' has length"):
        shard.search(ids[:1], vectors[:1] * 2, 10)
    with pytest.raises(AutotagError, match="built for at most 10"):
        shard.search(ids[:1], vectors[:1], 11)


@pytest.mark.parametrize("name", ["index.hnsw", "vectors.npy", "ids.arrow"])
def test_a_truncated_file_is_refused(built, name):
    folder = built[2]("nmslib")
    (folder / name).write_bytes((folder / name).read_bytes()[:-100])
    with pytest.raises(AutotagError, match=f"{name}: .* the shard is not whole"):
        load_shard(folder, CONFIG)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 99}, "format 99"),
        ({"backend": "annoy"}, "backend 'annoy'"),
        ({"dimension": 64}, "the header says"),
        ({"num_ids": 5}, "the header says"),
        ({"surprise": 1}, "not the header of a shard"),
    ],
)
def test_a_wrong_header_is_refused(built, change, message):
    folder = built[2]("nmslib")
    header = json.loads((folder / "header.json").read_text()) | change
    (folder / "header.json").write_text(json.dumps(header))
    with pytest.raises(AutotagError, match=message):
        load_shard(folder, CONFIG)


def test_a_shard_without_header_or_of_other_parameters_is_refused(built):
    folder = built[2]("nmslib")
    with pytest.raises(AutotagError, match=r"'M': 16.*it should be.*'M': 8"):
        load_shard(folder, CONFIG.model_copy(update={"M": 8}))
    (folder / "header.json").write_text("{")
    with pytest.raises(AutotagError, match="not the header of a shard"):
        load_shard(folder, CONFIG)
    (folder / "header.json").unlink()
    with pytest.raises(AutotagError, match="no such file"):
        load_shard(folder, CONFIG)


@pytest.mark.parametrize(
    ("batches", "message"),
    [
        ([], "at least one reference"),
        ([(["b"], [[1, 0]]), (["a"], [[0, 1]])], "'a' comes after 'b'"),
        ([(["a"], [[1, 0]]), (["a"], [[0, 1]])], "'a' comes twice"),
        ([(["a"], [[1, 0]]), (["b"], [[0, 1, 0]])], "have 3 dimensions, others 2"),
        ([(["a"], [[1, 1]])], "'a' has length 1.41"),
    ],
)
def test_references_that_do_not_fit_are_named(tmp_path, batches, message):
    batches = [(ids, np.array(vectors, np.float32)) for ids, vectors in batches]
    with pytest.raises(AutotagError, match=message):
        build_shard(batches, CONFIG, "exact", str(tmp_path / "s"), tmp_path)
    assert not (tmp_path / "s").exists()


def test_hnsw_over_two_shards_finds_95_of_100_exact_neighbors(clustered, tmp_path):
    config = NeighborsConfig(efConstruction=100, efSearch=50)  # quicker and less thorough than the defaults
    ids, vectors = ids_of(20_000), clustered(20_000, 128, 11)
    uris = [str(tmp_path / "even"), str(tmp_path / "odd")]
    for start, uri in enumerate(uris):
        build_shard(in_batches(ids[start::2], vectors[start::2], 2000), config, "nmslib", uri, tmp_path)
    found = search_shards(ShardSet(uris), ids, vectors, config, tmp_path)
    expected = exact_neighbors(ids, vectors, ids, vectors, 10)
    hits = 0
    for i in range(20_000):
        names, distances = found.of(i)
        nearest = [name for _, name in sorted(zip(distances, names, strict=True))[:10]]
        hits += len(set(nearest) & set(expected.of(i)[0]))
    assert hits / 200_000 >= 0.95


BUILD = """
import hashlib, sys, tempfile
from pathlib import Path
import numpy as np
from autotag_core.config import NeighborsConfig
from autotag_core.neighbors.shards.hnsw import build_index
vectors = np.load(sys.argv[1])
index = build_index(vectors, NeighborsConfig(efSearch=12))
found = index.knnQueryBatch(vectors, k=11, num_threads=1)
print(hashlib.sha256(b"".join(rows.tobytes() for rows, _ in found)).hexdigest())
"""


def test_one_index_thread_builds_the_same_graph_again_and_in_another_process(clustered, tmp_path):
    from autotag_core.neighbors.shards.hnsw import build_index

    vectors = clustered(3000, 32, 9)
    np.save(tmp_path / "vectors.npy", vectors)
    command = [sys.executable, "-c", BUILD, str(tmp_path / "vectors.npy")]
    other = subprocess.run(command, cwd=Path(__file__).parents[4], capture_output=True, text=True, check=True)
    found = set()
    for _ in range(2):
        index = build_index(vectors, NeighborsConfig(efSearch=12))
        rows = b"".join(rows.tobytes() for rows, _ in index.knnQueryBatch(vectors, k=11, num_threads=2))
        found.add(hashlib.sha256(rows).hexdigest())
    assert found == {other.stdout.strip()}
    assert other.stderr == ""  # NMSLIB's advice on build flags stays out of executor logs


@pytest.mark.parametrize(("num_references", "backend"), [(0, "exact"), (100, "exact"), (101, "nmslib")])
def test_auto_is_exact_up_to_exact_below(num_references, backend):
    for config in (NeighborsConfig(exact_below=100), NeighborsConfig(exact_below=100, backend="nndescent")):
        assert choose_backend(config, num_references) == backend
        assert choose_backend(config, num_references, 101) == backend
        assert choose_backend(config, num_references, 100) == "exact"
    assert choose_backend(NeighborsConfig(exact_below=100, backend="nmslib"), num_references) == "nmslib"


def test_there_are_no_more_shards_than_needed():
    config = NeighborsConfig(shard_size=100)
    assert [num_shards(config, n) for n in (0, 1, 100, 101, 1000)] == [0, 1, 1, 2, 10]


@pytest.mark.integration
def test_a_shard_on_s3_is_downloaded_once_however_many_ask_at_once(built, bucket, tmp_path):
    ids, vectors, _ = built
    uri = f"{bucket}/run/shard-0"
    build_shard(in_batches(ids, vectors), CONFIG, "exact", uri, tmp_path / "work")
    shards = []
    threads = [
        threading.Thread(target=lambda: shards.append(open_shard(uri, CONFIG, tmp_path / "cache"))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    storage.delete_prefix(f"{bucket}/run")
    shards.append(open_shard(uri, CONFIG.model_copy(update={"efSearch": 50}), tmp_path / "cache"))  # opened anew
    expected = lists(exact_neighbors(ids[:5], vectors[:5], ids, vectors, 10))
    assert len(shards) == 5
    for shard in shards:
        assert lists(shard.search(ids[:5], vectors[:5], 10)) == expected

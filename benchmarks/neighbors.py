"""All-pairs neighbors, Parquet to Parquet: `python -m benchmarks.neighbors [--gifs 200000] [--seed 7] [--rounds 5]
[--slow-rounds 1] [--growth 50000 200000 1000000] [--cells] [--json]`.

k = 10 over clustered vectors of 256 dimensions. Sides: find_neighbors with nndescent and with nmslib, on Spark, and
pynndescent alone on the same vectors in memory. --growth: nndescent over more and more GIFs. --cells: the same GIFs in
more and more cells. Recall is of 2,000 GIFs against exact neighbors. Spark's session and one small search, which
compiles what is not yet compiled and starts the workers, come before.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from autotag_core.config import NeighborsConfig
from benchmarks.clustered_vectors import clustered_vectors
from jobs.process.session import spark_session
from udfs.neighbors.search import find_neighbors
from udfs.neighbors.shard_rows import ShardFolders

Floats = npt.NDArray[np.float32]
K, SAMPLE, FILES = 10, 2_000, 8
CORES = len(os.sched_getaffinity(0))
NNDESCENT = NeighborsConfig(k=K, backend="nndescent", partition_size=1_000_000)
GROWTH = NNDESCENT.model_copy(update={"graph_margin": 10})
"""What has a recall of RECALL at a million too."""
NMSLIB = NeighborsConfig(k=K, backend="nmslib", efSearch=12).model_copy(update={"index_threads": CORES})
RECALL = 0.95


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gifs", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--slow-rounds", type=int, default=1, help="of nmslib, the first ones; 0 leaves it out")
    parser.add_argument("--growth", type=int, nargs="+", default=[], help="numbers of GIFs, instead of the sides")
    parser.add_argument("--cells", action="store_true", help="cells instead of the sides")
    parser.add_argument("--json", action="store_true", help="one JSON object a result")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="neighbors-"))
    spark = spark_session("benchmark", extra={"spark.log.level": "ERROR"})
    try:
        search(spark, folder, write(folder / "small", clustered_vectors(6_000, 1)), NNDESCENT)
        if options.growth:
            results = growth(spark, folder, options)
        else:
            results = (cells if options.cells else sides)(spark, folder, options)
    finally:
        spark.stop()
        shutil.rmtree(folder)
    for result in results:
        print(json.dumps(result) if options.json else "  ".join(f"{key} {value}" for key, value in result.items()))


def sides(spark: SparkSession, folder: Path, options: argparse.Namespace) -> list[dict[str, Any]]:
    """nndescent, pynndescent alone and nmslib in turns."""
    from pynndescent import NNDescent

    vectors = clustered_vectors(options.gifs, options.seed)
    table, truth = write(folder / "embeddings", vectors), exact(vectors)
    seconds: dict[str, list[float]] = {"nndescent": [], "pynndescent": [], "nmslib": []}
    recalls: dict[str, float] = {}

    def alone() -> Callable[[int], list[int]]:
        index = NNDescent(vectors, metric="dot", n_neighbors=16, random_state=7, n_jobs=CORES)
        graph = index.neighbor_graph[0]
        return lambda gif: graph[gif].tolist()

    NNDescent(vectors[:5000], metric="dot", n_neighbors=16, n_jobs=CORES)  # compiles
    for number in range(options.rounds):
        runs: dict[str, Callable[[], Any]] = {
            "nndescent": lambda: search(spark, folder, table, NNDESCENT),
            "pynndescent": alone,
        }
        if number < options.slow_rounds:
            runs["nmslib"] = lambda: search(spark, folder, table, NMSLIB)
        for name, run in runs.items():
            started = time.perf_counter()
            found = run()
            seconds[name].append(time.perf_counter() - started)
            print(f"{name}: {seconds[name][-1]:.2f} s", file=sys.stderr, flush=True)
            if name not in recalls:
                recalls[name] = recall(found if callable(found) else read(found, truth), truth)
                print(f"{name}: recall {recalls[name]:.4f}", file=sys.stderr, flush=True)
    medians = {name: float(np.median(taken)) for name, taken in seconds.items() if taken}
    figures = {f"{name}_s": round(value, 2) for name, value in medians.items()}
    figures |= {f"{name}_recall": round(value, 4) for name, value in recalls.items()}
    targets = {"nmslib": 10, "pynndescent": 1 / 1.5}
    return [
        {
            "name": f"neighbors stage, nndescent / {other}, {options.gifs} GIFs, seed {options.seed}",
            "ratio": round(medians[other] / medians["nndescent"], 2),
            "target": round(targets[other], 2),
            "alike": recalls["nndescent"] >= RECALL,
            **figures,
        }
        for other in targets
        if other in medians
    ]


def growth(spark: SparkSession, folder: Path, options: argparse.Namespace) -> list[dict[str, Any]]:
    """GIFs a second and core as they become more, each number of them so many rounds."""
    rates, results = [], []
    for count in options.growth:
        vectors = clustered_vectors(count, options.seed)
        table, truth = write(folder / str(count), vectors), exact(vectors)
        del vectors
        taken = []
        for _ in range(options.rounds):
            started = time.perf_counter()
            found = search(spark, folder, table, GROWTH)
            taken.append(time.perf_counter() - started)
            print(f"{count}: {taken[-1]:.2f} s", file=sys.stderr, flush=True)
        rates.append(count / float(np.median(taken)) / CORES)
        found_recall = recall(read(found, truth), truth)
        print(f"{count}: recall {found_recall:.4f}", file=sys.stderr, flush=True)
        shutil.rmtree(folder / str(count))
        if len(rates) == 1:
            continue
        results.append(
            {
                "name": f"neighbors stage, GIFs a second and core at {count} / at {options.growth[0]}",
                "ratio": round(rates[-1] / rates[0], 2),
                "target": 0.7,
                "alike": found_recall >= RECALL,
                "gifs_a_second_and_core": round(rates[-1]),
                "seconds": round(float(np.median(taken)), 2),
                "recall": round(found_recall, 4),
            }
        )
    return results


def cells(spark: SparkSession, folder: Path, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Recall and time where one graph is cut into cells, by the number of cells that a GIF goes into."""
    vectors = clustered_vectors(options.gifs, options.seed)
    table, truth = write(folder / "embeddings", vectors), exact(vectors)
    results = []
    for share, overlap in ((1, 1), *itertools.product((4, 10), (1, 2, 3, 4))):
        config = NNDESCENT.model_copy(
            update={"partition_size": -(-options.gifs // share), "partition_overlap": overlap}
        )
        started = time.perf_counter()
        found = search(spark, folder, table, config)
        taken = time.perf_counter() - started
        results.append(
            {
                "partition_size": config.partition_size,
                "partition_overlap": overlap,
                "seconds": round(taken, 2),
                "recall": round(recall(read(found, truth), truth), 4),
            }
        )
    return results


def write(folder: Path, vectors: Floats) -> Path:
    """Embeddings (gif_id, expert, embedding) of GIFs that are all references, as Parquet files."""
    folder.mkdir()
    for number, rows in enumerate(np.array_split(np.arange(len(vectors)), FILES)):
        values = pa.array(vectors[rows].ravel())
        offsets = pa.array(np.arange(len(rows) + 1, dtype=np.int32) * vectors.shape[1])
        columns = {
            "gif_id": [f"gif{row:08d}" for row in rows],
            "expert": ["imagenet"] * len(rows),
            "embedding": pa.ListArray.from_arrays(offsets, values),
        }
        pq.write_table(pa.table(columns), folder / f"{number}.parquet", use_dictionary=["expert"])
    return folder


def search(spark: SparkSession, folder: Path, table: Path, config: NeighborsConfig) -> Path:
    """The neighbors of the table's GIFs, as Parquet."""
    found = folder / "found"
    embeddings_df = spark.read.parquet(str(table))
    shards = folder / "shards"
    lists = find_neighbors(embeddings_df, embeddings_df.select("gif_id"), config, ShardFolders(str(shards)))
    lists.neighbors_df.write.mode("overwrite").parquet(str(found))
    shutil.rmtree(shards, ignore_errors=True)
    return found


def exact(vectors: Floats) -> dict[int, set[int]]:
    """The K nearest others of SAMPLE GIFs."""
    drawn = np.sort(np.random.default_rng(0).choice(len(vectors), min(SAMPLE, len(vectors)), replace=False))
    truth = {}
    for start in range(0, len(drawn), 200):
        queries = drawn[start : start + 200]
        scores = vectors[queries] @ vectors.T
        scores[np.arange(len(queries)), queries] = -np.inf
        nearest = np.argpartition(-scores, K, axis=1)[:, :K]
        truth |= {int(gif): set(row.tolist()) for gif, row in zip(queries, nearest, strict=True)}
    return truth


def read(found: Path, truth: dict[int, set[int]]) -> Callable[[int], list[int]]:
    """The neighbors found for these GIFs."""
    names = pa.array([f"gif{gif:08d}" for gif in truth])
    rows = ds.dataset(found).to_table(["gif_id", "neighbor_ids"], filter=pc.field("gif_id").isin(names)).to_pylist()
    lists = {int(row["gif_id"][3:]): [int(name[3:]) for name in row["neighbor_ids"]] for row in rows}
    return lambda gif: lists[gif]


def recall(found: Callable[[int], list[int]], truth: dict[int, set[int]]) -> float:
    """The mean share of the K nearest that are among the first K found."""
    others = {gif: [other for other in found(gif) if other != gif][:K] for gif in truth}
    hits = [len(near.intersection(others[gif])) / K for gif, near in truth.items()]
    return float(np.mean(hits))


if __name__ == "__main__":
    main()

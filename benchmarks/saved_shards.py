"""A night with NMSLIB on which 1% changed, in the indexes of the release before and in new ones:
`python -m benchmarks.saved_shards [--gifs 50000] [--rounds 3] [--json]`.

update_neighbors, Parquet to Parquet, over clustered vectors of 256 dimensions, k = 10: half a percent of the GIFs is
gone, as many are new. In turns; recall is of 2,000 GIFs against exact neighbors.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from autotag_core.config import NeighborsConfig
from benchmarks.clustered_vectors import clustered_vectors
from benchmarks.neighbors import exact, read, recall, write
from jobs.process.session import spark_session
from udfs.neighbors.search import find_neighbors
from udfs.neighbors.shard_rows import ShardFolders
from udfs.neighbors.stored_shards import SavedShards, contents
from udfs.neighbors.update import Space, update_neighbors

CONFIG = NeighborsConfig(k=10, backend="nmslib")
SHARE = 0.005
"""Of the GIFs that are gone, and of those that are new."""


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gifs", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="saved-shards-"))
    spark = spark_session("benchmark", extra={"spark.log.level": "ERROR"})
    try:
        figures = measure(spark, folder, options.gifs, options.rounds)
    finally:
        spark.stop()
        shutil.rmtree(folder)
    print(json.dumps(figures) if options.json else "\n".join(f"{key}: {value}" for key, value in figures.items()))


def measure(spark: SparkSession, folder: Path, num_gifs: int, rounds: int) -> dict[str, Any]:
    """Seconds of both ways, medians, and their recall."""
    changed = round(SHARE * num_gifs)
    vectors = clustered_vectors(num_gifs + changed, 7)
    table, now_vectors = write(folder / "embeddings", vectors), vectors[changed:]
    before, now = space(spark, table, 0, num_gifs), space(spark, table, changed, num_gifs + changed)
    first = ShardFolders(str(folder / "first"), str(folder / "lasting"))
    started = time.perf_counter()
    full = find_neighbors(before.embeddings_df, before.reference_ids_df, CONFIG, first)
    lists_df = stored(full.neighbors_df, folder / "lists")
    figures: dict[str, Any] = {"gifs": num_gifs, "full_s": round(time.perf_counter() - started, 1)}
    kept = {"imagenet": SavedShards(full.lasting, contents(before.references()))}
    truth, sides = exact(now_vectors), {"saved": kept, "new": {}}
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds):
        for name, saved in sides.items():
            place = folder / f"{name}-{number}"
            folders = ShardFolders(str(place / "shards"), str(place / "lasting"))
            numbers = iter(range(100))

            def keep(rows_df: DataFrame, place: Path = place, numbers: Any = numbers) -> DataFrame:
                return stored(rows_df, place / f"kept-{next(numbers)}")

            started = time.perf_counter()
            updated, _ = update_neighbors(now, before, lists_df, CONFIG, folders, keep, saved)
            stored(updated.neighbors_df, place / "found")
            seconds[name].append(time.perf_counter() - started)
            print(f"{name}: {seconds[name][-1]:.1f} s", file=sys.stderr, flush=True)
            if number == 0:
                found = read(place / "found", {gif + changed: near for gif, near in truth.items()})
                lists = {gif: [other - changed for other in found(gif + changed)] for gif in truth}
                figures[f"{name}_recall"] = round(recall(lists.__getitem__, truth), 4)
            shutil.rmtree(place)
    figures |= {f"{name}_s": round(float(np.median(taken)), 1) for name, taken in seconds.items()}
    return figures | {"ratio": round(figures["new_s"] / figures["saved_s"], 2)}


def space(spark: SparkSession, table: Path, start: int, end: int) -> Space:
    """The GIFs start:end of the table, all of them references."""
    number = F.substring("gif_id", 4, 8).cast("int")
    rows_df = spark.read.parquet(str(table)).where(number.between(start, end - 1))
    embeddings_df = rows_df.withColumn("model_version", F.lit("m")).withColumn("version", F.lit("v"))
    return Space(embeddings_df, embeddings_df.select("gif_id"))


def stored(rows_df: DataFrame, folder: Path) -> DataFrame:
    """The rows, written as Parquet and read again."""
    rows_df.write.parquet(str(folder))
    return rows_df.sparkSession.read.schema(rows_df.schema).parquet(str(folder))


if __name__ == "__main__":
    main()

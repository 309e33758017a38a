"""The published vote against plain Spark SQL and DuckDB, Parquet to Parquet:
`python -m benchmarks.votes [--gifs 200000] [--repeats 5] [--slow-repeats 5] [--folder .cache/bench/votes]`.

Four experts list 10 neighbors of each GIF; a GIF has 4.8 tags of 50,000, frequent and rare as tags are (Zipf), and
half of them shared with its neighbors. All three write what the product publishes: for every own tag of a GIF and
every new one whose weighted vote reaches vote.lower_bound its confidence, source, score, votes by expert and the
neighbors behind it. The product's time includes its table of tags. Rows are compared before times are.

With --judged it is held against nobody: what a night does, which counts pairs of tags and lifts besides and puts the
score beside every tag. That is done by `reliability`, by `learned` without looks, and by `learned` with them, each with
what validation GIFs teach it.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
from pyspark.sql import DataFrame, SparkSession

from autotag_core.config import Config, VoteConfig
from autotag_core.votes import ExpertWeight, fit_judge
from benchmarks.vote_inputs import WEIGHTS, write_embeddings, write_inputs
from benchmarks.vote_sql import duckdb_vote, spark_vote
from jobs.process.session import spark_session
from jobs.votes.fit_judge import taught_excess, teaching_pairs
from udfs.votes.ballots import Ballots, about_rows
from udfs.votes.looks import look
from udfs.votes.tag_tables import write_statistics, write_tags
from udfs.votes.votes import publish_tags
from udfs.votes.votes import vote_tags as judged_tags

CONFIG = VoteConfig()
RULES = {"without looks": ("reliability", "learned"), "with looks": ("learned",)}
TARGETS = {"Spark SQL": 10.0, "DuckDB": 1.5}


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gifs", type=int, default=200_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--slow-repeats", type=int, help="of Spark SQL; default: as many")
    parser.add_argument("--folder", type=Path, default=Path(".cache/bench/votes"))
    parser.add_argument("--judged", action="store_true", help="the night's vote, scores included, alone")
    parser.add_argument("--json", action="store_true", help="one line for each result")
    options = parser.parse_args()
    inputs = options.folder / str(options.gifs)
    if not (inputs / "catalog").exists():
        write_inputs(inputs, options.gifs)
    if options.judged:
        print("\n".join(f"{name}: {seconds:.1f} s" for name, seconds in judged(inputs.resolve(), options.repeats)))
        return
    slow = options.repeats if options.slow_repeats is None else options.slow_repeats
    rows = measure(inputs.resolve(), options.repeats, slow)
    if options.json:
        print("\n".join(json.dumps({"gifs": options.gifs} | row) for row in rows))
    else:
        print(as_text(rows, options.gifs))


def measure(inputs: Path, repeats: int, slow_repeats: int) -> list[dict[str, Any]]:
    """A line for each peer. The sides take turns, after one on a few GIFs in which all is loaded and compiled."""
    spark = spark_session("votes")
    sides: dict[str, Callable[[Path, Path], None]] = {
        "autotag": lambda inputs, out: _product(spark, inputs, out),
        "DuckDB": _duckdb,
        "Spark SQL": lambda inputs, out: _spark_sql(spark, inputs, out),
    }
    few, out = inputs / "few", inputs / "out"
    write_inputs(few, 2_000)
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    sums: dict[str, Any] = {}
    for turn in range(-1, max(repeats, slow_repeats)):
        for name, side in sides.items():
            if turn >= (slow_repeats if name == "Spark SQL" else repeats):
                continue
            shutil.rmtree(out, ignore_errors=True)
            start = time.perf_counter()
            side(few if turn < 0 else inputs, out)
            if turn >= 0:
                seconds[name].append(time.perf_counter() - start)
                print(f"{name}: {seconds[name][-1]:.1f} s", file=sys.stderr)
                sums.setdefault(name, _sum_of_rows(out))
    shutil.rmtree(out)
    spark.stop()
    return [
        {
            "name": f"published vote alone / {peer}",
            "ratio": round(statistics.median(seconds[peer]) / statistics.median(seconds["autotag"]), 2),
            "target": target,
            "alike": sums[peer] == sums["autotag"],
            "rows": sums["autotag"][0],
            "seconds": [round(one, 2) for one in seconds["autotag"]],
            "peer_seconds": [round(one, 2) for one in seconds[peer]],
        }
        for peer, target in TARGETS.items()
        if seconds[peer]
    ]


def judged(inputs: Path, repeats: int) -> list[tuple[str, float]]:
    """Median seconds of the night's steps and of all of them, of RULES in turns, after one turn on a few GIFs."""
    spark = spark_session("votes")
    few, out = inputs / "few", inputs / "out"
    write_inputs(few, 2_000)
    seconds: dict[str, list[float]] = {}
    for turn in range(-1, repeats):
        for looks, rules in RULES.items():
            steps = dict(_night(spark, few if turn < 0 else inputs, out, looks, rules))
            steps["all steps"] = sum(value for name, value in steps.items() if not name.startswith("reliability"))
            for name, value in steps.items() if turn >= 0 else ():
                seconds.setdefault(f"{looks}, {name}", []).append(value)
                print(f"{looks}, {name}: {value:.1f} s", file=sys.stderr)
    spark.stop()
    return [(name, statistics.median(values)) for name, values in seconds.items()]


def _night(
    spark: SparkSession, inputs: Path, out: Path, looks: str, rules: Sequence[str]
) -> Iterator[tuple[str, float]]:
    """Of what the rules share, then of each rule. A tenth of the GIFs are validation GIFs."""
    neighbors_df, catalog_df = _tables(spark, inputs)
    embeddings_df = spark.read.parquet(str(write_embeddings(inputs, catalog_df.count())))
    start = time.perf_counter()
    about_df, folder = about_rows(catalog_df), str(inputs / "tags")
    ballots = Ballots(neighbors_df, about_df, write_tags(about_df, None, folder))
    yield "table of tags", time.perf_counter() - start
    if looks == "with looks":
        start = time.perf_counter()
        looks_df = look(embeddings_df, Config(), ballots.tags.num_gifs, folder)
        assert looks_df is not None
        looks_df.write.parquet(str(inputs / "looks"), mode="overwrite")
        ballots = replace(ballots, looks_df=spark.read.parquet(str(inputs / "looks")))
        yield "looks", time.perf_counter() - start
    start = time.perf_counter()
    known = write_statistics(ballots, sorted(WEIGHTS), CONFIG, folder)
    yield "statistics on tags", time.perf_counter() - start
    start = time.perf_counter()
    pairs, taught = teaching_pairs(ballots, catalog_df, known, CONFIG), taught_excess(known)
    yield "evidence on validation GIFs", time.perf_counter() - start
    experts = {name: ExpertWeight(weight, weight) for name, weight in WEIGHTS.items()}
    for rule in rules:
        shutil.rmtree(out, ignore_errors=True)
        start = time.perf_counter()
        judge = fit_judge(pairs, experts, CONFIG.model_copy(update={"rule": rule}), 7, taught)
        yield f"{rule}: judge", time.perf_counter() - start
        start = time.perf_counter()
        judged_tags(ballots, known, judge).write.parquet(str(out))
        yield f"{rule}: both votes", time.perf_counter() - start
    shutil.rmtree(out)
    shutil.rmtree(inputs / "tags")


def _tables(spark: SparkSession, inputs: Path) -> tuple[DataFrame, DataFrame]:
    return spark.read.parquet(str(inputs / "neighbors")), spark.read.parquet(str(inputs / "catalog"))


def _product(spark: SparkSession, inputs: Path, out: Path) -> None:
    neighbors_df, catalog_df = _tables(spark, inputs)
    about_df = about_rows(catalog_df)
    tags = write_tags(about_df, None, str(inputs / "tags"))
    publish_tags(Ballots(neighbors_df, about_df, tags), WEIGHTS, CONFIG).write.parquet(str(out))
    shutil.rmtree(inputs / "tags")


def _spark_sql(spark: SparkSession, inputs: Path, out: Path) -> None:
    spark_vote(*_tables(spark, inputs), WEIGHTS, CONFIG).write.parquet(str(out))


def _duckdb(inputs: Path, out: Path) -> None:
    out.mkdir()
    with duckdb.connect() as connection:
        connection.execute(f"set threads = {len(os.sched_getaffinity(0))}; set preserve_insertion_order = false")
        connection.execute(f"set temp_directory = '{inputs / 'spill'}'")
        query = duckdb_vote(
            f"read_parquet('{inputs}/neighbors/*/*.parquet', hive_partitioning = true)",
            f"read_parquet('{inputs}/catalog/*.parquet')",
            WEIGHTS,
            CONFIG,
        )
        connection.execute(f"copy ({query}) to '{out}/rows.parquet'")


def _sum_of_rows(out: Path) -> Any:
    """(rows, sum of their hashes): the same for the same rows in any order."""
    columns = "gif_id, tag, confidence, source, published_score, votes::varchar, evidence"
    with duckdb.connect() as connection:
        query = f"select count(*), sum(hash({columns})::hugeint) from read_parquet('{out}/*.parquet')"
        return connection.execute(query).fetchone()


def as_text(rows: list[dict[str, Any]], num_gifs: int) -> str:
    """A table of the sides."""
    lines = [f"{num_gifs} GIFs, {rows[0]['rows']} rows of voted tags" if rows else "nothing measured"]
    for row in rows:
        peer = row["name"].rpartition("/ ")[2]
        lines.append(
            f"{peer:<10} {statistics.median(row['peer_seconds']):8.2f} s, autotag "
            f"{statistics.median(row['seconds']):7.2f} s: {row['ratio']:6.2f} x (target {row['target']}), "
            f"{'the same rows' if row['alike'] else 'OTHER ROWS'}; {row['peer_seconds']} {row['seconds']}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()

"""What a short Python task of Spark costs: `python -m benchmarks.short_tasks [--tasks 400]`.

Tasks that pass a row on, by a function that has imported pandas and torch as the job's own do. Once as in the job
(udfs/tasks/frozen_modules.py) and once as Spark does it, each in a session of its own, whose first round imports and is
not counted. Prints seconds and the CPU seconds of the Python workers.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pyarrow as pa
from pyspark.sql import SparkSession

SIDES = ("job", "plain")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=400)
    parser.add_argument("--side", choices=SIDES)
    options = parser.parse_args()
    if options.side is None:
        for side in SIDES:
            command = [sys.executable, "-m", "benchmarks.short_tasks", "--side", side, "--tasks", str(options.tasks)]
            subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        return
    seconds, cpu = measured(options.side, options.tasks)
    print(f"{options.side}: {options.tasks} tasks in {seconds:.1f} s, {1000 * cpu / options.tasks:.0f} ms CPU each")


def measured(side: str, num_tasks: int) -> tuple[float, float]:
    """(seconds, CPU seconds of the workers) of the second round."""
    from jobs.process.session import end_session, spark_session

    spark = spark_session("short_tasks", is_short=True)
    run(spark, side, num_tasks)
    begun, cpu = time.perf_counter(), _worker_cpu()
    run(spark, side, num_tasks)
    found = time.perf_counter() - begun, _worker_cpu() - cpu
    end_session(spark)
    return found


def run(spark: SparkSession, side: str, num_tasks: int) -> None:
    """So many tasks of one row."""

    def passed(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pandas
        import torch

        if side == "job":
            import udfs

            assert udfs
        assert pandas and torch
        yield from batches

    spark.range(0, num_tasks, 1, num_tasks).mapInArrow(passed, "id long").count()


def _worker_cpu() -> float:
    """CPU seconds of the daemon, of its workers, and of those that have ended."""
    found = psutil.process_iter(["cmdline"])
    daemons = [one for one in found if "jobs.process.worker_daemon" in (one.info["cmdline"] or ())]
    return sum(sum(one.cpu_times()[:4]) for one in daemons)


if __name__ == "__main__":
    main()

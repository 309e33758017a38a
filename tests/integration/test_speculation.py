"""Two tries of one task at once, on two hosts of a standalone cluster: Spark starts no second try on the same host."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pyspark
import pytest

from autotag_core.local_machine import PROJECT, find_java

pytestmark = pytest.mark.integration
HOSTS = ("127.0.0.2", "127.0.0.3")
SCRIPT = """
import sys, time
from pathlib import Path
from pyspark import TaskContext
from pyspark.sql import SparkSession
from jobs.run.delta_tables import read_version, write_version

master, folder = sys.argv[1:]
settings = {
    "spark.driver.host": "127.0.0.1", "spark.speculation": "true", "spark.speculation.interval": "100ms",
    "spark.speculation.quantile": "0.5", "spark.speculation.multiplier": "1.1", "spark.ui.enabled": "false",
    "spark.speculation.minTaskRuntime": "500ms", "spark.executor.memory": "512m",
}
builder = SparkSession.builder.master(master)
for key, value in settings.items():
    builder = builder.config(key, value)
spark = builder.getOrCreate()

def slow_at_first(batches):
    context = TaskContext.get()
    place = f"{context.partitionId()}-{context.attemptNumber()}"
    Path(folder, "tries", place).touch()
    yield from batches
    waiting = time.monotonic()
    while place == "3-0" and not Path(folder, "tries", "3-1").exists() and time.monotonic() < waiting + 120:
        time.sleep(0.1)  # its rows are with the writer by now: both tries write a file

rows_df = spark.range(0, 40, 1, 4).mapInArrow(slow_at_first, "id long")
version, num_rows = write_version(rows_df, f"{folder}/table", "mark")
ids = sorted(row["id"] for row in read_version(spark, f"{folder}/table", version, rows_df.schema).collect())
print("ROWS", num_rows, ids == list(range(40)))
"""


@pytest.fixture
def master(tmp_path: Path) -> Iterator[str]:
    """A standalone master with a worker on each of two loopback addresses; its URL."""
    home = Path(pyspark.__file__).parent
    environment = os.environ | {
        "SPARK_HOME": str(home),
        "JAVA_HOME": str(find_java().home),
        "PYTHONPATH": str(PROJECT),
        "SPARK_WORKER_DIR": str(tmp_path / "work"),
    }
    program = str(home / "bin" / "spark-class")

    def start(stack: ExitStack, name: str, *arguments: str) -> Path:
        log = tmp_path / f"{name}.log"
        with log.open("wb") as output:
            child = subprocess.Popen([program, *arguments], env=environment, stdout=output, stderr=output)
        stack.callback(child.wait)
        stack.callback(child.kill)
        return log

    with ExitStack() as stack:
        server = ("org.apache.spark.deploy.master.Master", "--host", "127.0.0.1", "--port", "0", "--webui-port", "0")
        url = found_in(start(stack, "master", *server), r"Starting Spark master at (spark://\S+)")
        for host in HOSTS:
            worker = ("org.apache.spark.deploy.worker.Worker", "--host", host, "--cores", "2", "--memory", "512m")
            log = start(stack, host, *worker, "--webui-port", "0", url)
            found_in(log, "(Successfully registered with master)")
        yield url


def found_in(log: Path, pattern: str, timeout_s: float = 120) -> str:
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if found := re.search(pattern, log.read_text(errors="replace")):
            return found.group(1)
        time.sleep(0.1)
    raise AssertionError(log.read_text(errors="replace")[-3000:])


def test_a_task_that_runs_twice_at_once_adds_no_row(master: str, tmp_path: Path) -> None:
    (tmp_path / "tries").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, master, str(tmp_path)],
        env=os.environ
        | {"JAVA_HOME": str(find_java().home), "PYTHONPATH": str(PROJECT), "PYSPARK_PYTHON": sys.executable},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "ROWS 40 True" in done.stdout
    assert {"3-0", "3-1"} <= {path.name for path in (tmp_path / "tries").iterdir()}, "it did run twice"

"""The same job on several executors with a declared GPU, and with a worker that is killed: identical tables."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from pyspark.sql import SparkSession

from autotag_core import warehouse
from autotag_core.config_file import load_config
from autotag_core.sample import write_sample
from autotag_core.services import PROJECT
from jobs.nightly import Request, run_nightly

pytestmark = pytest.mark.integration
SETTINGS = ["neighbors.backend=exact", "spark.partitions=6"]
SCRIPT = """
import json, sys
from autotag_core.config_file import load_config
from jobs.nightly import Request, run_nightly
from jobs.session import spark_session

catalog, target, discovery, settings = sys.argv[1], sys.argv[2], sys.argv[3], json.loads(sys.argv[4])
spark = spark_session("cluster", "local-cluster[2,1,1024]", {
    "spark.executor.resource.gpu.amount": "1",
    "spark.executor.resource.gpu.discoveryScript": discovery,
    "spark.worker.resource.gpu.amount": "1",
    "spark.worker.resource.gpu.discoveryScript": discovery,
    "spark.task.resource.gpu.amount": "1",
    "spark.sql.shuffle.partitions": "3",
})
def seen(_):
    from pyspark import TaskContext
    import os
    yield os.environ.get("SPARK_EXECUTOR_DIRS", "") or os.getcwd(), TaskContext.get().resources()["gpu"].addresses
executors = spark.sparkContext.parallelize(range(8), 8).mapPartitions(seen).collect()
run_nightly(Request(catalog, target, load_config(None, settings)))
print("EXECUTORS", json.dumps(executors))
"""


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cluster")
    write_sample(str(folder), 48, seed=11, num_broken=4, workers=1)
    return folder


@pytest.fixture(scope="module")
def tables(spark: SparkSession, sample: Path) -> dict[str, list[dict[str, object]]]:
    """What local[2] publishes."""
    run_nightly(Request(f"{sample}/catalog.jsonl", f"{sample}/local", load_config(None, SETTINGS)))
    return published(f"{sample}/local")


def published(uri: str) -> dict[str, list[dict[str, object]]]:
    release = warehouse.current_release(uri)
    return {
        name: sorted(
            warehouse.read_table(uri, name, release).to_pylist(),
            key=lambda row: json.dumps(row, sort_keys=True, default=repr),
        )
        for name in release.table_versions
    }


def test_two_executors_with_a_declared_gpu_publish_identical_tables(
    tables: dict[str, list[dict[str, object]]], sample: Path, tmp_path: Path
) -> None:
    discovery = tmp_path / "discover_gpu.sh"
    discovery.write_text('#!/bin/sh\necho \'{"name": "gpu", "addresses": ["0"]}\'\n')
    discovery.chmod(0o755)
    arguments = [f"{sample}/catalog.jsonl", f"{sample}/cluster", str(discovery), json.dumps(SETTINGS)]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    executors = json.loads(done.stdout.rpartition("EXECUTORS ")[2])
    assert len({place for place, _ in executors}) == 2
    assert {address for _, addresses in executors for address in addresses} == {"0"}
    assert published(f"{sample}/cluster") == tables


def test_a_killed_python_worker_costs_no_row_and_changes_none(
    tables: dict[str, list[dict[str, object]]], spark: SparkSession, sample: Path
) -> None:
    killed: list[int] = []
    stop = threading.Event()

    def kill_one_worker_that_embeds() -> None:
        while not stop.is_set() and not killed:
            for process in psutil.process_iter(["cmdline", "num_threads", "ppid"]):
                is_worker = "pyspark.daemon" in " ".join(process.info["cmdline"] or [])
                if is_worker and is_ours(process) and process.info["num_threads"] > 8:  # it has started to fetch
                    os.kill(process.pid, signal.SIGKILL)
                    killed.append(process.pid)
                    return
            time.sleep(0.02)

    thread = threading.Thread(target=kill_one_worker_that_embeds)
    thread.start()
    try:
        run_nightly(Request(f"{sample}/catalog.jsonl", f"{sample}/killed", load_config(None, SETTINGS)))
    finally:
        stop.set()
        thread.join()
    assert killed
    assert published(f"{sample}/killed") == tables


def is_ours(process: psutil.Process) -> bool:
    """Whether this test process started it, through Spark's JVM."""
    return os.getpid() in [parent.pid for parent in process.parents()]

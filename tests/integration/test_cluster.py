"""The same job on several executors with a declared GPU, by spark-submit, and with a worker that is killed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pyspark
import pytest
from elasticsearch import Elasticsearch
from pyspark.sql import SparkSession

from autotag_core import warehouse
from autotag_core.config.file import load_config
from autotag_core.local_machine import PROJECT, S3Server, find_java, spark_classpath
from autotag_core.sample import write_sample
from autotag_core.tables import CATALOG
from jobs.nightly import Request, run_nightly
from jobs.run.delta_tables import read_version, spark_schema, write_version
from udfs.embeddings import frames as embeddings

pytestmark = pytest.mark.integration
NUM_GIFS, NUM_BROKEN = 30, 4
SETTINGS = ["neighbors.backend=exact", "spark.partitions=6", "elasticsearch.replicas=0"]
SETTINGS += ["imagenet.backend=onnxruntime"]  # where a GPU is declared, auto is torch
Tables = dict[str, list[dict[str, object]]]
SCRIPT = """
import json, sys
from autotag_core.config.file import load_config
from jobs.nightly import Request, run_nightly
from jobs.process.session import spark_session

catalog, target, elasticsearch, discovery, settings = sys.argv[1:]
spark = spark_session("cluster", "local-cluster[2,1,1024]", {
    "spark.executor.resource.gpu.amount": "1",
    "spark.executor.resource.gpu.discoveryScript": discovery,
    "spark.worker.resource.gpu.amount": "1",
    "spark.worker.resource.gpu.discoveryScript": discovery,
    "spark.task.resource.gpu.amount": "1",
    "spark.sql.shuffle.partitions": "3",
    # a short life: compiling well costs more than it saves
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=512m",
    "spark.executor.extraJavaOptions": "-XX:TieredStopAtLevel=1",
})
run_nightly(Request(catalog, target, load_config(None, json.loads(settings)), elasticsearch, "cluster"))
summaries = spark.sparkContext._jsc.sc().statusStore().executorList(False)
summaries = [summaries.apply(number) for number in range(summaries.size())]
print("TASKS", json.dumps({summary.id(): summary.totalTasks() for summary in summaries}))
print("GPUS", json.dumps([summary.resources().toString() for summary in summaries if summary.id() != "driver"]))
"""


@pytest.fixture(scope="module")
def folder(s3: S3Server) -> str:
    """A bucket with a sample catalog."""
    s3.client().create_bucket(Bucket="cluster")
    write_sample("s3a://cluster/catalog", NUM_GIFS, seed=11, num_broken=NUM_BROKEN, workers=1)
    return "s3a://cluster"


@pytest.fixture(scope="module")
def tables(spark: SparkSession, folder: str, elasticsearch: str) -> Tables:
    """What local[2] publishes."""
    config = load_config(None, SETTINGS)
    run_nightly(Request(f"{folder}/catalog/catalog.jsonl", f"{folder}/local", config, elasticsearch, "local"))
    return published(f"{folder}/local")


def published(uri: str) -> Tables:
    release = warehouse.current_release(uri)
    return {
        name: sorted(
            warehouse.read_table(uri, name, release).to_pylist(),
            key=lambda row: json.dumps(row, sort_keys=True, default=repr),
        )
        for name in release.table_versions
    }


def documents(url: str, index: str) -> dict[str, dict[str, object]]:
    hits = Elasticsearch(url).search(index=index, size=1000)["hits"]["hits"]
    return {hit["_id"]: hit["_source"] for hit in hits}


def last_of(output: str, word: str) -> Any:
    return json.loads(next(line for line in reversed(output.splitlines()) if line.startswith(f"{word} "))[len(word) :])


def test_two_executors_with_a_declared_gpu_publish_and_index_the_same(
    tables: Tables, folder: str, elasticsearch: str, tmp_path: Path
) -> None:
    discovery = tmp_path / "discover_gpu.sh"
    discovery.write_text('#!/bin/sh\necho \'{"name": "gpu", "addresses": ["0"]}\'\n')
    discovery.chmod(0o755)
    arguments = [f"{folder}/catalog/catalog.jsonl", f"{folder}/cluster", elasticsearch, str(discovery)]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments, json.dumps(SETTINGS)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    tasks = last_of(done.stdout, "TASKS")
    assert tasks.pop("driver", 0) == 0
    assert len(tasks) == 2 and all(tasks.values()), tasks  # both did some of the job's own tasks
    assert last_of(done.stdout, "GPUS") == ["Map(gpu -> [name: gpu, addresses: 0])"] * 2
    assert published(f"{folder}/cluster") == tables
    assert len(documents(elasticsearch, "cluster")) == len(tables["search_documents"]) > NUM_GIFS
    assert documents(elasticsearch, "cluster") == documents(elasticsearch, "local")


def test_a_killed_python_worker_costs_no_row_and_changes_none(
    tables: Tables, spark: SparkSession, folder: str, num_failed_tasks: Callable[[], int]
) -> None:
    stop = threading.Event()
    before = num_failed_tasks()

    def kill_workers_until_a_task_fails() -> None:  # one that embedded before may be idle now: then the next one
        while not stop.is_set() and num_failed_tasks() == before:
            for process in psutil.process_iter(["cmdline", "num_threads", "ppid"]):
                is_worker = "jobs.process.worker_daemon" in (process.info["cmdline"] or [])
                if is_worker and is_ours(process) and process.info["num_threads"] > 8:  # it has started to fetch
                    os.kill(process.pid, signal.SIGKILL)
                    stop.wait(1)
                    break
            stop.wait(0.02)

    uri = f"{folder}/local"
    version = warehouse.current_release(uri).table_versions["catalog"]
    catalog_df = read_version(spark, f"{uri}/catalog", version, spark_schema(CATALOG))
    thread = threading.Thread(target=kill_workers_until_a_task_fails)
    thread.start()
    try:
        outcomes_df = embeddings.embed_frames(catalog_df, load_config(None, SETTINGS))
        version, num_outcomes = write_version(outcomes_df, f"{folder}/killed", "killed")
    finally:
        stop.set()
        thread.join()
    assert num_failed_tasks() > before  # so what is read below comes from a second try
    assert num_outcomes == len(tables["catalog"])
    outcomes_df = read_version(spark, f"{folder}/killed", version, outcomes_df.schema)
    of_frames = [row for row in tables["embeddings"] if row["expert"] == "imagenet"]
    found_df = embeddings.embedding_rows(outcomes_df)
    assert sorted(map(repr, found_df.toArrow().to_pylist())) == sorted(map(repr, of_frames))
    assert sorted(map(repr, embeddings.media_rows(outcomes_df).toArrow().to_pylist())) == sorted(
        map(repr, tables["media"])
    )


def is_ours(process: psutil.Process) -> bool:
    """Whether this test process started it, through Spark's JVM."""
    return os.getpid() in [parent.pid for parent in process.parents()]


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder with the wheel, a copy of jobs/nightly.py, and a Python that has the packages but not this project."""
    build = [word for step in ("build --build-base", "egg_info --egg-base") for word in (*step.split(), str(tmp_path))]
    command = [sys.executable, "setup.py", "-q", *build, "bdist_wheel", "--dist-dir", str(tmp_path)]
    subprocess.run(command, cwd=PROJECT, check=True, capture_output=True)
    (tmp_path / "jobs").mkdir()
    shutil.copy(PROJECT / "jobs" / "nightly.py", tmp_path / "jobs")
    python = tmp_path / "python"
    # -S: no .pth file is read, so the hook of the editable install stays away; the packages come by their path
    packages = sysconfig.get_path("purelib")
    python.write_text(f'#!/bin/sh\nPYTHONPATH="$PYTHONPATH:{packages}" exec {sys.executable} -S "$@"\n')
    python.chmod(0o755)
    return tmp_path


def test_spark_submit_needs_nothing_of_the_project_but_the_wheel(outside: Path, s3: S3Server, bucket: str) -> None:
    write_sample(f"{bucket}/catalog", 10, seed=11, workers=1)
    (outside / "conf").mkdir()
    (outside / "conf" / "spark-defaults.conf").write_text(
        f"spark.master local-cluster[2,1,1024]\nspark.driver.extraClassPath {spark_classpath()}\n"
        f"spark.executor.extraClassPath {spark_classpath()}\nspark.pyspark.python no-such-python\n"
    )
    smaller = {
        "spark.executor.cores": "1",
        "spark.executor.memory": "1g",
        "spark.driver.memory": "1g",
        "spark.pyspark.python": str(outside / "python"),
        "spark.sql.shuffle.partitions": "1",
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=512m",
        "spark.executor.extraJavaOptions": "-XX:TieredStopAtLevel=1",
    }
    submit = [str(Path(sys.executable).with_name("spark-submit"))]
    submit += ["--properties-file", str(PROJECT / "spark-defaults.conf"), "--load-spark-defaults"]
    submit += ["--py-files", str(next(outside.glob("*.whl")))]
    submit += [word for key, value in smaller.items() for word in ("--conf", f"{key}={value}")]
    submit += ["jobs/nightly.py", "--catalog", f"{bucket}/catalog/catalog.jsonl", "--warehouse", f"{bucket}/warehouse"]
    settings = ["experts=[imagenet,semantic]", "neighbors.backend=nmslib", "neighbors.shard_size=4"]
    settings += ["duplicates.enabled=false", "related.enabled=false", "training.enabled=false", "spark.partitions=2"]
    submit += [word for setting in settings for word in ("--set", setting)]
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "PYSPARK"))}
    environment |= {"SPARK_HOME": str(Path(pyspark.__file__).parent), "JAVA_HOME": str(find_java().home)}
    environment |= {"SPARK_CONF_DIR": str(outside / "conf"), "SPARK_LOCAL_IP": "127.0.0.1"}
    done = subprocess.run(
        submit, env=environment, cwd=outside, capture_output=True, text=True, timeout=500, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    assert s3.secret_key not in done.stdout + done.stderr
    release = published(f"{bucket}/warehouse")
    assert len(release["catalog"]) == len(release["media"]) == 10
    assert {row["expert"] for row in release["neighbors"] if row["neighbor_ids"]} == {"imagenet", "semantic"}


@pytest.mark.parametrize("file", ["README.md", "spark-defaults.conf"])
def test_the_documented_command_gives_the_file_nothing_but_options(file: str) -> None:
    text = (PROJECT / file).read_text(encoding="utf-8").replace("\n#", "\n").replace("\\\n", " ")
    [command] = [line for line in text.splitlines() if "spark-submit --properties-file" in line]
    assert "--load-spark-defaults" in command
    assert command.partition("jobs/nightly.py")[2].split()[::2] == ["--catalog", "--warehouse"]

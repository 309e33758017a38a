"""A night on a cluster of three workers with speculation on: one task is slow, one worker is killed; no row is lost or
there twice.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pyspark

from autotag_core.local_machine import PROJECT, find_java, spark_classpath
from benchmarks.chaos.house import Command, House, night_words, write_catalogs
from benchmarks.chaos.nights import must, outcome
from benchmarks.chaos.proxy import Answer, Forward, Request
from benchmarks.chaos.result import Result
from benchmarks.chaos.seen import differences, differing, read_tables

FOLDER = "s3a://chaos/speculation"
HOSTS = ("127.0.0.1", "127.0.0.2", "127.0.0.3")
"""Spark starts no second copy of a task on the host of the first."""
SLOW_S, START_S = 25.0, 120.0
SLOW_GIF = r"/gif-0000005\.gif"
SETTINGS = ("spark.partitions=6",)
CONF = {
    "spark.speculation": "true",
    "spark.speculation.interval": "200ms",
    "spark.speculation.quantile": "0.5",
    "spark.speculation.multiplier": "1.1",
    "spark.speculation.minTaskRuntime": "2s",
    "spark.dynamicAllocation.enabled": "false",
    "spark.executor.cores": "1",
    "spark.executor.memory": "512m",
    "spark.executor.memoryOverhead": "0",
    "spark.driver.memory": "1g",
    "spark.pyspark.python": sys.executable,
    "spark.sql.shuffle.partitions": "3",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=512m",
    "spark.executor.extraJavaOptions": "-XX:TieredStopAtLevel=1",
}


def trials(house: House, is_quick: bool) -> Iterator[Result]:
    """One result; there is no smaller one."""
    house.start_s3()
    catalog, _ = write_catalogs(f"{FOLDER}/catalog")
    must(house.run(*night_words(catalog, f"{FOLDER}/undisturbed", SETTINGS)))
    undisturbed = read_tables(f"{FOLDER}/undisturbed")
    start = time.monotonic()
    with Cluster(house) as cluster, house.calm():
        slow = house.s3_proxy.fault = SlowOnce()
        night = cluster.submit(night_words(catalog, f"{FOLDER}/w", SETTINGS))
        killed = night.when_said('event="stage finished" stage=frames', cluster.kill_worker)
        ended = night.wait()
    seen, num_copies = read_tables(f"{FOLDER}/w"), slow.num_fetched
    said = f"the slow file was read {num_copies} times, {'a' if killed else 'no'} worker was killed; "
    said += outcome(ended, differing(seen, undisturbed))
    yield Result(
        "speculation",
        f"three workers; a file that comes {SLOW_S:.0f} s late once; SIGKILL of a worker after the frames",
        "the slow task runs twice; exit 0, as undisturbed",
        said,
        differences(seen, undisturbed),
        time.monotonic() - start,
        ended.code == 0 and killed and num_copies > 1,
    )


class SlowOnce:
    """A fault of one file: it comes late to whoever asks first."""

    def __init__(self) -> None:
        self.num_fetched, self._lock = 0, threading.Lock()

    def __call__(self, request: Request, forward: Forward) -> Answer | None:
        """The server's answer."""
        if request.method == "GET" and re.search(SLOW_GIF, request.path):
            with self._lock:
                self.num_fetched += 1
                is_first = self.num_fetched == 1
            if is_first:
                time.sleep(SLOW_S)
        return forward(request)


class Cluster:
    """`with Cluster(house) as cluster`: a standalone master and a worker on each host."""

    def __init__(self, house: House) -> None:
        self._house, self._stack = house, ExitStack()
        self._workers: list[Command] = []
        self._home = Path(pyspark.__file__).parent
        self._environment = {
            "SPARK_HOME": str(self._home),
            "JAVA_HOME": str(find_java().home),
            "PYTHONPATH": str(PROJECT),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_WORKER_DIR": str(house.folder / "work"),
        }

    def __enter__(self) -> Cluster:
        words = ["org.apache.spark.deploy.master.Master", "--host", "127.0.0.1", "--port", "0", "--webui-port", "0"]
        self.url = _found(self._start(words), r"Starting Spark master at (spark://\S+)")
        for host in HOSTS:
            words = ["org.apache.spark.deploy.worker.Worker", "--host", host, "--cores", "1", "--memory", "512m"]
            self._workers.append(self._start([*words, "--webui-port", "0", self.url]))
            _found(self._workers[-1], "(Successfully registered with master)")
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def submit(self, words: list[str]) -> Command:
        """The night by spark-submit."""
        jars = {f"spark.{side}.extraClassPath": spark_classpath() for side in ("driver", "executor")}
        program = [str(Path(sys.executable).with_name("spark-submit")), "--master", self.url]
        program += ["--properties-file", str(PROJECT / "spark-defaults.conf")]
        program += [word for key, value in (CONF | jars).items() for word in ("--conf", f"{key}={value}")]
        script = str(PROJECT / "jobs" / "nightly.py")
        return self._house.start(script, *words[1:], environment=self._environment, program=program)

    def kill_worker(self) -> None:
        """SIGKILL to the last worker, its executors and their Python."""
        _kill_all(self._workers[-1].process)

    def _start(self, words: list[str]) -> Command:
        program = [str(self._home / "bin" / "spark-class")]
        command = self._house.start(*words, environment=self._environment, program=program)
        self._stack.callback(_kill_all, command.process)
        return command


def _kill_all(process: subprocess.Popen[bytes]) -> None:
    found = psutil.Process(process.pid).children(recursive=True) if psutil.pid_exists(process.pid) else []
    for child in (*found, process):
        if child.pid != os.getpid():
            try:
                child.kill()
            except psutil.NoSuchProcess:
                continue
    process.wait()


def _found(command: Command, pattern: str) -> str:
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        if match := re.search(pattern, command.log()):
            return match[1]
        time.sleep(0.1)
    raise TimeoutError(command.log()[-2000:])

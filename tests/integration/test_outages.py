"""Nights whose servers refuse or ignore every request: they end in time, say where, and leave no process behind.

The deadlines are seconds here. By default they are minutes.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import psutil
import pytest

from autotag_core.local_machine import PROJECT, S3Server
from autotag_core.sample import write_sample
from tests.refusing_proxy import RefusingProxy

pytestmark = pytest.mark.integration
STOP_S = 4
SETUP = f"""
import sys
from autotag_core import outages
from autotag_core.warehouse import lease
from jobs.process import ending
outages.OUTAGE_S, outages.EVERY_S, lease.HEARTBEAT_S, ending.STOP_S = 5.0, 1.0, 1.0, {STOP_S}
"""
NIGHT = f"""{SETUP}
from jobs.commands.app import main
main(["nightly", *sys.argv[1:]])
"""
WORKER_IN_C = f"""{SETUP}
from jobs.process.exit_codes import explained
from jobs.process.interrupts import watch_interrupts
from jobs.process.session import spark_session
with explained():
    spark = spark_session("loop", "local[1]", is_short=True)
    watch_interrupts()
    def loop(_):
        print("stage started stage=loop", file=sys.stderr, flush=True)
        return sum(range(10**12))  # in C, where no Python signal handler runs
    spark.sparkContext.parallelize([0], 1).map(loop).collect()
"""


@dataclass
class Command:
    """A command under way, in a session of its own: its lines so far, and every process that it has started."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    seen: dict[psutil.Process, str] = field(default_factory=dict)
    """With their command lines."""

    def read(self) -> None:
        assert self.process.stderr is not None
        self.lines += iter(self.process.stderr.readline, "")

    def look(self) -> None:
        """Remember the processes that there are now."""
        for child in psutil.Process(self.process.pid).children(recursive=True):
            with suppress(psutil.Error):  # it has ended meanwhile
                self.seen[child] = " ".join(child.cmdline())

    def wait_for_stage(self, name: str) -> None:
        end = time.monotonic() + 200
        while not any("stage started" in line and line.rstrip().endswith(f"stage={name}") for line in self.lines):
            assert self.process.poll() is None and time.monotonic() < end, "".join(self.lines[-20:])
            time.sleep(0.1)
        self.look()

    def end(self, within_s: float) -> tuple[int, str]:
        """Exit code and last line."""
        start = time.monotonic()
        while self.process.poll() is None and time.monotonic() < start + within_s:
            time.sleep(0.1)
        assert self.process.poll() is not None, f"still there after {within_s} s: {''.join(self.lines[-20:])}"
        _, alive = psutil.wait_procs(list(self.seen), timeout=5)
        assert [self.seen[child] for child in alive] == []
        return self.process.returncode, self.lines[-1]


@contextmanager
def started(script: str, *arguments: str) -> Iterator[Command]:
    process = subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
        cwd=PROJECT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    command = Command(process)
    reader = threading.Thread(target=command.read, daemon=True)
    reader.start()
    try:
        yield command
    finally:
        process.kill()
        process.wait()
        for child in command.seen:
            with suppress(psutil.Error):
                child.kill()
        reader.join(5)


@pytest.fixture(scope="module")
def catalog(s3: S3Server) -> str:
    s3.client().create_bucket(Bucket="outages")
    write_sample("s3a://outages/catalog", 12, seed=5, workers=1)
    return "s3a://outages/catalog/catalog.jsonl"


@pytest.fixture
def night(catalog: str, bucket: str, refusing: RefusingProxy) -> Callable[..., list[str]]:
    """The arguments of a small night over the proxy."""
    settings = ["experts=[imagenet,semantic]", "neighbors.backend=exact", "gates.max_failed_share=0.9"]
    words = [word for setting in settings for word in ("--set", setting)]
    return lambda *more: ["--catalog", catalog, "--warehouse", f"{bucket}/warehouse", *words, *more]


@pytest.mark.parametrize("fault", ["503", "hang"])
def test_an_s3_that_is_out_from_the_start_is_no_wrong_input(
    fault: str, night: Callable[..., list[str]], refusing: RefusingProxy
) -> None:
    refusing.mode = fault  # type: ignore[assignment]
    with started(NIGHT, *night()) as command:
        code, said = command.end(within_s=90)
    assert code == 3 and said.startswith("error: s3a://outages/catalog") and "S3 does not answer" in said
    assert command.lines == [said]


@pytest.mark.parametrize("fault", ["503", "hang"])
def test_an_s3_that_goes_out_ends_the_night_with_the_place(
    fault: str, night: Callable[..., list[str]], refusing: RefusingProxy
) -> None:
    with started(NIGHT, *night()) as command:
        command.wait_for_stage("catalog")
        refusing.mode = fault  # type: ignore[assignment]
        code, said = command.end(within_s=90)
    assert code == 3 and said.startswith("error: s3a://") and "S3 does not answer" in said
    assert refusing.num_refused > 0


def test_gifs_of_which_none_is_given_end_the_night_with_the_place_of_one(
    night: Callable[..., list[str]], refusing: RefusingProxy
) -> None:
    refusing.mode, refusing.only = "hang", b".gif HTTP"
    with started(NIGHT, *night()) as command:
        command.wait_for_stage("frames")
        code, said = command.end(within_s=120)
    assert code == 3 and said.startswith("error: s3a://outages/catalog/") and ".gif: S3 does not answer" in said


def test_one_interrupt_ends_a_night_whose_s3_and_jvm_hang(
    night: Callable[..., list[str]], refusing: RefusingProxy
) -> None:
    with started(NIGHT, *night()) as command:
        command.wait_for_stage("catalog")
        refusing.mode = "hang"
        [jvm] = [child for child in psutil.Process(command.process.pid).children() if "java" in child.name()]
        jvm.suspend()
        command.process.send_signal(signal.SIGINT)
        code, said = command.end(within_s=STOP_S + 5)
    assert (code, said) == (130, "stopped: readers see what was published last\n")


def test_one_interrupt_ends_a_python_worker_that_is_deep_in_c() -> None:
    with started(WORKER_IN_C) as command:
        command.wait_for_stage("loop")
        assert any("-m jobs.process.worker_daemon" in line for line in command.seen.values())
        command.process.send_signal(signal.SIGINT)
        code, said = command.end(within_s=STOP_S + 5)
    assert (code, said) == (130, "stopped: readers see what was published last\n")


def test_an_elasticsearch_that_never_answers_is_no_wrong_input(night: Callable[..., list[str]]) -> None:
    proxy = RefusingProxy("http://127.0.0.1:1")
    proxy.mode = "hang"
    settings = ("--set", "elasticsearch.timeout_s=2")
    with started(NIGHT, *night("--elasticsearch", proxy.url, *settings)) as command:
        code, said = command.end(within_s=90)
    proxy.close()
    assert code == 3 and said.startswith(f"error: Elasticsearch at {proxy.url}: no")
    assert command.lines == [said]

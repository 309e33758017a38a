"""The JVM that Spark runs in, where this process started it. Under spark-submit the JVM started this process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress

from autotag_core.processes import descendants, start_of


def own_jvm() -> subprocess.Popen[bytes] | None:
    """The JVM of this process's session. None before there is one, and where the JVM started this process."""
    return getattr(_of_context("_gateway"), "proc", None)


def end_jvm(jvm: subprocess.Popen[bytes]) -> None:
    """End the JVM after an error or Ctrl-C.

    It may clean up for 5 s, then it is killed. No archive of its classes is kept. When this returns, neither the JVM
    nor its workers print anything more.
    """
    _expect_the_end()
    workers = descendants(jvm.pid)
    with suppress(OSError):
        jvm.stdin.close()  # type: ignore[union-attr]  # Spark's launcher gives it one
    with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):  # people who press Ctrl-C twice don't want to wait
        jvm.wait(5)
    _kill(jvm, workers)


def kill_jvm(jvm: subprocess.Popen[bytes]) -> None:
    """End the JVM and its workers at once."""
    _expect_the_end()
    _kill(jvm, descendants(jvm.pid))


def _expect_the_end() -> None:
    """Let nothing be printed of a connection that breaks since the JVM ends."""
    updates = getattr(_of_context("_active_spark_context"), "_accumulatorServer", None)
    if updates is not None:
        updates.handle_error = lambda *_: None


def _kill(jvm: subprocess.Popen[bytes], workers: dict[int, str]) -> None:
    """Workers of a JVM that is killed, or that themselves hang, would else run on."""
    jvm.kill()
    for pid, started in workers.items():
        if start_of(pid) == started:  # else it has ended, and its number may be another's
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
    with suppress(subprocess.TimeoutExpired):  # one that waits for a dead disk ends when that answers
        jvm.wait(2)


def _of_context(name: str) -> object:
    """An attribute of the class SparkContext. None where nobody has imported it: importing it here would take time."""
    pyspark = sys.modules.get("pyspark")
    return getattr(pyspark.SparkContext, name, None) if pyspark else None

"""The JVM that Spark runs in, where this process started it. Under spark-submit the JVM started this process."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress


def own_jvm() -> subprocess.Popen[bytes] | None:
    """The JVM of this process's session. None before there is one, and where the JVM started this process."""
    return getattr(_of_context("_gateway"), "proc", None)


def end_jvm(jvm: subprocess.Popen[bytes]) -> None:
    """End the JVM after an error or Ctrl-C.

    It may clean up for 5 s, then it is killed. No archive of its classes is kept. When this returns, neither the JVM
    nor its workers print anything more.
    """
    updates = getattr(_of_context("_active_spark_context"), "_accumulatorServer", None)
    if updates is not None:  # the JVM's end breaks its connection, which is no error now
        updates.handle_error = lambda *_: None
    with suppress(OSError):
        jvm.stdin.close()  # type: ignore[union-attr]  # Spark's launcher gives it one
    try:
        jvm.wait(5)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):  # people who press Ctrl-C twice don't want to wait
        jvm.kill()
        jvm.wait()


def _of_context(name: str) -> object:
    """An attribute of the class SparkContext. None where nobody has imported it: importing it here would take time."""
    pyspark = sys.modules.get("pyspark")
    return getattr(pyspark.SparkContext, name, None) if pyspark else None

"""The JVM that Spark runs in, where this process started it; under spark-submit it is the other way round."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress


def own_jvm() -> subprocess.Popen[bytes] | None:
    """The JVM of this process's session; None before there is one, and where the JVM started this process."""
    return getattr(_of_context("_gateway"), "proc", None)


def end_jvm(jvm: subprocess.Popen[bytes]) -> None:
    """After an error or Ctrl-C: the JVM cleans up for at most 5 s, but does not write its archive of classes.

    What it and its workers still print is printed when this returns.
    """
    updates = getattr(_of_context("_active_spark_context"), "_accumulatorServer", None)
    if updates is not None:  # it has a connection to the JVM, whose end is no error now
        updates.handle_error = lambda *_: None
    with suppress(OSError):
        jvm.stdin.close()  # type: ignore[union-attr]  # Spark's launcher gives it one
    try:
        jvm.wait(5)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):  # whoever presses it twice does not want to wait
        jvm.kill()
        jvm.wait()


def _of_context(name: str) -> object:
    """What the class of Spark's context holds; None where nobody imported it, so that nobody waits for that."""
    pyspark = sys.modules.get("pyspark")
    return getattr(pyspark.SparkContext, name, None) if pyspark else None

"""The environment of a Spark that runs on this machine alone, without what somebody has set for another Spark."""

from __future__ import annotations

import os
import sys
from collections.abc import MutableMapping
from pathlib import Path

PREFIXES = ("SPARK_", "PYSPARK_", "HADOOP_", "YARN_", "HIVE_")
"""Beginnings of the variables by which an installed Spark is found and set up: folders, options, master, classes."""
NAMES = ("MASTER", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS")
"""Other such variables. The last three are options of every JVM, such as a heap of another size."""
KEPT = ("SPARK_LOCAL_DIRS",)
"""Where Spark may put its temporary files is a property of the machine."""
_OF_SPARK = ("pyspark", "py4j")


def own_spark_environment(environment: MutableMapping[str, str]) -> None:
    """Make the variables lead to this process's own Spark, Python and folders, for its JVM and its workers.

    Under spark-submit this is not called: there the cluster's environment holds. Where the locale is not UTF-8, it
    becomes so, since Java would else find no file with an accent in its name.
    """
    import pyspark

    leave_out_other_sparks(environment)
    for name in [name for name in environment if name.startswith(PREFIXES) or name in NAMES]:
        if name not in KEPT:
            del environment[name]
    environment["SPARK_HOME"] = str(Path(pyspark.__file__).parent)
    environment["PYSPARK_PYTHON"] = environment["PYSPARK_DRIVER_PYTHON"] = sys.executable
    # The machine's name may not resolve, and nobody outside needs to connect.
    environment["SPARK_LOCAL_IP"] = "127.0.0.1"
    locale = environment.get("LC_ALL") or environment.get("LC_CTYPE") or environment.get("LANG") or ""
    if "utf" not in locale.lower():
        environment["LC_ALL"] = "C.UTF-8"


def leave_out_other_sparks(environment: MutableMapping[str, str]) -> None:
    """Take the folders and archives of an installed Spark's Python off PYTHONPATH and this process's path.

    Else its pyspark would be imported, of another version than the one that is installed with the job. Where that one
    is itself found by PYTHONPATH alone, all stays.
    """
    named = [entry for entry in environment.get("PYTHONPATH", "").split(os.pathsep) if entry]
    others = [entry for entry in named if _holds_spark(Path(entry))]
    rest = [entry for entry in sys.path if entry not in others]
    if others and any((Path(entry) / "pyspark").is_dir() for entry in rest):
        environment["PYTHONPATH"] = os.pathsep.join(entry for entry in named if entry not in others)
        sys.path[:] = rest


def _holds_spark(entry: Path) -> bool:
    return entry.name.startswith(_OF_SPARK) or any((entry / name).is_dir() for name in _OF_SPARK)

"""What comes inside the installed pyspark, found without importing it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from pathlib import Path

from autotag_core.errors import AutotagError

OLDEST_SPARK = "4.0"
"""setup.py has the same bound; requirements-oldest.lock installs it."""


def pyspark_jars() -> Path:
    """The folder of jars inside pyspark. AutotagError where pyspark is not installed."""
    spec = importlib.util.find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise AutotagError("pyspark is not installed: run `make setup`")
    return Path(spec.origin).parent / "jars"


def shipped_hadoop() -> str:
    """The version of the Hadoop inside pyspark, such as 3.5.0. hadoop-aws must have the very same version."""
    found = sorted(pyspark_jars().glob("hadoop-client-api-*.jar"))
    if not found:
        raise AutotagError(f"{pyspark_jars()} holds no hadoop-client-api-*.jar: is this a pyspark from pip?")
    return found[-1].stem.removeprefix("hadoop-client-api-")


def is_oldest_spark() -> bool:
    """Whether the installed pyspark is of the oldest series that is supported."""
    return importlib.metadata.version("pyspark").startswith(f"{OLDEST_SPARK}.")

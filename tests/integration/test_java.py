"""Spark, its workers and S3A on the Java that is packaged, and on the newest that is supported, where it is found."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from autotag_core.local_machine import PROJECT
from autotag_core.local_machine.java import ask_java, newest_java

pytestmark = pytest.mark.integration
USUAL_PLACE = Path("/usr/lib/jvm")

WRITE_AND_READ = """
import sys
from jobs.process.session import spark_session
spark = spark_session("java", "local[2]", is_short=True)
spark.range(100).write.parquet(sys.argv[1])
rows_df = spark.read.parquet(sys.argv[1]).mapInArrow(lambda batches: batches, "id long")
print(spark._jvm.java.lang.System.getProperty("java.specification.version"), rows_df.count())
"""


def java_homes() -> dict[int, str]:
    """A home of each version of Java that lies in the usual place."""
    answers = [ask_java(str(program)) for program in sorted(USUAL_PLACE.glob("*/bin/java"))]
    return {version: str(home) for home, version in filter(None, answers)}


@pytest.mark.parametrize("which", ["packaged", "newest"])
def test_a_session_writes_to_s3_and_reads_in_workers(
    which: str, bucket: str, temporary: Path, without_java: dict[str, str]
) -> None:
    environment, expected = without_java | {"PYTHONPATH": str(PROJECT)}, 21
    if which == "newest":
        expected = newest_java()
        if expected not in java_homes():
            pytest.skip(f"there is no Java {expected} in {USUAL_PLACE}")
        environment["JAVA_HOME"] = java_homes()[expected]
    (temporary / "write_and_read.py").write_text(WRITE_AND_READ)
    done = subprocess.run(
        [sys.executable, "write_and_read.py", f"{bucket}/numbers"],
        env=environment,
        cwd=temporary,
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.splitlines()[-1] == f"{expected} 100"

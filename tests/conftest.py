"""What tests share: one Spark session, a real S3 server, a real Elasticsearch, the shared data."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from autotag_core import storage
from autotag_core.services import ElasticsearchServer, S3Server
from jobs.session import spark_session

_bucket_numbers = itertools.count(1)


def pytest_configure() -> None:
    """A run in the background of a script ignores Ctrl-C, and so would the children that tests interrupt."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """A server that checks signatures; while it runs, the environment leads boto3, Spark and delta-rs to it."""
    with S3Server() as server, pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3"):
            patch.delenv(name, raising=False)
        for name, value in server.environment().items():
            patch.setenv(name, value)
        storage._s3_client.cache_clear()
        yield server
    storage._s3_client.cache_clear()


@pytest.fixture
def bucket(s3: S3Server) -> str:
    """A new empty bucket, s3a://name."""
    name = f"bucket-{next(_bucket_numbers)}"
    s3.client().create_bucket(Bucket=name)
    return f"s3a://{name}"


@pytest.fixture(scope="session")
def spark(s3: S3Server) -> Iterator[SparkSession]:
    """One session of two cores with Delta for the whole run, for local paths and for the buckets of `s3`."""
    extra = {
        "spark.sql.shuffle.partitions": "2",
        # Tests are short: compiling for a long life costs 40% of the JVM's CPU time. Alone, this leaves 48 MB for
        # compiled code, which a thousand queries fill: the JVM then throws away and compiles again without end.
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=512m",
    }
    session = spark_session("tests", master="local[2,4]", extra=extra)
    yield session
    session.stop()


@pytest.fixture(scope="session")
def elasticsearch() -> Iterator[str]:
    """The URL of a real Elasticsearch; tests name their indexes apart."""
    with ElasticsearchServer() as server:
        yield server.url


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real GIFs beside the repository; the test is skipped where they are not."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    return folder


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A folder that every user can reach, as /tmp is: tmp_path is not."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def without_java(temporary: Path) -> dict[str, str]:
    """The environment of a machine with no Java: JAVA_HOME unset, PATH without the program."""
    programs = temporary / "bin"
    programs.mkdir()
    programs.chmod(0o755)
    for folder in os.environ["PATH"].split(os.pathsep):
        for program in Path(folder).iterdir() if Path(folder).is_dir() else []:
            if program.name != "java" and not (programs / program.name).is_symlink():
                (programs / program.name).symlink_to(program)
    return {key: value for key, value in os.environ.items() if key != "JAVA_HOME"} | {"PATH": str(programs)}

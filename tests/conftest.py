"""What tests share: one Spark session, a real S3 server, a real Elasticsearch, the shared data."""

from __future__ import annotations

import ctypes
import io
import itertools
import os
import pickle
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from pyspark.sql import SparkSession

from autotag_core import storage
from autotag_core.failures import Reason
from autotag_core.local_machine import ElasticsearchServer, S3Server
from autotag_core.local_machine.jars import ELASTICSEARCH_9
from autotag_core.local_machine.shipped import is_oldest_spark
from autotag_core.sample import BROKEN_KINDS
from jobs.process.ending import Ending
from jobs.process.session import spark_session
from jobs.sample.own_environment import own_environment
from tests.browser import Chromium, find_chromium
from tests.refusing_proxy import RefusingProxy
from tests.sharing_out import GroupScheduling, group_of, longest_first

REASONS_BY_TEST = {
    "test_each_broken_item_ends_as_its_known_failure": frozenset(
        {Reason.REFUSED_DOCUMENT} | {kind.reason for kind in BROKEN_KINDS if kind.reason}
    ),
    "test_gifs_outside_of_the_configured_limits_become_failures": frozenset(
        {Reason.TOO_FEW_FRAMES, Reason.TOO_SHORT, Reason.TOO_LONG}
    ),
    "test_what_may_not_be_read_or_does_not_answer_becomes_a_failure": frozenset(
        {Reason.ACCESS_DENIED, Reason.FETCH_FAILED}
    ),
    "test_a_file_that_kills_or_holds_up_its_worker_is_a_failure_and_not_the_end": frozenset(
        {Reason.KILLED_WORKER, Reason.TIMED_OUT}
    ),
    "test_a_video_where_the_package_for_videos_is_missing_is_a_failure": frozenset({Reason.MISSING_PACKAGE}),
    "test_a_gif_that_does_not_fit_the_device_is_read_media_and_a_failure": frozenset({Reason.OUT_OF_MEMORY}),
}
"""The tests that see real broken items become rows of `failures`, and the reasons they see: together all there are."""

SICK = """
import os, time
from autotag_core.frames import load

def decode_frames(data, *rest):
    if b"KILL" in data: os.abort()
    if b"EXIT" in data: os._exit(3)
    if b"HANG" in data: time.sleep(600)
    if b"RAISE" in data: raise ValueError("as any file may")
    return real(data, *rest)

real, load.decode_frames = load.decode_frames, decode_frames
"""
"""A sitecustomize: decoding that is sick of some files, as native code may be."""

FORGETFUL = {
    f"spark.{name}": "50"
    for name in ("ui.retainedJobs", "ui.retainedStages", "ui.retainedTasks", "sql.ui.retainedExecutions")
}
"""Settings of a session that runs thousands of tests: Spark's UI would keep a gigabyte of what ran."""
_bucket_numbers = itertools.count(1)


def pytest_configure() -> None:
    """A run in the background of a script ignores Ctrl-C, and so would the children that tests interrupt."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Between several processes the longest groups begin first."""
    if hasattr(config, "workerinput"):  # one of several processes
        items[:] = [items[place] for place in longest_first([group_of(item.nodeid) for item in items])]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> GroupScheduling:
    """Between several processes groups stay whole."""
    return GroupScheduling(config, log)


@pytest.fixture(scope="session", autouse=True)
def user_cache() -> Iterator[Path]:
    """A cache of converted networks for this run and its children: those of tests are large, and nobody's."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", folder)
        patch.setattr(Ending, "_late", lambda _: None)  # a command that is tried here must not end this process
        # Compiled loops are the same in every run, and compiling them takes as long as some hundred tests.
        compiled = Path(__file__).resolve().parents[1] / ".cache" / "compiled"
        patch.setenv("NUMBA_CACHE_DIR", os.environ.get("NUMBA_CACHE_DIR") or str(compiled))
        yield Path(folder)


@pytest.fixture(scope="module", autouse=True)
def memory_given_back() -> Iterator[None]:
    """What networks took goes back to the machine: two processes and their servers and nights share one."""
    yield
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):  # of glibc alone
        trim(0)


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """A server that checks signatures; while it runs, the environment leads boto3, Spark and delta-rs to it."""
    with own_environment(), S3Server() as server, pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment().items():
            patch.setenv(name, value)
        yield server


@pytest.fixture
def bucket(s3: S3Server) -> str:
    """A new empty bucket, s3a://name."""
    name = f"bucket-{next(_bucket_numbers)}"
    s3.client().create_bucket(Bucket=name)
    return f"s3a://{name}"


@pytest.fixture
def refusing(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[RefusingProxy]:
    """A proxy in front of `s3`, which passes everything until it is told not to; the environment leads to it."""
    proxy = RefusingProxy(s3.endpoint)
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
    storage.files._s3_client.cache_clear()
    yield proxy
    proxy.close()
    storage.files._s3_client.cache_clear()


@pytest.fixture(scope="session")
def spark(s3: S3Server) -> Iterator[SparkSession]:
    """One session of two cores with Delta for the whole run, for local paths and for the buckets of `s3`."""
    # is_short: no Java is made for queries; the tests on a cluster (spark-submit, local-cluster) make it
    extra = {"spark.sql.shuffle.partitions": "2", "spark.driver.memory": "2g"} | FORGETFUL
    session = spark_session("tests", master="local[2,4]", extra=extra, is_short=True)
    yield session
    session.stop()


@pytest.fixture
def num_failed_tasks(spark: SparkSession) -> Callable[[], int]:
    """How many tasks have failed since the session began, over all executors."""

    def count() -> int:
        summaries = spark.sparkContext._jsc.sc().statusStore().executorList(False)
        return sum(summaries.apply(number).failedTasks() for number in range(summaries.size()))

    return count


@pytest.fixture(scope="session")
def elasticsearch() -> Iterator[str]:
    """The URL of a real Elasticsearch; tests name their indexes apart."""
    with ElasticsearchServer() as server:
        yield server.url


@pytest.fixture(scope="session")
def elasticsearch_9() -> Iterator[str]:
    """The URL of a real Elasticsearch 9, for the tests of the main path; not fetched for those on the oldest Spark."""
    if is_oldest_spark():
        pytest.skip("Elasticsearch 9 is there for the tests on the newest Spark: make test")
    with ElasticsearchServer(fetched=ELASTICSEARCH_9) as server:
        yield server.url


@pytest.fixture
def browser() -> Iterator[Chromium]:
    """A real browser; skipped where there is none, unless AUTOTAG_NEEDS_CHROMIUM is set."""
    program = find_chromium()
    if program is None:
        assert not os.environ.get("AUTOTAG_NEEDS_CHROMIUM"), "no Chromium"
        pytest.skip("no Chromium: name one with CHROMIUM, or install the package chromium")
    with Chromium(program) as found:
        yield found


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real GIFs: the folder that AUTOTAG_REAL_GIFS names, else one beside the repository; skipped where neither is."""
    named = os.environ.get("AUTOTAG_REAL_GIFS")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        assert not named, f"AUTOTAG_REAL_GIFS is {named}: there is no such folder"
        pytest.skip("no real GIFs: set AUTOTAG_REAL_GIFS to a folder of folders with gifs/*.gif")
    return folder


@pytest.fixture(scope="session")
def petastorm() -> str:
    """The Python of the environment that has petastorm; skipped where `make test` found none to make it with."""
    python = Path(__file__).resolve().parents[1] / ".venv-petastorm" / "bin" / "python"
    if not python.exists():
        pytest.skip("no .venv-petastorm: `make test` makes it where Python 3.11 or 3.12 is on PATH")
    return str(python)


@pytest.fixture
def pickle_trap(tmp_path: Path) -> Callable[[str], Path]:
    """Puts petastorm's dataset metadata into a local folder, and returns the file that appears if it is unpickled."""
    sprung = tmp_path / "sprung"

    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return eval, (f"open({str(sprung)!r}, 'w').close()",)

    def write(folder: str) -> Path:
        pickled = {b"dataset-toolkit.unischema.v1": pickle.dumps(Trap())}
        pq.write_metadata(pa.schema([("gif_id", pa.string())], metadata=pickled), f"{folder}/_common_metadata")
        return sprung

    return write


@pytest.fixture(scope="session")
def clustered() -> Callable[[int, int, int], npt.NDArray[np.float32]]:
    """Unit vectors in overlapping flat clusters with noise, like image embeddings: (num_vectors, dimension, seed)."""

    def draw(num_vectors: int, dimension: int, seed: int) -> npt.NDArray[np.float32]:
        random = np.random.default_rng(seed)
        num_clusters, flat = max(1, num_vectors // 200), min(16, dimension)
        centers = random.normal(size=(num_clusters, dimension)) * 0.5
        axes = random.normal(size=(num_clusters, flat, dimension))
        cluster = random.integers(num_clusters, size=num_vectors)
        vectors = random.normal(size=(num_vectors, dimension)) * 0.3
        for c in range(num_clusters):
            rows = cluster == c
            vectors[rows] += centers[c] + random.normal(size=(rows.sum(), flat)) @ axes[c] / np.sqrt(flat)
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)

    return draw


@pytest.fixture
def reasons(request: pytest.FixtureRequest) -> frozenset[Reason]:
    """The reasons that this test shall find in rows of `failures`."""
    return REASONS_BY_TEST[request.node.originalname]


@pytest.fixture
def reasons_by_test() -> dict[str, frozenset[Reason]]:
    """All of them, by test."""
    return REASONS_BY_TEST


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


@pytest.fixture
def sick_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """One GIF, sound and with a comment that makes decoding sick, by what that does, in processes with our path."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(SICK)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    buffer = io.BytesIO()
    Image.new("RGB", (20, 20), "red").save(buffer, "GIF")
    gif = buffer.getvalue()
    found = {}
    for word in ("", "KILL", "EXIT", "HANG", "RAISE"):
        comment = b"!\xfe" + bytes([len(word)]) + word.encode() + b"\0" if word else b""
        (tmp_path / f"{word}.gif").write_bytes(gif[:-1] + comment + b";")
        found[word] = str(tmp_path / f"{word}.gif")
    return found

"""What an error of an executor is on the driver: its own class, one line, no credential."""

from __future__ import annotations

import errno
import shutil
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from autotag_core.errors import (
    AutotagError,
    DiskFullError,
    InputError,
    NotPublishedError,
    OutageError,
    as_raised,
    cause,
    scrubbed,
)

JAVA = """An error occurred while calling o97.save.
: org.apache.spark.SparkException: [TASK_FAILED] Job aborted due to stage failure: Task 0 in stage 7.0 failed 4 times, \
most recent failure: Lost task 0.3 in stage 7.0 (TID 21) (10.0.0.7 executor 3): \
org.apache.spark.api.python.PythonException: Traceback (most recent call last):
  File "/opt/spark/python/lib/pyspark.zip/pyspark/worker.py", line 1, in main
    process()
  File "/opt/autotag/udfs/embeddings/frames.py", line 91, in embed_batches
    models = load_frame_models(config)
{raised}

\tat org.apache.spark.api.python.BasePythonRunner$ReaderIterator.handlePythonException(PythonRunner.scala:581)
Driver stacktrace:
\tat org.apache.spark.scheduler.DAGScheduler.$anonfun$abortStage$2(DAGScheduler.scala:2935)
Caused by: org.apache.spark.api.python.PythonException: Traceback (most recent call last):
  File "/opt/autotag/udfs/embeddings/frames.py", line 91, in embed_batches
    models = load_frame_models(config)
{raised}

\tat org.apache.spark.api.python.BasePythonRunner$ReaderIterator.handlePythonException(PythonRunner.scala:581)
"""
DISK = """An error occurred while calling o97.save.
: org.apache.spark.SparkException: Job aborted.
\tat org.apache.spark.sql.Dataset.save(Dataset.scala:1)
Caused by: org.apache.spark.SparkException: Writing job failed
\tat x.y(Z.scala:1)
Caused by: java.io.IOException: No space left on device
\t... 31 more
"""


class DeadJvmError(Exception):
    def __str__(self) -> str:
        raise ConnectionRefusedError("the gateway is gone")


@pytest.mark.parametrize("kind", [InputError, NotPublishedError, AutotagError])
def test_an_executors_error_is_raised_on_the_driver_as_what_it_was(kind: type[AutotagError]) -> None:
    wrapped = RuntimeError(JAVA.format(raised=f"autotag_core.errors.{kind.__name__}: weights /r50: no such file"))
    found = as_raised(wrapped)
    assert type(found) is kind
    assert str(found) == "weights /r50: no such file" == cause(found)


def test_an_error_of_another_kind_stays_what_it_is() -> None:
    for error in (
        RuntimeError(JAVA.format(raised="ValueError: boom")),
        KeyboardInterrupt(),
        DeadJvmError(),
        InputError("autotag_core.errors.NotPublishedError: quoted"),
    ):
        assert as_raised(error) is error


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (RuntimeError(JAVA.format(raised="ValueError: boom")), "ValueError: boom"),
        (RuntimeError(DISK), "java.io.IOException: No space left on device"),
        (
            RuntimeError("An error occurred while calling o1.x.\n: java.lang.Error: gone\n\tat a.b\n"),
            "java.lang.Error: gone",
        ),
        (ValueError("first line\nsecond line"), "ValueError: first line"),
        (ValueError(), "ValueError"),
        (DeadJvmError(), "DeadJvmError"),
        (InputError("x.jsonl: no\n  such file"), "x.jsonl: no such file"),
        (OSError("s3a://AKIA1:se/cret@gifs/x: refused"), "OSError: s3a://gifs/x: refused"),
    ],
)
def test_the_cause_is_one_line_that_says_what_happened(error: Exception, line: str) -> None:
    assert cause(error) == line


def test_a_text_without_a_credential_stays_as_it_is() -> None:
    text = "s3a://gifs/a b.gif by user@home"
    assert scrubbed(text) == text


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError(DISK),
        RuntimeError(JAVA.format(raised="OSError: [Errno 28] No space left on device")),
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
    ],
)
def test_a_full_disk_is_one_line_that_names_the_full_folder_of_this_machine_and_exit_code_1(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=2**20))
    found = as_raised(error)
    assert isinstance(found, DiskFullError) and found.exit_code == 1
    hint = "make room, or name another one in TMPDIR, for Spark in spark.local.dir"
    assert str(found) == f"{tmp_path}: the disk is full (1.0 MB free): {hint}"


def test_a_full_disk_names_the_folder_of_the_file_that_could_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    written = RuntimeError(JAVA.format(raised=f"OSError: [Errno 28] No space left on device: '{tmp_path}/new/x.npy'"))
    copied = OSError(errno.ENOSPC, "No space left on device", "/etc/hosts", None, str(tmp_path / "b"))
    for error in (written, copied):
        assert str(as_raised(error)).startswith(f"{tmp_path}: the disk is full (")


def test_a_full_disk_of_another_machine_is_not_taken_for_one_of_this(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=2**40))
    assert "look at the local folders of Spark's executors (spark.local.dir)" in str(as_raised(RuntimeError(DISK)))
    raised = "autotag_core.errors.DiskFullError: /data/1: the disk is full (0.1 MB free): make room"
    found = as_raised(RuntimeError(JAVA.format(raised=raised)))
    assert (type(found), str(found)) == (DiskFullError, "/data/1: the disk is full (0.1 MB free): make room")


DELTA = (
    "Kernel error -> Generic S3 error\n          \x1b[31m↳\x1b[0m Error performing GET http://10.0.0.1/b/t/_delta_log/"
    "_last_checkpoint in 11.5s, after 10 retries, max_retries\n  10, retry_timeout\n 180s  - {said}\n"
)
ARROW = "When getting information for key 't.parquet' in bucket 'b': AWS Error {said} during HeadObject operation: no"
S3A = "Caused by: java.io.IOException: open s3a://b/t.parquet: {said}"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (DELTA.format(said="Server returned non-2xx status code: 503 Service Unavailable"), "http://10.0.0.1/b/t/"),
        (DELTA.format(said="HTTP error: error sending request: operation timed out"), "http://10.0.0.1/b/t/"),
        (ARROW.format(said="UNKNOWN (HTTP status 503)"), "S3"),
        (ARROW.format(said="SLOW_DOWN"), "S3"),
        (ARROW.format(said="NETWORK_CONNECTION"), "S3"),
        (
            S3A.format(said="S3Exception: Reduce your rate. (Service: S3, Status Code: 503)"),
            "s3a:",
        ),
        (S3A.format(said="SdkClientException: Unable to execute HTTP request: Read timed out"), "s3a://b/t.parquet"),
        ("x\nautotag_core.errors.OutageError: s3a://b/t: S3 does not answer\n", "s3a://b/t"),
        (
            'autotag_core.errors.InputError: s3a://b/x: Could not connect to the endpoint URL: "http://h/b/x"',
            "s3a://b/x",
        ),
    ],
)
def test_an_outage_is_told_from_wrong_input_in_the_words_of_each_library(text: str, place: str) -> None:
    found = as_raised(RuntimeError(text))
    assert isinstance(found, OutageError) and found.exit_code == 3
    assert str(found).startswith(place) and "\n" not in str(found)


@pytest.mark.parametrize(
    "text",
    [
        DELTA.format(said="Server returned non-2xx status code: 403 Forbidden"),
        ARROW.format(said="ACCESS_DENIED"),
        ARROW.format(said="UNKNOWN (HTTP status 501)"),
        S3A.format(said="AccessDeniedException: (Service: S3, Status Code: 403)"),
    ],
)
def test_what_s3_refuses_for_a_reason_is_no_outage(text: str) -> None:
    error = RuntimeError(text)
    assert as_raised(error) is error

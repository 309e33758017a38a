"""Checks of the warehouse, the catalog and the store's clock, by real reads and writes."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from email.utils import parsedate_to_datetime

from autotag_core import inputs, storage, warehouse
from autotag_core.errors import InputError
from autotag_core.operations.checks.finding import ERROR, OK, WARNING, Finding

PROBE = "_probe"
SOON_S, WRONG_S = 30.0, 300.0
"""Clocks that differ by the first mislead people who compare logs. S3 refuses requests that differ by 15 minutes."""
NUM_TRIED = 1000


def check_store(uri: str) -> Iterator[Finding]:
    """Whether files can be written, read, listed and deleted in the warehouse, and are not written over."""
    storage.check_warehouse(uri)
    start, data = time.monotonic(), os.urandom(4096)
    folder = storage.join(uri, PROBE, os.urandom(4).hex())
    probe = storage.join(folder, "probe")
    try:
        storage.write_bytes(probe, data)
        problems = list(_problems(probe, folder, data))
    except BaseException:
        with suppress(InputError):
            storage.delete_prefix(folder)
        raise
    storage.delete_prefix(folder)
    if storage.list_files(folder):
        said = f"{folder}: a file that was deleted is still there"
        problems.append(Finding("warehouse", ERROR, said, "allow s3:DeleteObject"))
    elif not storage.list_files(storage.join(uri, PROBE)):
        storage.delete_prefix(storage.join(uri, PROBE))  # the folder itself, where it is a local one
    said = f"{uri}: written, read, listed, not written over and deleted in {time.monotonic() - start:.1f} s"
    yield from problems or [Finding("warehouse", OK, said)]


def _problems(probe: str, folder: str, data: bytes) -> Iterator[Finding]:
    if storage.read_bytes(probe) != data:
        yield Finding("warehouse", ERROR, f"{probe}: other bytes were read than were written", "check the store")
    if len(storage.list_files(folder)) != 1:
        advice = "a store must list what was just written"
        yield Finding("warehouse", ERROR, f"{folder}: the file that was written is not listed", advice)
    if storage.create_file(probe, b"other"):
        advice = "two runs could take each other's place: use a store that knows If-None-Match"
        yield Finding("warehouse", ERROR, f"{probe}: was written over in spite of If-None-Match", advice)


def check_runs(uri: str) -> Iterator[Finding]:
    """Whether the rows of `runs` can be read, and what readers see."""
    try:
        runs = warehouse.list_runs(uri)
    except InputError as error:
        if "no run was ever recorded here" not in str(error):
            raise
        yield Finding("runs", OK, f"{uri}: no run yet")
        return
    release = next((run for run in reversed(runs) if run.is_release), None)
    if release is None:
        yield Finding("runs", WARNING, f"{len(runs)} runs, none published", "`autotag runs` says why")
        return
    warehouse.check_release(uri, release.run_id)
    yield Finding("runs", OK, f"{len(runs)} runs; readers see {release.run_id}, whose files are all there")


def check_catalog(uri: str, columns: Sequence[inputs.Column], separator: str) -> Iterator[Finding]:
    """Whether the first rows of the catalog can be read. Cost: up to 32 MB of it."""
    storage.check_uri(uri)
    storage.check_exists(uri)
    parts = (part for task in inputs.find_parts(uri) for part in task)
    batch = next((batch for part in parts for batch in inputs.read_part(part, columns, separator)), None)
    if batch is None or not batch.num_rows:
        yield Finding("catalog", ERROR, f"{uri}: it has no row", "see docs/how-it-works/catalog.md")
        return
    rows = batch.slice(0, NUM_TRIED).select(["wrong", "problem"]).to_pylist()
    problems = [row["problem"] for row in rows if row["wrong"]]
    if not problems:
        yield Finding("catalog", OK, f"{uri}: its first {len(rows)} rows can be read")
        return
    said = f"{uri}: {len(problems)} of its first {len(rows)} rows can't be read, such as `{problems[0]}`"
    level = ERROR if len(problems) == len(rows) else WARNING
    yield Finding("catalog", level, said, "see docs/how-it-works/catalog.md")


def check_clock(uri: str) -> Iterator[Finding]:
    """How far this machine's clock is from that of the store, by the date of an answer."""
    if not storage.is_s3(uri):
        yield Finding("clock", OK, "the warehouse is on this machine: one clock")
        return
    bucket, _ = storage.split_s3(uri)
    before = time.time()
    answer = storage.s3_client().list_objects_v2(Bucket=bucket, MaxKeys=1)
    date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    if date is None:
        yield Finding("clock", WARNING, "S3 does not date its answers", "compare the clocks by hand")
    else:
        yield clock_finding("S3", parsedate_to_datetime(date).timestamp(), before, time.time())


def clock_finding(whose: str, theirs: float, before: float, after: float) -> Finding:
    """How a clock compares to ours, which said `before` as it was asked and `after` when it had answered.

    A date has whole seconds, so a second either way is none.
    """
    off = max(0.0, before - theirs - 1, theirs - after - 1)
    said = f"{off:.0f} s from the clock of {whose}"
    if off < SOON_S:
        return Finding("clock", OK, said)
    return Finding("clock", ERROR if off >= WRONG_S else WARNING, said, "set this machine's clock by NTP")

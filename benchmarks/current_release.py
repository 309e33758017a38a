"""Milliseconds to read the current release after many nights: `python -m benchmarks.current_release [--uri s3a://...]`.

`as appended` leaves the files of `runs` as each night has added them. `merged` is what the job does. Rows are as large
as those of a real night. Each figure is the least of seven reads, or the median of the appends in between.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

from autotag_core import storage, warehouse
from autotag_core.config import Config
from autotag_core.tables import TABLES
from autotag_core.warehouse import RunRecord, run_records, table_log
from autotag_core.warehouse.delta import live_files, open_table

NIGHTS = (1, 100, 300)
NUM_READS = 7


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--uri", help="a folder or bucket to write below; else a temporary folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print("| runs | | read, ms | append, ms | files | commits to replay |\n|---|---|---|---|---|---|")
        for side, tidy in (("as appended", lambda _: None), ("merged", run_records.tidy_runs)):
            measure(storage.join(options.uri or folder, uuid.uuid4().hex), side, tidy)


def measure(uri: str, side: str, tidy: Callable[[str], None]) -> None:
    """Append the nights and print a row of the table at each of NIGHTS. What was written is deleted."""
    run_records.tidy_runs, before = tidy, run_records.tidy_runs
    runs, appends = warehouse.table_uri(uri, "runs"), []
    try:
        for number in range(1, max(NIGHTS) + 1):
            appends.append(milliseconds(lambda number=number: warehouse.append_run(uri, night(number))))  # type: ignore[misc]
            if number not in NIGHTS:
                continue
            read = min(milliseconds(lambda: warehouse.current_release(uri)) for _ in range(NUM_READS))
            files, commits = len(live_files(open_table(runs), runs)), table_log.commits_to_replay(runs)
            append, appends = statistics.median(appends), []
            print(f"| {number} | {side} | {read:.0f} | {append:.0f} | {files} | {commits} |", flush=True)
    finally:
        run_records.tidy_runs = before
        storage.delete_prefix(uri)


def night(number: int) -> RunRecord:
    """The row of a night with every table and setting."""
    now, name = datetime.now(UTC), f"20261122T010203Z-{number:06x}"
    numbers = dict.fromkeys(TABLES, number)
    config = Config().model_dump_json()
    return RunRecord(name, now, now, "published", None, name, numbers, config=config, rows_in=numbers, rows_out=numbers)


def milliseconds(act: Callable[[], object]) -> float:
    """How long it takes, once."""
    start = time.perf_counter()
    act()
    return 1000 * (time.perf_counter() - start)


if __name__ == "__main__":
    main()

"""Keeps `runs` quick to read, however many runs there were: few files, few commits to replay."""

from __future__ import annotations

import logging

from deltalake import CommitProperties, DeltaTable, write_deltalake

from autotag_core import storage
from autotag_core.errors import cause
from autotag_core.tables import RUNS
from autotag_core.warehouse import table_log
from autotag_core.warehouse.delta import live_files, open_table, read_rows

MAX_FILES = 10
"""Each run adds a file of a row. From this many on they become one: each tenth run rewrites some hundred kilobytes."""


def tidy_runs(uri: str) -> None:
    """Once `runs` has MAX_FILES files, make them one, write a checkpoint and delete what is a day out of use.

    Readers see the same rows before and after, and those that have opened an older version find its files for a day.
    What fails is only a warning: the next run tries again.
    """
    try:
        runs = open_table(uri)
        if len(live_files(runs, uri)) < MAX_FILES:
            return
        _merge_files(runs, uri)
        runs = open_table(uri)
        runs.create_checkpoint()
        storage.delete_files(_old_files(runs, uri) + table_log.old_log_files(uri, runs.version()))
    except Exception as error:  # the run is recorded
        logging.getLogger(__name__).warning("%s: its files were not merged: %s", uri, cause(error))


def _merge_files(runs: DeltaTable, uri: str) -> None:
    """Commit the rows of this version as one file, but only as the next version. DeltaError where a run came first.

    Not by `optimize.compact` of delta-rs: it commits after whatever has come in between. Of two at once, each adds the
    rows that the other has added already.
    """
    rows = read_rows(runs, uri, RUNS).sort_by("sequence")
    write_deltalake(runs, rows, mode="overwrite", commit_properties=CommitProperties(max_commit_retries=0))


def _old_files(runs: DeltaTable, uri: str) -> list[str]:
    """Files that were merged a day ago, and day-old files that no commit names: writers that came second left them."""
    replaced = table_log.removed_files(runs, uri)
    unnamed = table_log.old_data_files(uri) - set(live_files(runs, uri)) - replaced
    return sorted(unnamed | table_log.removed_files(runs, uri, table_log.DAY_S))

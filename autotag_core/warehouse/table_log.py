"""Keeps the log of a Delta table short to read: checkpoints, and no old log files that no kept version needs."""

from __future__ import annotations

import re

from deltalake import DeltaTable

from autotag_core import storage
from autotag_core.warehouse.delta import open_table

DAY_S = 24 * 3600
"""Seconds. A younger file may be in use: tasks write files before the driver commits them, and readers list a log
before they read it."""
MAX_COMMITS = 10
"""A reader replays about so many commits after the newest checkpoint. delta-rs itself makes one at each hundredth."""
_CHECKPOINT = re.compile(r"(\d{20})\.checkpoint\.parquet")
_COMMIT = re.compile(r"(\d{20})\.json")
_PARTIAL = re.compile(r"_commit_.*\.tmp|.*#\d+")
"""What a killed writer leaves: a commit of delta-rs that has no number yet, or a file that was not yet whole."""


def is_table(uri: str) -> bool:
    """Whether there is a log. Without one, nothing was ever committed here."""
    return bool(_log_names(uri))


def commits_to_replay(uri: str) -> int:
    """How many commits a reader of the newest version replays: those after the newest checkpoint. One listing."""
    names = _log_names(uri)
    return sum(version > _newest_checkpoint(names) for version in _versions(names, _COMMIT))


def write_checkpoint(uri: str) -> None:
    """Write a checkpoint of the newest version if more than MAX_COMMITS commits follow the last one.

    Readers see the same table with and without it. Two writers of one version's checkpoint write the same.
    """
    if commits_to_replay(uri) > MAX_COMMITS:
        open_table(uri).create_checkpoint()


def old_log_files(uri: str, oldest: int) -> list[str]:
    """URIs of day-old log files that no version from `oldest` on needs, the oldest first, and of broken-off writes.

    A version needs the newest checkpoint up to it and the commits between. So whatever precedes the newest checkpoint
    up to `oldest` can go. That checkpoint is a day old too, so nobody still reads the log as it was without it.
    """
    names = _log_names(uri, DAY_S)
    first = _newest_checkpoint(names, oldest)
    doomed = [name for name in names if name[:20].isdecimal() and int(name[:20]) < first]
    doomed += [name for name in names if _PARTIAL.fullmatch(name)]
    return [storage.join(uri, "_delta_log", name) for name in sorted(set(doomed))]


def removed_files(table: DeltaTable, uri: str, age_s: int = 0) -> set[str]:
    """Files that the log says were removed, longer ago than age_s. AutotagError where one is not below the table."""
    gone = table.vacuum(retention_hours=age_s // 3600, dry_run=True, enforce_retention_duration=False)
    return {storage.below(uri, path) for path in gone}


def old_data_files(uri: str) -> set[str]:
    """Files of the table that are a day old, whether the log names them or not; not the log's own."""
    return {file for file in storage.list_files(uri, DAY_S) if "/_delta_log/" not in file.removeprefix(uri)}


def _log_names(uri: str, age_s: float = 0) -> list[str]:
    log = storage.join(uri, "_delta_log")
    return [file.removeprefix(f"{log}/") for file in storage.list_files(log, age_s)]


def _newest_checkpoint(names: list[str], until: float = float("inf")) -> int:
    """Version of the newest checkpoint up to this version; -1 where there is none."""
    return max((version for version in _versions(names, _CHECKPOINT) if version <= until), default=-1)


def _versions(names: list[str], pattern: re.Pattern[str]) -> list[int]:
    return [int(found[1]) for found in map(pattern.fullmatch, names) if found]

"""Which table versions a warehouse keeps. Files and logs that only dropped releases need are deleted."""

from __future__ import annotations

from autotag_core import storage
from autotag_core.tables import RUNS, TABLES
from autotag_core.warehouse import ROLLED_BACK, RunRecord, list_runs, table_uri
from autotag_core.warehouse.delta import live_files, open_table
from autotag_core.warehouse.delta_commits import FILE_RETENTION, FOREVER
from autotag_core.warehouse.table_log import (
    DAY_S,
    is_table,
    old_data_files,
    old_log_files,
    removed_files,
    write_checkpoint,
)

SHARDS = "shards"
"""Folder of the warehouse. In it, each run that built index shards has a folder of its own."""


REPORTS = "reports"
"""Folder of the warehouse. In it, a run that was published has its report, a page called RUN_ID.html."""


def report_uri(warehouse: str, run_id: str) -> str:
    """Where the report on a run is."""
    return storage.join(warehouse, REPORTS, f"{run_id}.html")


def drop_old_versions(warehouse: str, keep: int | None) -> dict[str, int]:
    """Delete the data files that nobody needs. Gives how many by table, without zeros.

    One kind are files of which none of the newest `keep` releases is made (None: every release is kept). The other kind
    are files that no commit names and that are a day old: tasks that died or ran twice left them. Also kept is every
    version that a rollback names, and all that was committed after the current release. Cost: a listing or two of each
    table, and its log read once for each kept version.
    """
    releases = [run for run in list_runs(warehouse) if run.is_release]
    if not releases:
        return {}
    kept = _kept(releases, keep)
    dropped = kept if len(kept) < len(releases) else []
    deleted = {name: _drop_files(warehouse, name, releases, dropped) for name in TABLES if name != RUNS.name}
    return {name: num_files for name, num_files in deleted.items() if num_files}


def shorten_logs(warehouse: str, keep: int | None) -> None:
    """Keep the logs of all tables but `runs` short to read, however many nights there were.

    A log gets a checkpoint when ten commits follow the last one. Its files that only versions before the oldest kept
    one need are deleted, once they are a day old. `keep` as in drop_old_versions. Cost: two listings of each log.
    """
    releases = [run for run in list_runs(warehouse) if run.is_release]
    kept = _kept(releases, keep)
    for name in TABLES if releases else ():
        uri = table_uri(warehouse, name)
        versions = [run.table_versions[name] for run in kept if name in run.table_versions]
        if versions:
            write_checkpoint(uri)
            storage.delete_files(old_log_files(uri, min(versions)))


def drop_old_shards(warehouse: str, keep: int | None) -> list[str]:
    """Delete the index shards that no kept release is searched with. Gives the runs that had built them.

    Shards of a run that did not end are deleted too: one run at a time writes a warehouse, so nobody needs them.
    `keep` None: all releases are kept.
    """
    named = {
        run_id
        for run in _kept([run for run in list_runs(warehouse) if run.is_release], keep)
        for run_id in run.inputs.shards.values()
    }
    folder = storage.join(warehouse, SHARDS)
    built = {uri.removeprefix(f"{folder}/").partition("/")[0] for uri in storage.list_files(folder)}
    for run_id in sorted(built - named):
        storage.delete_prefix(storage.join(folder, run_id))
    return sorted(built - named)


def drop_old_reports(warehouse: str, keep: int | None) -> list[str]:
    """Delete the reports on releases that are not kept, and give their runs. Other files of the folder stay.

    `keep` as in drop_old_versions. Cost: a listing.
    """
    releases = [run for run in list_runs(warehouse) if run.is_release]
    dropped = {run.run_id for run in releases} - {run.run_id for run in _kept(releases, keep)}
    there = set(storage.list_files(storage.join(warehouse, REPORTS))) if dropped else set()
    old = [run_id for run_id in sorted(dropped) if report_uri(warehouse, run_id) in there]
    storage.delete_files([report_uri(warehouse, run_id) for run_id in old])
    return old


def _kept(releases: list[RunRecord], keep: int | None) -> list[RunRecord]:
    """The newest `keep` releases and every rollback; all where `keep` is None."""
    first = 0 if keep is None else len(releases) - keep
    return [run for at, run in enumerate(releases) if at >= first or run.status == ROLLED_BACK]


def _drop_files(warehouse: str, name: str, releases: list[RunRecord], kept: list[RunRecord]) -> int:
    """Delete a table's unnamed files and, if `kept` is not empty, those that only dropped releases need.

    The current release may lack the table, since settings can leave one out. Then the last one that has it counts.
    """
    uri = table_uri(warehouse, name)
    last = next((run for run in reversed(releases) if name in run.table_versions), None)
    replaced = _replaced_files(uri, name, last, kept) if kept and last is not None else set()
    doomed = sorted(_unnamed_files(uri) | replaced)
    storage.delete_files(doomed)
    return len(doomed)


def _replaced_files(uri: str, name: str, last: RunRecord, kept: list[RunRecord]) -> set[str]:
    """Files that are neither live in a kept version nor newer than the last release that has the table.

    Candidates are the files that commits up to that release's version added and removed again. So nothing is
    taken that the log does not name, such as files another writer is about to commit, and nothing added later.
    """
    candidates = removed_files(open_table(uri, last.table_versions[name]), uri) & set(storage.list_files(uri))
    if not candidates:
        return set()
    live = set(live_files(open_table(uri), uri))
    for version in {run.table_versions[name] for run in kept if name in run.table_versions}:
        live |= set(live_files(open_table(uri, version), uri))
    return candidates - live


def _unnamed_files(uri: str) -> set[str]:
    """Old files that the log does not name: neither as there, nor as removed.

    Only tables whose log remembers every name are looked at. By default a log forgets removed files after a week.
    Where there is no log at all, every file is one that the first commit would have named.
    """
    if not is_table(uri):
        return set(storage.list_files(uri, DAY_S))
    table = open_table(uri)
    if table.metadata().configuration.get(FILE_RETENTION) != FOREVER:
        return set()
    old = old_data_files(uri)
    return old - set(live_files(table, uri)) - removed_files(table, uri) if old else set()

"""Which table versions a warehouse keeps: files that only dropped releases need are deleted."""

from __future__ import annotations

from autotag_core import storage
from autotag_core.delta import live_files, open_table
from autotag_core.tables import RUNS, TABLES
from autotag_core.warehouse import ROLLED_BACK, RunRecord, list_runs, table_uri

SHARDS = "shards"
"""Folder of the warehouse in which each run that built index shards has one of its own."""
SHARDS_INPUT = "_shards"
"""What ends the name of an expert's entry in a release's `inputs`: the run that built its index shards."""


def drop_old_versions(warehouse: str, keep: int) -> dict[str, int]:
    """Delete the data files that none of the newest `keep` releases needs; returns how many by table, 0 left out.

    Kept besides: every version that a rollback names, and all that was written after the current release. Cost: one
    listing of each table, and its log read once for each kept version.
    """
    releases = [run for run in list_runs(warehouse) if run.is_release]
    kept = _kept(releases, keep)
    if len(kept) == len(releases):
        return {}
    deleted = {name: _drop_files(warehouse, name, releases[-1], kept) for name in TABLES if name != RUNS.name}
    return {name: num_files for name, num_files in deleted.items() if num_files}


def drop_old_shards(warehouse: str, keep: int | None) -> list[str]:
    """Delete the index shards that no kept release is searched with; returns the runs that had built them.

    Those of a run that did not end among them: one run at a time writes a warehouse, so nobody needs them. None: all
    releases are kept.
    """
    named = {
        run_id
        for run in _kept([run for run in list_runs(warehouse) if run.is_release], keep)
        for name, run_id in run.inputs.items()
        if name.endswith(SHARDS_INPUT)
    }
    folder = storage.join(warehouse, SHARDS)
    built = {uri.removeprefix(f"{folder}/").partition("/")[0] for uri in storage.list_files(folder)}
    for run_id in sorted(built - named):
        storage.delete_prefix(storage.join(folder, run_id))
    return sorted(built - named)


def _kept(releases: list[RunRecord], keep: int | None) -> list[RunRecord]:
    """The newest `keep` and every rollback; None: all."""
    first = 0 if keep is None else len(releases) - keep
    return [run for at, run in enumerate(releases) if at >= first or run.status == ROLLED_BACK]


def _drop_files(warehouse: str, name: str, current: RunRecord, kept: list[RunRecord]) -> int:
    """Delete what is neither live in a kept version nor newer than the current release.

    Candidates are the files that commits up to the current release's version added and removed again: nothing that the
    table's log does not name, such as what another writer is about to commit, and nothing added later.
    """
    if name not in current.table_versions:
        return 0
    uri = table_uri(warehouse, name)
    table = open_table(uri, current.table_versions[name])
    gone = table.vacuum(retention_hours=0, dry_run=True, enforce_retention_duration=False)
    candidates = {storage.join(uri, path) for path in gone} & set(storage.list_files(uri))
    if not candidates:
        return 0
    versions = {run.table_versions[name] for run in kept if name in run.table_versions}
    live = set(live_files(open_table(uri), uri))
    for version in versions:
        live |= set(live_files(open_table(uri, version), uri))
    doomed = sorted(candidates - live)
    storage.delete_files(doomed)
    return len(doomed)

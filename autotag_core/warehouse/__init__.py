"""Delta tables and releases: which run is current, its tables, publication, rollback and retention."""

from autotag_core.warehouse.releases import (
    check_files,
    check_release,
    current_release,
    last_release,
    read_table,
    rollback,
    table_files,
)
from autotag_core.warehouse.run_inputs import RunInputs
from autotag_core.warehouse.run_records import (
    FAILED,
    NOT_PUBLISHED,
    PUBLISHED,
    ROLLED_BACK,
    UNCHANGED,
    RunRecord,
    append_run,
    as_json,
    check_writable,
    list_runs,
    new_run_id,
    recorded_runs,
    table_uri,
)

__all__ = [
    "FAILED",
    "NOT_PUBLISHED",
    "PUBLISHED",
    "ROLLED_BACK",
    "UNCHANGED",
    "RunInputs",
    "RunRecord",
    "append_run",
    "as_json",
    "check_files",
    "check_release",
    "check_writable",
    "current_release",
    "last_release",
    "list_runs",
    "new_run_id",
    "read_table",
    "recorded_runs",
    "rollback",
    "table_files",
    "table_uri",
]

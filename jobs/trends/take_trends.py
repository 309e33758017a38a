"""Which trends a night takes into its release."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from autotag_core.errors import AutotagError, OutageError
from autotag_core.tables import TRENDS
from autotag_core.warehouse.own_tables import read_newest
from jobs.run.run import Run

MAX_AGE = timedelta(days=2)
"""What rose before that is no longer news."""


def take_trends(run: Run) -> None:
    """Take the newest trends that `autotag trends` has written, unless they are old. It is noted which, or why none.

    The release names their version, as that of every table: another version is something that has changed. Trends that
    can't be read are a warning. Cost: one column of the table.
    """
    try:
        found = read_newest(run.warehouse, TRENDS, ["as_of"])
    except OutageError:
        raise
    except AutotagError as error:  # such as columns of another version of autotag
        run.log.warning("no trends are taken", reason=str(error))
        run.note(trends=f"none: {error}")
        return
    if found is None:
        return
    rows, version = found
    as_of = max(rows["as_of"].to_pylist(), default=None)
    if as_of is not None and as_of < datetime.now(UTC) - MAX_AGE:
        run.note(trends=f"none: those of {as_of:%Y-%m-%d %H:%M} are old")
        return
    run.tables.versions[TRENDS.name] = version
    run.note(trends=f"{rows.num_rows} rows, version {version}")

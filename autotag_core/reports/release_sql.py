"""SQL over the tables of a release, by DuckDB in this process: for notebooks. jobs/reports/spark_sql.py is Spark's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from autotag_core.tables import CHOICES, LABEL_DECISIONS, LABELS, RUNS, TABLES, TAGGER_MODELS
from autotag_core.warehouse import RunRecord, current_release, release_dataset
from autotag_core.warehouse.own_tables import read_newest

if TYPE_CHECKING:
    import pandas as pd

BEFORE = "before_"
"""A table of the release that is compared with is named so, then as the table."""
OWN_TABLES = (RUNS, LABELS, LABEL_DECISIONS, CHOICES, TAGGER_MODELS)
"""Tables that have versions of their own. Where the release names no version of one, its newest is read."""
Sql = Callable[[str], "pd.DataFrame"]


def release_sql(warehouse: str, run_id: str | None = None, before: str | None = None) -> Sql:
    """Runs a query over the tables of a release, and gives its rows.

    Tables have their names of autotag_core/tables. `before` is the run of an older release, whose tables are
    before_catalog and so on. Files are read as the query needs them. `size` and `explode` are known as in Spark, so
    that one query runs in both. InputError where there is no such release.
    """
    import duckdb

    connection = duckdb.connect()
    connection.execute("create macro size(list) as len(list)")
    connection.execute("create macro explode(list) as unnest(list)")
    known = set()
    for prefix, name, release in released_tables(warehouse, run_id, before):
        connection.register(prefix + name, release_dataset(warehouse, name, release))
        known.add(prefix + name)
    for table in OWN_TABLES:
        newest = None if table.name in known else read_newest(warehouse, table)
        if newest is not None:
            connection.register(table.name, newest[0])
    return lambda query: connection.execute(query).df()


def released_tables(warehouse: str, run_id: str | None, before: str | None) -> Iterator[tuple[str, str, RunRecord]]:
    """The prefix, the name and the release of each table that SQL can name."""
    for prefix, run in (("", run_id), *([(BEFORE, before)] if before else [])):
        release = current_release(warehouse, run)
        for name in sorted(set(release.table_versions) & set(TABLES)):
            yield prefix, name, release

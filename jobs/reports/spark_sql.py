"""SQL over the tables of a release, by Spark: for notebooks. autotag_core/reports/release_sql.py is DuckDB's."""

from __future__ import annotations

from pyspark.sql import SparkSession

from autotag_core.reports.release_sql import OWN_TABLES, Sql, released_tables
from autotag_core.tables import TABLES
from autotag_core.warehouse import table_uri
from autotag_core.warehouse.own_tables import newest_version
from jobs.process.session import spark_session
from jobs.run.delta_tables import read_table_version


def spark_sql(
    warehouse: str, run_id: str | None = None, before: str | None = None, spark: SparkSession | None = None
) -> Sql:
    """As release_sql, by a session of this process or the one that is given: the query runs in executors.

    Views are the session's own, so two releases can be asked beside each other. Rows of an answer come to the driver.
    """
    session = (spark or spark_session("autotag notebook", is_short=True)).newSession()
    session.conf.set("spark.sql.session.timeZone", "UTC")
    versions = {
        prefix + name: (name, release.table_versions[name])
        for prefix, name, release in released_tables(warehouse, run_id, before)
    }
    for table in OWN_TABLES:
        version = None if table.name in versions else newest_version(warehouse, table)
        if version is not None:
            versions[table.name] = table.name, version
    for view, (name, version) in versions.items():
        rows = read_table_version(session, table_uri(warehouse, name), version, TABLES[name])
        rows.createOrReplaceTempView(view)
    return lambda query: session.sql(query).toArrow().to_pandas()

"""The gates that a run passes before it is published, each with the setting that holds its limit."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from autotag_core import warehouse
from autotag_core.errors import InputError, NotPublishedError
from autotag_core.failures import Stage
from autotag_core.tables import CATALOG, FAILURES, WRITTEN_TAGS
from autotag_core.warehouse import RunRecord
from jobs.run.delta_tables import read_version, spark_schema
from jobs.run.run import Run

GATES = {
    "unusable_rows": "max_unusable_share",
    "vanished_gifs": "max_vanished_share",
    "vanished_tags": "max_vanished_share",
    "failed_share": "max_failed_share",
}
"""Names of the gates, and of their settings below `gates`."""


def check_accepted(names: Collection[str]) -> None:
    """InputError for a name that is no gate's."""
    unknown = sorted(set(names) - set(GATES))
    if unknown:
        raise InputError(f"--accept {unknown[0]}: there is no such gate; there are {', '.join(GATES)}")


def pass_gate(run: Run, gate: str, count: int, of: int, what: str) -> None:
    """Note the share; NotPublishedError where it is above the gate's limit, unless this run accepts that.

    `what` says after the numbers what was counted, how it looks and what may be the cause.
    """
    limit = getattr(run.config.gates, GATES[gate])
    share = count / of if of else 0.0
    accepts = gate in run.accepted
    is_held = share > limit
    run.facts.gates[gate] = f"{share:.4f} of at most {limit}{', accepted' if is_held and accepts else ''}"
    if not is_held:
        return
    said = f"{count} of {of} {what}; that is more than gates.{GATES[gate]}={limit}"
    if accepts:
        run.log.warning("gate overruled", gate=gate, reason=said)
        return
    run.failures.release()
    version = run.tables.versions.get(FAILURES.name)
    table = "" if version is None else f"see version {version} of the table failures in {run.warehouse}; "
    raise NotPublishedError(f"{said}: {table}--accept {gate} publishes it all the same")


def check_catalog_gates(run: Run) -> None:
    """Hold the catalog that was just read against its own rows and against the last release, where there is one.

    Cost: where the catalog is not that of the base, one shuffle of both by gif_id.
    """
    num_rows, num_gifs = run.facts.rows_in["catalog"], run.facts.rows_out["catalog"]
    failed = f" ({said})" if (said := run.failures.summary(Stage.CATALOG)) else ""
    pass_gate(run, "unusable_rows", num_rows - num_gifs, num_rows, f"rows of the catalog can't be used{failed}")
    last = run.base or _last_release(run)
    if last is not None and not run.tables.is_adopted(CATALOG):
        _check_vanished(run, last, f"; {num_rows - num_gifs} of its rows can't be used{failed}" if failed else "")


def _last_release(run: Run) -> RunRecord | None:
    with suppress(InputError):
        last = warehouse.last_release(run.warehouse)
        if last is not None:
            warehouse.check_files(run.warehouse, last)
        return last
    return None


def _check_vanished(run: Run, last: RunRecord, hint: str) -> None:
    before_df = _own_tags(run, last.table_versions).select("gif_id", F.col("tags").alias("before"))
    none = F.array().cast("array<string>")
    now = F.coalesce("tags", none)
    counted = (
        before_df.join(_own_tags(run, run.tables.versions), "gif_id", "left")
        .agg(
            F.count("*").alias("gifs"),
            F.count_if(F.col("tags").isNull()).alias("gone"),
            F.sum(F.size("before")).alias("tags"),
            F.sum(F.size(F.array_except("before", now))).alias("lost"),
            F.max(F.size(now)).alias("most"),
        )
        .first()
    )
    assert counted is not None
    release = f"of release {last.run_id}"
    pass_gate(run, "vanished_gifs", counted["gone"], counted["gifs"], f"GIFs {release} are not in this catalog{hint}")
    column = "; this catalog has none: is its column called tags?" if not counted["most"] else ""
    pass_gate(
        run, "vanished_tags", counted["lost"] or 0, counted["tags"] or 0, f"tags {release} are gone{column}{hint}"
    )


def _own_tags(run: Run, versions: dict[str, int]) -> DataFrame:
    """(gif_id, tags) as uploaders wrote them, of tables at these versions."""
    table = WRITTEN_TAGS if WRITTEN_TAGS.name in versions else CATALOG
    uri = warehouse.table_uri(run.warehouse, table.name)
    return read_version(run.spark, uri, versions[table.name], spark_schema(table)).select("gif_id", "tags")

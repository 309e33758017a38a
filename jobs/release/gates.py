"""The gates that a run passes before it is published, each with its limit and where to look; those of the catalog."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from autotag_core import warehouse
from autotag_core.config import Config
from autotag_core.errors import InputError, NotPublishedError
from autotag_core.failures import Stage
from autotag_core.tables import CATALOG, EMBEDDINGS, EXPERT_WEIGHTS, FAILURES, VOTED_TAGS, WRITTEN_TAGS, Table
from autotag_core.warehouse import RunRecord
from jobs.run.delta_tables import read_version, spark_schema
from jobs.run.run import Run


@dataclass(frozen=True)
class Gate:
    """What holds a publication back: a value above a limit, which is a setting below `gates` or a constant."""

    table: Table
    """Where to look."""
    setting: str | None = None
    fixed: float = 0.0
    """The limit where there is no setting."""

    def limit(self, config: Config) -> float:
        """The greatest value that passes."""
        return self.fixed if self.setting is None else float(getattr(config.gates, self.setting))

    @property
    def name_of_limit(self) -> str:
        """What people call the limit."""
        return f"fixed at {self.fixed:g}" if self.setting is None else f"gates.{self.setting}"


GATES = {
    "unusable_rows": Gate(FAILURES, "max_unusable_share"),
    "vanished_gifs": Gate(CATALOG, "max_vanished_share"),
    "vanished_tags": Gate(CATALOG, "max_vanished_share"),
    "failed_share": Gate(FAILURES, "max_failed_share"),
    # A tenth of the catalog that an expert saw at the last release, and no longer sees, is a lost model or reader.
    "coverage_drop": Gate(EMBEDDINGS, fixed=0.1),
    # Chance moves a weight within its interval. Beyond it, a night's change of catalog moves none by a fifth.
    "weight_shift": Gate(EXPERT_WEIGHTS, fixed=0.2),
    # Ten points more than at the last release: a search that shows what is 80% sure would show what is 70% right.
    "calibration": Gate(VOTED_TAGS, fixed=0.1),
    # A GIF that is still there keeps its own tags, and nearly all of those that its neighbors gave it.
    "tag_churn": Gate(VOTED_TAGS, fixed=0.3),
}
"""The gates by name, in the order in which a night comes to them."""
NOTED = {"documents": "elasticsearch.max_refused_share", "training_leaks": "holds nothing back"}
"""Other checks that are noted in `runs.gates`, and what they depend on."""


def check_accepted(names: Collection[str]) -> None:
    """InputError for a name that is no gate's."""
    unknown = sorted(set(names) - set(GATES))
    if unknown:
        raise InputError(f"--accept {unknown[0]}: there is no such gate; there are {', '.join(GATES)}")


def pass_gate(run: Run, gate: str, count: int, of: int, what: str) -> None:
    """Note the share; NotPublishedError where it is above the gate's limit, unless this run accepts that.

    `what` says after the numbers what was counted, how it looks and what may be the cause.
    """
    hold_gate(run, gate, count / of if of else 0.0, f"{count} of {of} {what}")


def hold_gate(run: Run, gate: str, value: float, said: str) -> None:
    """Note the value; NotPublishedError where it is above the gate's limit, unless this run accepts that.

    `said` is what was seen. The error also says where to look, and how to overrule the gate.
    """
    spec = GATES[gate]
    limit, accepts = spec.limit(run.config), gate in run.accepted
    is_held = value > limit
    run.facts.gates[gate] = f"{value:.4f} of at most {limit:g}{', accepted' if is_held and accepts else ''}"
    if not is_held:
        return
    named = f"{spec.name_of_limit}={limit:g}" if spec.setting else f"the {limit:g} of the gate {gate}"
    said = f"{said}; that is more than {named}"
    if accepts:
        run.log.warning("gate overruled", gate=gate, reason=said)
        return
    run.failures.release()
    version = run.tables.versions.get(spec.table.name)
    look = "" if version is None else f"see version {version} of the table {spec.table.name} in {run.warehouse}; "
    raise NotPublishedError(f"{said}: {look}--accept {gate} publishes it all the same")


def check_catalog_gates(run: Run) -> None:
    """Hold the catalog that was just read against its own rows and against the last release, where there is one.

    Cost: where the catalog is not that of the base, one shuffle of both by gif_id.
    """
    num_rows, num_gifs = run.facts.rows_in["catalog"], run.facts.rows_out["catalog"]
    failed = f" ({said})" if (said := run.failures.summary(Stage.CATALOG)) else ""
    pass_gate(run, "unusable_rows", num_rows - num_gifs, num_rows, f"rows of the catalog can't be used{failed}")
    last = last_release(run)
    if last is not None and not run.tables.is_adopted(CATALOG):
        _check_vanished(run, last, f"; {num_rows - num_gifs} of its rows can't be used{failed}" if failed else "")


def last_release(run: Run) -> RunRecord | None:
    """What readers see now, whether or not this run stands on it. None where there is no such release."""
    if run.base is not None:
        return run.base
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

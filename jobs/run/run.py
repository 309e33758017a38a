"""One run of the job: what it has written so far, at which Delta version, and what it counted."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import to_arrow_schema

from autotag_core import storage
from autotag_core.config import Config
from autotag_core.errors import InputError
from autotag_core.tables import FAILURES, Table, check_columns
from autotag_core.warehouse import RunRecord, new_run_id, table_uri
from autotag_core.warehouse.data_files import ROW_GROUP_BYTES
from jobs.process.progress import Progress
from jobs.run.delta_tables import read_version, restore_version, spark_schema, write_files_alone, write_version


@dataclass
class Run:
    """State of a run; `log` is a structured logger with the run_id bound."""

    spark: SparkSession
    config: Config
    warehouse: str
    log: Any
    progress: Progress
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    run_id: str = ""
    table_versions: dict[str, int] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    rows_in: dict[str, int] = field(default_factory=dict)
    rows_out: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    calibration: str | None = None
    gates: dict[str, str] = field(default_factory=dict)
    elasticsearch_index: str | None = None
    status: str | None = None
    """How it ended, once it has."""
    staged: dict[str, DataFrame] = field(default_factory=dict)
    """What stage_rows wrote, by its name, for later stages of this run."""
    base: RunRecord | None = None
    """The release whose rows are kept where nothing that they depend on has changed; None: everything is made anew."""
    keeps_frames: bool = False
    """Whether there is something in its staging that a later run could take up if this one fails."""
    held_failures: list[DataFrame] | None = None
    """Rows of `failures` that wait for it to be known whether anything has changed; None: they are written at once."""

    def __post_init__(self) -> None:
        self.run_id = self.run_id or new_run_id(self.started)
        self.log = self.log.bind(run_id=self.run_id)

    @contextmanager
    def stage(self, name: str, num_items: int | None = None, unit: str = "GIFs") -> Iterator[None]:
        """Time a stage, show its progress over `num_items` and name it in Spark's own UI and logs."""
        self.spark.sparkContext.setJobDescription(f"{self.run_id} {name}")
        start = time.monotonic()
        if num_items is not None:
            self.rows_in[name] = num_items
        self.log.info("stage started", stage=name)
        with self.progress.stage(self.log, name, num_items, unit):
            yield
        self.seconds[name] = round(time.monotonic() - start, 3)
        counts = {
            key: rows[name] for key, rows in (("rows_in", self.rows_in), ("rows_out", self.rows_out)) if name in rows
        }
        self.log.info("stage finished", stage=name, seconds=self.seconds[name], **counts)

    def write(self, table: Table, rows_df: DataFrame, row_group_bytes: int = ROW_GROUP_BYTES) -> int:
        """Write rows to the table's next version; the rows of an earlier run are replaced, those of this run kept.

        Returns how many rows the commit holds, counted by the commit itself. Columns are checked before anything runs.
        AutotagError where the rows would be added to those of another run.
        """
        return self._commit(table, rows_df, self.table_versions.get(table.name), row_group_bytes=row_group_bytes)

    def replace(self, table: Table, rows_df: DataFrame, partitions: Iterable[str]) -> int:
        """Write rows in place of these partitions of a table that was adopted; without a base as `write` does.

        The other partitions keep their files: a night on which one expert changes writes nothing of the others.
        """
        if self.base is None:
            return self.write(table, rows_df)
        after = restore_version(table_uri(self.warehouse, table.name), self.table_versions[table.name])
        return self._commit(table, rows_df, after, partitions=partitions)

    def _commit(self, table: Table, rows_df: DataFrame, after: int | None, **options: Any) -> int:
        check_columns(table, to_arrow_schema(rows_df.schema))
        rows_df = rows_df.select(*table.schema.names)
        is_sorted_here = table.key and not table.is_ordered
        ordered_df = rows_df.sortWithinPartitions(*table.partition_by, *table.key) if is_sorted_here else rows_df
        uri = table_uri(self.warehouse, table.name)
        version, num_rows = write_version(ordered_df, uri, self._mark(), table, after, **options)
        self.table_versions[table.name] = version
        return num_rows

    def adopt(self, table: Table) -> None:
        """Take the table as the base has it: nothing that it depends on has changed."""
        assert self.base is not None
        self.table_versions[table.name] = self.base.table_versions[table.name]

    def is_adopted(self, table: Table) -> bool:
        """Whether the table is still as the base has it."""
        version = self.table_versions.get(table.name)
        return self.base is not None and version is not None and version == self.base.table_versions.get(table.name)

    def read_base(self, table: Table) -> DataFrame:
        """The table as the base has it."""
        assert self.base is not None
        uri = table_uri(self.warehouse, table.name)
        return read_version(self.spark, uri, self.base.table_versions[table.name], spark_schema(table))

    def read(self, table: Table) -> DataFrame:
        """The table as this run wrote it."""
        schema = spark_schema(table)
        return read_version(self.spark, table_uri(self.warehouse, table.name), self.table_versions[table.name], schema)

    def stage_rows(self, name: str, rows_df: DataFrame) -> tuple[DataFrame, int]:
        """Write rows that several later steps need, once, outside the tables; dropped when the run ends.

        What retried and speculative tasks leave beside them is not read: each row is there once, on any file system.
        """
        uri = storage.join(self.staging, name)
        self.staged[name], num_rows = write_files_alone(rows_df, uri)
        return self.staged[name], num_rows

    def add_failures(self, failures_df: DataFrame) -> int:
        """Append rows to `failures` and count them by reason, for a record of the run however it ends."""
        if self.held_failures is not None:
            held_df, num_failures = self.stage_rows(f"failures-{len(self.held_failures)}", failures_df)
            self.held_failures.append(held_df)
            all_df = held_df
        else:
            num_failures = self.write(FAILURES, failures_df)
            all_df = self.read(FAILURES)
        if num_failures:
            counts = all_df.groupBy("stage", "reason").count().collect()
            self.failures |= {f"{row['stage']}:{row['reason']}": row["count"] for row in counts}
        return num_failures

    def release_failures(self) -> None:
        """Write the failures that were held, and from now on each at once: something has changed."""
        held, self.held_failures = self.held_failures, None
        if held:
            self.write(FAILURES, functools.reduce(DataFrame.unionByName, held))

    @property
    def staging(self) -> str:
        """A folder of this run alone, deleted when it ends."""
        return storage.join(self.warehouse, "_staging", self.run_id)

    def clean_up(self) -> None:
        """Drop the staged rows and index shards."""
        storage.delete_prefix(self.staging)

    def drop_leftovers(self) -> None:
        """Drop what runs that did not end staged: one run at a time writes a warehouse, so nobody needs it."""
        staged = storage.join(self.warehouse, "_staging")
        try:
            folders = {uri.removeprefix(f"{staged}/").partition("/")[0] for uri in storage.list_files(staged)}
            others = folders - {self.run_id}
            for folder in [storage.join(staged, name) for name in others] if self.run_id in folders else [staged]:
                storage.delete_prefix(folder)
        except InputError as error:
            self.log.warning("leftovers of earlier runs not deleted", reason=str(error))

    def record(self, status: str, message: str | None = None) -> RunRecord:
        """The row of `runs` that says how this run ended."""
        is_release = status == "published"
        return RunRecord(
            run_id=self.run_id,
            started=self.started,
            finished=datetime.now(UTC),
            status=status,
            message=message,
            release_of=self.run_id if is_release else None,
            table_versions=dict(self.table_versions) if is_release else {},
            elasticsearch_index=self.elasticsearch_index if is_release else None,
            config=json.dumps(self.config.model_dump(mode="json"), sort_keys=True),
            inputs=self.inputs,
            rows_in=self.rows_in,
            rows_out=self.rows_out,
            seconds=self.seconds,
            failures=self.failures,
            calibration=self.calibration,
            gates=self.gates,
        )

    def _mark(self) -> str:
        """What tells a commit of this run from every other."""
        return f"{self.run_id}/{len(self.table_versions)}/{time.monotonic_ns()}"

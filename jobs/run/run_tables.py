"""The tables of one run: each at the Delta version that this run wrote, or as the base has it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import to_arrow_schema

from autotag_core.errors import AutotagError
from autotag_core.tables import Table, check_columns
from autotag_core.warehouse import RunRecord, table_uri
from autotag_core.warehouse.data_files import ROW_GROUP_BYTES, write_files
from autotag_core.warehouse.delta import open_table, row_counts
from autotag_core.warehouse.delta_commits import commit_files
from jobs.run.delta_tables import read_version, restore_version, spark_schema, write_version
from jobs.run.stage_spec import StageSpec


@dataclass
class RunTables:
    """Reads and writes the tables of a run. AutotagError where a stage touches a table that it has not declared."""

    spark: SparkSession
    warehouse: str
    run_id: str
    versions: dict[str, int] = field(default_factory=dict)
    base: RunRecord | None = None
    """The release whose rows are kept where nothing that they depend on has changed. None: everything is made anew."""
    _stage: StageSpec | None = None

    @contextmanager
    def within(self, stage: StageSpec) -> Iterator[None]:
        """Within the block, only tables that the stage has declared may be read and written."""
        before, self._stage = self._stage, stage
        try:
            yield
        finally:
            self._stage = before

    def has(self, table: Table) -> bool:
        """Whether this run has written or adopted the table."""
        return table.name in self.versions

    def read(self, table: Table) -> DataFrame:
        """The table as this run has it."""
        return self._at(table, self.versions[table.name])

    def read_base(self, table: Table) -> DataFrame:
        """The table as the base has it."""
        assert self.base is not None
        return self._at(table, self.base.table_versions[table.name])

    def num_rows(self, table: Table) -> int:
        """How many rows the table has. Only its log is read."""
        return sum(self._counts(table, self.versions).values())

    def num_base_rows(self, table: Table) -> int:
        """How many rows the base has of the table. Only its log is read."""
        assert self.base is not None
        return sum(self._counts(table, self.base.table_versions).values())

    def rows_by_expert(self, table: Table) -> dict[str | None, int]:
        """How many rows each expert has, in a table that is partitioned by expert. Only its log is read."""
        return self._counts(table, self.versions, "expert")

    def write(self, table: Table, rows_df: DataFrame, row_group_bytes: int = ROW_GROUP_BYTES) -> int:
        """Write rows to the table's next version. Gives how many they are, as counted while they were written.

        Rows of an earlier run are replaced, rows of this run are kept. Columns are checked before anything runs.
        AutotagError where the rows would be added to those of another run.
        """
        return self._commit(table, rows_df, self.versions.get(table.name), row_group_bytes=row_group_bytes)

    def replace(self, table: Table, rows_df: DataFrame, partitions: Iterable[str]) -> int:
        """Write rows in place of these partitions of an adopted table. Gives how many they are.

        The other partitions keep their files. So a night on which one expert changes writes nothing of the others.
        Without a base it does as `write`.
        """
        if self.base is None:
            return self.write(table, rows_df)
        after = restore_version(table_uri(self.warehouse, table.name), self.versions[table.name])
        return self._commit(table, rows_df, after, partitions=partitions)

    def write_here(self, table: Table, rows: pa.Table) -> int:
        """Write rows that this process holds, as `write` does, without a job of Spark's. Gives how many they are."""
        self._check_writes(table)
        check_columns(table, rows.schema)
        rows = rows.select(table.schema.names)
        if table.key and not table.is_ordered:
            rows = rows.sort_by([(name, "ascending") for name in (*table.partition_by, *table.key)])
        uri = table_uri(self.warehouse, table.name)
        files = list(write_files(rows.to_batches(), uri, table.partition_by))
        after = self.versions.get(table.name)
        self.versions[table.name] = commit_files(uri, files, table.schema, self._mark(), table.partition_by, after)
        return int(rows.num_rows)

    def adopt(self, table: Table) -> None:
        """Take the table as the base has it. Nothing is written."""
        assert self.base is not None
        self.versions[table.name] = self.base.table_versions[table.name]

    def is_adopted(self, table: Table) -> bool:
        """Whether the table is still as the base has it."""
        version = self.versions.get(table.name)
        return self.base is not None and version is not None and version == self.base.table_versions.get(table.name)

    def _counts(self, table: Table, versions: Mapping[str, int], column: str | None = None) -> dict[str | None, int]:
        self._check_reads(table)
        return row_counts(open_table(table_uri(self.warehouse, table.name), versions[table.name]), column)

    def _check_reads(self, table: Table) -> None:
        if self._stage is not None and not self._stage.may_read(table):
            raise AutotagError(f"stage {self._stage.name} reads the table {table.name}, which it does not declare")

    def _check_writes(self, table: Table) -> None:
        if self._stage is not None and table not in self._stage.writes:
            raise AutotagError(f"stage {self._stage.name} writes the table {table.name}, which it does not declare")

    def _at(self, table: Table, version: int) -> DataFrame:
        self._check_reads(table)
        return read_version(self.spark, table_uri(self.warehouse, table.name), version, spark_schema(table))

    def _commit(self, table: Table, rows_df: DataFrame, after: int | None, **options: Any) -> int:
        self._check_writes(table)
        check_columns(table, to_arrow_schema(rows_df.schema))
        rows_df = rows_df.select(*table.schema.names)
        is_sorted_here = table.key and not table.is_ordered
        ordered_df = rows_df.sortWithinPartitions(*table.partition_by, *table.key) if is_sorted_here else rows_df
        uri = table_uri(self.warehouse, table.name)
        version, num_rows = write_version(ordered_df, uri, self._mark(), table, after, **options)
        self.versions[table.name] = version
        return num_rows

    def _mark(self) -> str:
        """A text that tells a commit of this run from every other."""
        return f"{self.run_id}/{len(self.versions)}/{time.monotonic_ns()}"

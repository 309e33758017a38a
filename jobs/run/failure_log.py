"""The items that a run could not use: rows of `failures`, counted by reason."""

from __future__ import annotations

import functools

from pyspark.sql import DataFrame

from autotag_core.tables import FAILURES
from jobs.run.run_tables import RunTables
from jobs.run.staging import Staging


class FailureLog:
    """Writes failures at once, or holds them in the staging while nobody knows whether anything has changed."""

    def __init__(self, tables: RunTables, staging: Staging) -> None:
        self._tables, self._staging = tables, staging
        self.counts: dict[str, int] = {}
        """How many failures there are, by `stage:reason`."""
        self._held: list[DataFrame] | None = None

    def hold(self) -> None:
        """Write nothing until `release`."""
        self._held = []

    def held(self) -> list[DataFrame]:
        """The failures that wait to be written."""
        return list(self._held or [])

    def release(self) -> None:
        """Write the held failures. From now on each is written at once."""
        held, self._held = self._held, None
        if held:
            self._tables.write(FAILURES, functools.reduce(DataFrame.unionByName, held))

    def add(self, failures_df: DataFrame) -> int:
        """Append rows to `failures`. Gives how many they are.

        They are counted by reason, for a record of the run however it ends.
        """
        if self._held is not None:
            all_df, num_failures = self._staging.write(f"failures-{len(self._held)}", failures_df)
            self._held.append(all_df)
        else:
            num_failures = self._tables.write(FAILURES, failures_df)
            all_df = self._tables.read(FAILURES)
        if num_failures:
            counts = all_df.groupBy("stage", "reason").count().collect()
            self.counts |= {f"{row['stage']}:{row['reason']}": row["count"] for row in counts}
        return num_failures

"""The items that a run could not use: rows of `failures`, counted by reason."""

from __future__ import annotations

import functools
from collections.abc import Iterable

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from autotag_core.failures import Stage
from autotag_core.tables import FAILURES
from jobs.run.run_tables import RunTables
from jobs.run.staging import Staging


class FailureLog:
    """Writes failures at once, or holds them in the staging while nobody knows whether anything has changed."""

    def __init__(self, tables: RunTables, staging: Staging) -> None:
        self._tables, self._staging = tables, staging
        self.counts: dict[str, int] = {}
        """How many failures there are, by `stage:reason`."""
        self._examples: dict[str, str] = {}
        """The first message of each, in the order of the alphabet."""
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
            grouped_df = all_df.groupBy("stage", "reason").agg(
                F.count("*").alias("rows"), F.min("message").alias("first")
            )
            for row in grouped_df.collect():
                name = f"{row['stage']}:{row['reason']}"
                self.counts[name], self._examples[name] = row["rows"], row["first"]
        return num_failures

    def summary(self, *stages: Stage) -> str:
        """The failures of these stages, `in_words`."""
        named = [(*name.split(":", 1), name) for name in self.counts]
        chosen = [(reason, name) for stage, reason, name in named if stage in stages]
        return in_words((reason, self.counts[name], self._examples.get(name)) for reason, name in chosen)


def in_words(failures: Iterable[tuple[str, int, str | None]]) -> str:
    """(reason, how many, a message) as `3 x invalid_tags, 1 x missing_gif_id, such as MESSAGE`; empty if none.

    The message is that of the most frequent reason.
    """
    ranked = sorted(failures, key=lambda failure: (-failure[1], failure[0]))
    said = ", ".join(f"{count} x {reason}" for reason, count, _ in ranked)
    return f"{said}, such as `{ranked[0][2]}`" if ranked and ranked[0][2] else said

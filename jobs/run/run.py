"""One run of the job: its tables, its staging, its failures, and what is noted of it as it goes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import SparkSession

from autotag_core.config import Config
from autotag_core.warehouse import PUBLISHED, RunInputs, RunRecord, new_run_id
from autotag_core.warehouse.lease import Lease
from jobs.process.progress import Progress
from jobs.run.failure_log import FailureLog
from jobs.run.run_tables import RunTables
from jobs.run.staging import Staging


@dataclass
class Facts:
    """What stages note of a run for its row of `runs`. tables.RUNS has the meaning of each."""

    inputs: RunInputs = field(default_factory=RunInputs)
    rows_in: dict[str, int] = field(default_factory=dict)
    rows_out: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    gates: dict[str, str] = field(default_factory=dict)
    calibration: str | None = None
    elasticsearch_index: str | None = None
    report: str | None = None
    """Where the page about the run is, once it is there."""
    status: str | None = None
    """PUBLISHED or UNCHANGED once the run has ended well, else None."""


class Run:
    """A run that is under way; `log` is a structured logger with the run_id bound."""

    accepted: frozenset[str] = frozenset()
    """Gates that this run need not pass."""
    lease: Lease | None = None
    """What keeps other runs from writing the warehouse meanwhile."""
    seen_before: int | None = None
    """Sequence of the release that readers see as the run starts, 0 where there is none."""

    def __init__(
        self,
        spark: SparkSession,
        config: Config,
        warehouse: str,
        log: Any,
        progress: Progress,
        run_id: str | None = None,
    ) -> None:
        self.spark, self.config, self.warehouse, self.progress = spark, config, warehouse, progress
        self.started = datetime.now(UTC)
        self.run_id = run_id or new_run_id(self.started)
        self.log = log.bind(run_id=self.run_id)
        self.facts = Facts()
        self.tables = RunTables(spark, warehouse, self.run_id)
        self.staging = Staging(warehouse, self.run_id)
        self.failures = FailureLog(self.tables, self.staging)
        self._stage = ""

    @property
    def base(self) -> RunRecord | None:
        """The release that this run starts from, see RunTables."""
        return self.tables.base

    def note(self, **notes: str) -> None:
        """Add notes to the inputs. People may ask for them, and nothing depends on them."""
        self.facts.inputs.notes |= notes

    @contextmanager
    def timed(self, name: str, unit: str = "GIFs") -> Iterator[None]:
        """Time a stage, show its progress in `unit` and name it in Spark's own UI and logs."""
        self.spark.sparkContext.setJobDescription(f"{self.run_id} {name}")
        start, self._stage = time.monotonic(), name
        self.log.info("stage started", stage=name)
        with self.progress.stage(self.log, name, unit):
            yield
        facts = self.facts
        facts.seconds[name] = round(time.monotonic() - start, 3)
        counts = {
            key: rows[name] for key, rows in (("rows_in", facts.rows_in), ("rows_out", facts.rows_out)) if name in rows
        }
        self.log.info("stage finished", stage=name, seconds=facts.seconds[name], **counts)

    def expect(self, num_items: int) -> None:
        """Say how many items the running stage has."""
        self.facts.rows_in[self._stage] = num_items
        self.progress.expect(num_items)

    def to_record(self, status: str, message: str | None = None) -> RunRecord:
        """The row of `runs` that says how this run ended."""
        is_release, facts = status == PUBLISHED, self.facts
        return RunRecord(
            run_id=self.run_id,
            started=self.started,
            finished=datetime.now(UTC),
            status=status,
            message=message,
            release_of=self.run_id if is_release else None,
            table_versions=dict(self.tables.versions) if is_release else {},
            elasticsearch_index=facts.elasticsearch_index if is_release else None,
            config=json.dumps(self.config.model_dump(mode="json"), sort_keys=True),
            inputs=facts.inputs,
            rows_in=facts.rows_in,
            rows_out=facts.rows_out,
            seconds=facts.seconds,
            failures=self.failures.counts,
            calibration=facts.calibration,
            gates=facts.gates,
        )

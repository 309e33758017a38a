"""Tables of runs and of the items that failed in them."""

from __future__ import annotations

import pyarrow as pa

from autotag_core.tables.table import Table, column

FAILURES = Table(
    "failures",
    "an item that could not be done",
    pa.schema(
        [
            column("gif_id", pa.string(), "null where the item has none"),
            column("stage", pa.string(), "autotag_core.failures.Stage"),
            column("reason", pa.string(), "autotag_core.failures.Reason"),
            column("message", pa.string(), "what was seen and what would be right"),
        ]
    ),
    (),
)

_COUNTS = pa.map_(pa.string(), pa.int64())

RUNS = Table(
    "runs",
    "a run of the job; of the rows published and rolled_back the one with the greatest sequence is the current release",
    pa.schema(
        [
            column("run_id", pa.string(), "key, starts with the UTC time"),
            column("sequence", pa.int64(), "order in which the rows were appended, from 1"),
            column("started", pa.timestamp("us", tz="UTC"), "by the clock of the driver"),
            column("finished", pa.timestamp("us", tz="UTC"), "by the clock of the driver"),
            column("status", pa.string(), "published, unchanged, failed, not_published or rolled_back"),
            column("message", pa.string(), "why it was not published; null otherwise"),
            column("release_of", pa.string(), "the run whose tables these are; another one after a rollback"),
            column("table_versions", _COUNTS, "Delta version of each table; empty unless published"),
            column("elasticsearch_index", pa.string(), "the index the alias was moved to; null if none"),
            column("config", pa.string(), "every setting, JSON, no credentials"),
            column("inputs", pa.map_(pa.string(), pa.string()), "catalog, sessions, model versions"),
            column("rows_in", _COUNTS, "by stage"),
            column("rows_out", _COUNTS, "by stage"),
            column(
                "seconds",
                pa.map_(pa.string(), pa.float64()),
                "by stage; frames:fetch, :decode, :text, :models are of all tasks together",
            ),
            column("failures", _COUNTS, "by stage:reason"),
            column(
                "calibration",
                pa.string(),
                "how scores become probabilities, with its reliability table, JSON; or why not",
            ),
            column("gates", pa.map_(pa.string(), pa.string()), "by check: passed, or what was seen"),
        ]
    ),
    ("run_id",),
)

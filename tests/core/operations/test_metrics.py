"""What a night's metrics say, after a night that was published, one that was not, and one that never began."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from autotag_core.operations.metrics import KEPT, METRICS, NightEnd, night_registry
from autotag_core.warehouse import RunRecord

MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
PUBLISHED = RunRecord(
    run_id="r1",
    started=MIDNIGHT,
    finished=MIDNIGHT.replace(hour=2),
    status="published",
    rows_in={"catalog": 12},
    rows_out={"catalog": 10, "votes": 44, "documents": 9},
    seconds={"frames": 60.5, "frames:fetch": 200.0},
    failures={"frames:not_found": 2},
    gates={
        "failed_share": "0.2000 of at most 0.2",
        "vanished_gifs": "0.3000 of at most 0.1, accepted",
        "documents": "9 found, 9 in the table, 0 refused",
    },
)


@pytest.fixture
def value() -> Any:
    """The value of a metric of the warehouse `w`, None where it has none."""

    def read(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
        assert name in METRICS
        return registry.get_sample_value(name, {"warehouse": "w"} | labels)

    return read


def test_a_published_night_says_its_stages_failures_and_gates(value: Any) -> None:
    registry = night_registry("w", NightEnd(0, 1.0, 2.0, PUBLISHED, (PUBLISHED,)))
    assert value(registry, "autotag_run_status", status="published") == 1
    assert value(registry, "autotag_run_status", status="failed") == 0
    assert value(registry, "autotag_run_exit_code") == 0
    assert value(registry, "autotag_stage_seconds", stage="frames") == 60.5
    assert value(registry, "autotag_stage_task_seconds", stage="frames", part="fetch") == 200
    assert value(registry, "autotag_stage_rows_in", stage="catalog") == 12
    assert value(registry, "autotag_stage_rows_out", stage="votes") == 44
    assert value(registry, "autotag_failures", stage="frames", reason="not_found") == 2
    assert value(registry, "autotag_gate_value", gate="vanished_gifs") == 0.3
    assert value(registry, "autotag_gate_limit", gate="failed_share") == 0.2
    assert value(registry, "autotag_gate_accepted", gate="vanished_gifs") == 1
    assert value(registry, "autotag_gate_accepted", gate="failed_share") == 0
    assert value(registry, "autotag_gate_value", gate="documents") is None
    assert value(registry, "autotag_release_tags") == 44
    assert value(registry, "autotag_release_documents") == 9
    assert value(registry, "autotag_last_success_timestamp_seconds") == MIDNIGHT.replace(hour=2).timestamp()


def test_every_declared_metric_is_written_by_such_a_night() -> None:
    registry = night_registry("w", NightEnd(0, 1.0, 2.0, PUBLISHED, (PUBLISHED,)))
    assert {family.name for family in registry.collect()} == set(METRICS)


def test_a_night_that_is_held_back_leaves_the_release_and_the_last_success(value: Any) -> None:
    held = replace(PUBLISHED, run_id="r2", finished=MIDNIGHT.replace(day=2), status="not_published", rows_out={})
    registry = night_registry("w", NightEnd(3, 1.0, 2.0, held, (PUBLISHED, held)))
    assert value(registry, "autotag_run_status", status="not_published") == 1
    assert value(registry, "autotag_release_gifs") == 10
    assert value(registry, "autotag_last_success_timestamp_seconds") == PUBLISHED.finished.timestamp()


def test_an_unchanged_night_is_a_success_and_a_rollback_is_what_readers_see(value: Any) -> None:
    unchanged = replace(PUBLISHED, run_id="r2", finished=MIDNIGHT.replace(day=2), status="unchanged", rows_out={})
    back = replace(
        PUBLISHED, run_id="r3", finished=MIDNIGHT.replace(day=3), status="rolled_back", rows_out={"votes": 7}
    )
    registry = night_registry("w", NightEnd(0, 1.0, 2.0, unchanged, (PUBLISHED, unchanged, back)))
    assert value(registry, "autotag_run_status", status="unchanged") == 1
    assert value(registry, "autotag_last_success_timestamp_seconds") == unchanged.finished.timestamp()
    assert value(registry, "autotag_release_tags") == 7


def test_a_night_that_never_began_says_so_and_keeps_what_was_known(value: Any) -> None:
    kept = (("autotag_release_gifs", (), 10.0),)
    registry = night_registry("w", NightEnd(2, 1.0, 2.0, None, None, kept))
    assert value(registry, "autotag_run_status", status="failed") == 1
    assert value(registry, "autotag_run_exit_code") == 2
    assert value(registry, "autotag_release_gifs") == 10
    assert value(registry, "autotag_stage_seconds", stage="frames") is None
    assert "autotag_last_success_timestamp_seconds" in KEPT

"""A night takes the newest trends, unless they are old or there are none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from autotag_core.tables import TRENDS
from autotag_core.warehouse.own_tables import replace_rows
from jobs.trends.take_trends import take_trends


class Night(SimpleNamespace):
    """What of a run is asked for."""

    def __init__(self, warehouse: Path) -> None:
        super().__init__(warehouse=str(warehouse), tables=SimpleNamespace(versions={}), notes={})

    def note(self, **notes: str) -> None:
        self.notes |= notes


@pytest.mark.parametrize(("hours", "taken"), [(1, {"trends": 1}), (47, {"trends": 1}), (49, {})])
def test_the_newest_trends_are_taken_for_two_days(tmp_path: Path, hours: int, taken: dict[str, int]) -> None:
    as_of = datetime.now(UTC) - timedelta(hours=hours)
    replace_rows(str(tmp_path), TRENDS, [])
    replace_rows(str(tmp_path), TRENDS, [{"kind": "gif", "item": "a", "period": "day", "as_of": as_of}])
    night: Any = Night(tmp_path)
    take_trends(night)
    assert night.tables.versions == taken
    assert night.notes["trends"] == "1 rows, version 1" if taken else night.notes["trends"].endswith("are old")


def test_without_trends_nothing_is_noted(tmp_path: Path) -> None:
    night: Any = Night(tmp_path)
    take_trends(night)
    assert (night.tables.versions, night.notes) == ({}, {})

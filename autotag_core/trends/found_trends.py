"""What `autotag trends` found, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

_KINDS = {"query": "queries", "tag": "tags", "gif": "GIFs"}
_PERIODS = {"hour": "now", "day": "these days"}


@dataclass(frozen=True)
class LeftOut:
    """Events that could not be used: what is wrong with them, how many they are, and one of them."""

    problem: str
    num: int
    sample: str


@dataclass(frozen=True)
class FoundTrends:
    """One look at the events. `rises` are the first few rows of `trends` by kind, period and rank."""

    as_of: datetime
    num_events: int
    left_out: Sequence[LeftOut]
    num_series: Mapping[str, int]
    """By kind, all that were tested."""
    num_rising: Mapping[tuple[str, str], int]
    """By kind and period, rows of `trends`."""
    rises: Sequence[Mapping[str, Any]]
    version: int
    """Of the table."""
    note: str = ""

    def to_text(self) -> str:
        """The lines that a person reads."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        series = ", ".join(f"{num:,} {_KINDS[kind]}" for kind, num in self.num_series.items())
        yield f"{self.num_events:,} events up to {self.as_of:%Y-%m-%d %H:%M} UTC: {series}"
        for one in self.left_out:
            yield f"left out: {one.num:,} with {one.problem}, such as {one.sample}"
        if self.note:
            yield self.note
        for (kind, period), num in self.num_rising.items():
            yield f"{_KINDS[kind]} that rise {_PERIODS[period]}: {num:,}"
            for row in self.rises:
                if (row["kind"], row["period"]) == (kind, period):
                    yield (
                        f"  {row['rank']:>3}. {row['item']}: {row['observed']:,} in {row['window_hours']} h, "
                        f"usual {row['expected']:,.1f}"
                    )
        yield f"trends: version {self.version}"

    def to_json(self) -> str:
        """One JSON object; `rising` has the counts as kind.period."""
        found = asdict(self) | {"num_rising": {".".join(key): num for key, num in self.num_rising.items()}}
        return json.dumps(found, default=datetime.isoformat)

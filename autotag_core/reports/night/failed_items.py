"""Items that failed in a run, by stage and reason, with a few examples of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

MAX_EXAMPLES = 3


@dataclass
class FailedItems:
    """How many items failed at a stage for a reason; `examples` are the first by gif_id."""

    stage: str
    reason: str
    num: int = 0
    examples: list[tuple[str, str]] = field(default_factory=list)
    """(gif_id, message); an empty gif_id where the item has none."""


def failed_items(batches: Iterable[pa.RecordBatch]) -> list[FailedItems]:
    """The failures by stage and reason, most first, ties alphabetical. Memory grows with the reasons alone."""
    counts: Counter[tuple[str, str]] = Counter()
    examples: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for batch in batches:
        rows, keys = pa.table(batch), ["stage", "reason"]
        for found in rows.group_by(keys).aggregate([([], "count_all")]).to_pylist():
            key = found["stage"], found["reason"]
            counts[key] += found["count_all"]
            examples[key] = sorted([*examples.get(key, []), *_first(rows, *key)])[:MAX_EXAMPLES]
    order = sorted(counts, key=lambda key: (-counts[key], key))
    return [FailedItems(*key, counts[key], examples[key]) for key in order]


def _first(rows: pa.Table, stage: str, reason: str) -> list[tuple[str, str]]:
    """The first rows of a stage and reason by gif_id and message."""
    chosen = rows.filter(pc.and_(pc.equal(rows["stage"], stage), pc.equal(rows["reason"], reason)))
    first = chosen.sort_by([("gif_id", "ascending"), ("message", "ascending")]).slice(0, MAX_EXAMPLES)
    return [(row["gif_id"] or "", row["message"] or "") for row in first.to_pylist()]

"""How many GIFs have each tag, by what became of it; counted in a pass whose memory grows with the distinct tags."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

LIKELY = 0.5
"""From this probability on a GIF has a tag: it is likelier right than wrong."""
KEPT = ("confirmed", "editorial", "original", "voted")
"""Sources of the tags that a GIF has where no probability is known: neither demoted nor only proposed."""
HAS_TAG = f"(source = 'editorial' or coalesce(probability >= {LIKELY}, source in {KEPT}))"
"""SQL over rows of voted_tags: whether a GIF has the tag, as is_had says."""
OWN = ("confirmed", "unconfirmed", "original")
"""Sources of the tags that GIFs came with."""
COLUMNS = ["tag", "source", "probability"]
"""Columns of voted_tags that are counted."""
_KEYS = ["tag", "source", "is_had"]
_MAX_WAITING = 1_000_000
"""Counts of batches, before they are added up."""


@dataclass(frozen=True)
class Mover:
    """A tag, and how many GIFs had it before and have it now."""

    tag: str
    before: int
    after: int


class TagTally:
    """Adds up rows of voted_tags by tag, source, and whether the GIF has the tag."""

    def __init__(self) -> None:
        kinds = [("tag", pa.string()), ("source", pa.string()), ("is_had", pa.bool_()), ("num", pa.int64())]
        self._parts = [pa.schema(kinds).empty_table()]
        self._num_waiting = 0

    def add(self, batch: pa.RecordBatch) -> None:
        """Count the batch's rows; it has COLUMNS."""
        rows = pa.table({"tag": batch["tag"], "source": batch["source"], "is_had": is_had(batch)})
        counted = rows.group_by(_KEYS).aggregate([([], "count_all")]).rename_columns([*_KEYS, "num"])
        self._parts.append(counted)
        self._num_waiting += counted.num_rows
        if self._num_waiting > _MAX_WAITING:
            self._parts, self._num_waiting = [self.counts()], 0

    def counts(self) -> pa.Table:
        """Rows of tag, source, is_had and num."""
        together = pa.concat_tables(self._parts)
        return together.group_by(_KEYS).aggregate([("num", "sum")]).rename_columns([*_KEYS, "num"])


def tally(batches: Iterable[pa.RecordBatch]) -> pa.Table:
    """The counts of all batches."""
    found = TagTally()
    for batch in batches:
        found.add(batch)
    return found.counts()


def is_had(rows: pa.RecordBatch) -> pa.Array:
    """Whether a GIF has the tag: an editor gave it, or it is LIKELY; without a probability, its source is of KEPT."""
    is_likely = pc.greater_equal(rows["probability"], LIKELY)
    is_kept = pc.is_in(rows["source"], pa.array(KEPT, pa.string()))
    return pc.or_(pc.equal(rows["source"], "editorial"), pc.coalesce(is_likely, is_kept))


def by_source(counts: pa.Table) -> dict[str, int]:
    """How many tags of GIFs have each source."""
    found = counts.group_by("source").aggregate([("num", "sum")])
    return dict(zip(found["source"].to_pylist(), found["num_sum"].to_pylist(), strict=True))


def had_tags(counts: pa.Table) -> pa.Table:
    """Rows of tag and num: how many GIFs have it."""
    return _by_tag(counts.filter(counts["is_had"]))


def own_tags(counts: pa.Table) -> pa.Table:
    """Rows of tag and num: how many GIFs came with it."""
    return _by_tag(counts.filter(pc.is_in(counts["source"], pa.array(OWN, pa.string()))))


def _by_tag(counts: pa.Table) -> pa.Table:
    return counts.group_by("tag").aggregate([("num", "sum")]).rename_columns(["tag", "num"])


def movers(before: pa.Table, after: pa.Table, limit: int) -> list[Mover]:
    """The tags whose number of GIFs changed most, ties alphabetical; both tables have tag and num."""
    joined = before.rename_columns(["tag", "before"]).join(
        after.rename_columns(["tag", "after"]), "tag", join_type="full outer"
    )
    numbers = {name: pc.fill_null(joined[name], 0) for name in ("before", "after")}
    change = pc.abs(pc.subtract(numbers["after"], numbers["before"]))
    found = pa.table({"tag": joined["tag"], **numbers, "change": change}).filter(pc.greater(change, 0))
    best = found.sort_by([("change", "descending"), ("tag", "ascending")]).slice(0, limit)
    return [Mover(row["tag"], row["before"], row["after"]) for row in best.to_pylist()]

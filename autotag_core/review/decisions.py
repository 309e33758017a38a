"""Editors' decisions: which word holds for each tag of a GIF, and which words differ."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

from autotag_core.tables import DECIDED_TAGS, EDITORIAL_DECISIONS
from autotag_core.warehouse.own_tables import read_newest

ACCEPTED, REFUSED = "accepted", "refused"


@dataclass(frozen=True)
class Decision:
    """A row of editorial_decisions. `number` is 0 until it is applied."""

    gif_id: str
    tag: str
    decision: str
    by: str
    at: datetime
    run_id: str | None = None
    probability: float | None = None
    number: int = 0

    @property
    def about(self) -> tuple[str, str]:
        """The GIF and the tag."""
        return self.gif_id, self.tag

    @property
    def order(self) -> tuple[datetime, int]:
        """The later word is the greater one."""
        return self.at, self.number


@dataclass(frozen=True)
class Conflict:
    """A word that differs from the one before it on the same tag of the same GIF. The last of both holds."""

    before: Decision
    after: Decision

    def to_text(self) -> str:
        """`gif, tag: accepted by ann (2026-11-30 18:00), refused by ben (2026-11-30 19:00)`."""
        said = (f"{one.decision} by {one.by} ({one.at:%Y-%m-%d %H:%M})" for one in (self.before, self.after))
        return f"{self.after.gif_id}, {self.after.tag}: {', '.join(said)}: {self.after.decision} holds"


def read_decisions(warehouse: str) -> tuple[list[Decision], int | None]:
    """All decisions in the order in which they were applied, and the table's version; none and None without it."""
    found = read_newest(warehouse, EDITORIAL_DECISIONS)
    if found is None:
        return [], None
    return [Decision(**row) for row in found[0].sort_by("number").to_pylist()], found[1]


def last_words(decisions: Iterable[Decision]) -> dict[tuple[str, str], Decision]:
    """The word that holds, by GIF and tag: the latest; of several at one time the one that was applied last."""
    found: dict[tuple[str, str], Decision] = {}
    for one in decisions:
        if one.about not in found or one.order > found[one.about].order:
            found[one.about] = one
    return found


def conflicts(known: Iterable[Decision], new: Sequence[Decision]) -> list[Conflict]:
    """Where a new word differs from the word just before or after it in time, in the order of the new ones."""
    about = {one.about for one in new}
    numbers = {one.number for one in new}
    by_pair: dict[tuple[str, str], list[Decision]] = {}
    for one in (*known, *new):
        if one.about in about:
            by_pair.setdefault(one.about, []).append(one)
    found = []
    for pair in dict.fromkeys(one.about for one in new):
        words = sorted(by_pair[pair], key=lambda one: one.order)
        for before, after in itertools.pairwise(words):
            if before.decision != after.decision and numbers & {before.number, after.number}:
                found.append(Conflict(before, after))
    return found


def as_table(decisions: Iterable[Decision]) -> pa.Table:
    """Rows of editorial_decisions."""
    return pa.Table.from_pylist([asdict(one) for one in decisions], schema=EDITORIAL_DECISIONS.plain_schema)


def words_by_gif(decisions: Iterable[Decision]) -> pa.Table:
    """The words that hold, a row a GIF: gif_id, accepted, refused; tags in alphabetical order."""
    found: dict[str, dict[str, Any]] = {}
    for (gif_id, tag), one in sorted(last_words(decisions).items()):
        row = found.setdefault(gif_id, {"gif_id": gif_id, ACCEPTED: [], REFUSED: []})
        row[one.decision].append(tag)
    names = ["gif_id", ACCEPTED, REFUSED]
    schema = pa.schema([DECIDED_TAGS.plain_schema.field(name) for name in names])
    return pa.Table.from_pylist(list(found.values()), schema=schema)

"""The file that an editor gives back: rows that decide, and rows that are refused, each with its reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from autotag_core.inputs import Column, readable_rows
from autotag_core.review.decisions import ACCEPTED, REFUSED, Decision
from autotag_core.review.sheet_cells import plain_cell
from autotag_core.splits import TRAIN

COLUMNS = (
    Column("gif_id", "id", is_required=True),
    Column("tag", is_required=True),
    Column("decision", is_required=True),
    Column("by"),
    Column("at"),
    Column("run_id"),
    Column("probability"),
)
_WORDS = {ACCEPTED: ACCEPTED, "accept": ACCEPTED, "a": ACCEPTED, REFUSED: REFUSED, "refuse": REFUSED, "r": REFUSED}
_MAX_TEXT = 200
"""Characters of a tag or name."""
_AHEAD = timedelta(days=1)
"""A clock may be so far ahead. A later time would be the last word for as long."""


@dataclass(frozen=True)
class DecidedRow:
    """A row of the file with a decision in it, as texts. `row` counts the file's rows below the header from 1."""

    row: int
    gif_id: str
    tag: str
    decision: str
    by: str
    at: str
    run_id: str
    probability: str


@dataclass(frozen=True)
class RefusedRow:
    """A row that is not applied, and why."""

    row: int
    gif_id: str
    tag: str
    reason: str

    def to_text(self) -> str:
        """`row 7, gif, tag: why`."""
        return f"row {self.row}, {self.gif_id or '-'}, {self.tag or '-'}: {self.reason}"


def read_rows(uri: str) -> Iterator[DecidedRow]:
    """The rows of CSV, JSON lines or Parquet in which somebody has written a decision; the others decide nothing.

    InputError where the file can't be read or has no columns gif_id, tag and decision.
    """
    names = [column.name for column in COLUMNS]
    for number, (_, row) in enumerate(readable_rows(uri, COLUMNS), 1):
        texts = {name: plain_cell(row[name] or "") for name in names}
        if texts["decision"]:
            yield DecidedRow(number, **texts)


def check_rows(
    rows: Sequence[DecidedRow], splits: Mapping[str, str], by: str | None, now: datetime
) -> tuple[list[Decision], list[RefusedRow]]:
    """The rows as decisions in their order, and those that can't be one.

    splits: by gif_id, the split of the catalog's GIFs. by: who decided where a row names nobody. now: when, where a row
    has no time.
    """
    found, refused = [], []
    for row in rows:
        try:
            found.append(_decision(row, splits, by, now))
        except ValueError as error:
            refused.append(RefusedRow(row.row, row.gif_id, row.tag, str(error)))
    return found, refused


def _decision(row: DecidedRow, splits: Mapping[str, str], by: str | None, now: datetime) -> Decision:
    """The row as a decision. ValueError says why it is none."""
    word, name = _WORDS.get(row.decision.lower()), row.by or (by or "").strip()
    if word is None:
        raise ValueError(f"the decision is {row.decision[:50]!r}, it must be {ACCEPTED} or {REFUSED}")
    if not row.gif_id or not row.tag:
        raise ValueError("it needs a gif_id and a tag")
    if len(row.tag) > _MAX_TEXT:
        raise ValueError(f"the tag has {len(row.tag)} characters, it must have {_MAX_TEXT} at most")
    if not name:
        raise ValueError("nobody is named as its editor: fill in the column by, or give --by NAME")
    if len(name) > _MAX_TEXT:
        raise ValueError(f"the editor's name has {len(name)} characters, it must have {_MAX_TEXT} at most")
    if row.gif_id not in splits:
        raise ValueError("the catalog of the current release has no such GIF")
    if splits[row.gif_id] != TRAIN:
        raise ValueError(
            f"it is a {splits[row.gif_id]} GIF, by which results are measured: change its tags in the catalog"
        )
    at = _parsed("at", row.at, datetime.fromisoformat) if row.at else now
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    if at > now + _AHEAD:
        raise ValueError(f"at is {row.at}, which is in the future")
    probability = _parsed("probability", row.probability, float) if row.probability else None
    return Decision(row.gif_id, row.tag, word, name, at, row.run_id or None, probability)


def _parsed(name: str, text: str, parse: Callable[[str], Any]) -> Any:
    try:
        return parse(text)
    except ValueError:
        wanted = "a time such as 2026-11-30T18:00:00Z" if name == "at" else "a number"
        raise ValueError(f"{name} is {text[:50]!r}, it must be {wanted}") from None

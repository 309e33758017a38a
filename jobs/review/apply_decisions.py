"""An editor's file -> the table editorial_decisions, which every later night reads."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from autotag_core import storage
from autotag_core.errors import InputError
from autotag_core.review.decided_file import DecidedRow, RefusedRow, check_rows, read_rows
from autotag_core.review.decisions import ACCEPTED, Conflict, Decision, as_table, conflicts, read_decisions
from autotag_core.review.queue import read_catalog_rows
from autotag_core.tables import EDITORIAL_DECISIONS
from autotag_core.terminal import shown_lines
from autotag_core.warehouse import current_release, table_uri
from autotag_core.warehouse.own_tables import append_rows
from autotag_core.warehouse.table_log import write_checkpoint
from jobs.release.settle_publication import writing

_MAX_SHOWN = 20


@dataclass(frozen=True)
class Applied:
    """What became of a file: decisions that were written, rows that were not, words that differ."""

    written: list[Decision]
    num_known: int
    """Rows that had been applied before, word for word."""
    refused: list[RefusedRow]
    conflicts: list[Conflict]

    def to_text(self) -> str:
        """Lines for people; of each list the first 20."""
        accepted, num = sum(one.decision == ACCEPTED for one in self.written), len(self.written)
        known = f", {self.num_known} were applied before" if self.num_known else ""
        lines = [f"{num} decisions applied: {accepted} accepted, {num - accepted} refused{known}"]
        lines += _listed("rows are not applied", [one.to_text() for one in self.refused])
        lines += _listed("conflicts; the last word holds", [one.to_text() for one in self.conflicts])
        return shown_lines(lines)


def _listed(what: str, texts: list[str]) -> list[str]:
    if not texts:
        return []
    more = [f"  and {len(texts) - _MAX_SHOWN} more"] if len(texts) > _MAX_SHOWN else []
    return [f"{len(texts)} {what}:", *(f"  {text}" for text in texts[:_MAX_SHOWN]), *more]


def apply_decisions(file: str, warehouse: str, by: str | None = None) -> Applied:
    """Append the file's decisions to editorial_decisions, all in one commit.

    A row that is wrong is not applied, and said to be; the others are. No Spark: the driver holds the file and the
    decisions so far. InputError, and nothing is written, where the file can't be read or no row can be applied;
    NotPublishedError while a run writes the warehouse.
    """
    for uri in (file, warehouse):
        storage.refuse_credentials(uri)
    warehouse, file = storage.absolute(warehouse), storage.absolute(file)
    current_release(warehouse)  # a place without any is no warehouse to hold
    rows = list(read_rows(file))
    if not rows:
        raise InputError(f"{file}: no decision is written in it: fill in the column decision")
    with writing(warehouse):
        return _apply(file, rows, warehouse, by)


def _apply(file: str, rows: list[DecidedRow], warehouse: str, by: str | None) -> Applied:
    gifs = read_catalog_rows(warehouse, current_release(warehouse), (row.gif_id for row in rows), ["split"])
    splits = {gif_id: row["split"] for gif_id, row in gifs.items()}
    found, refused = check_rows(rows, splits, by, datetime.now(UTC))
    if not found:
        said = "; ".join(one.to_text() for one in refused[:_MAX_SHOWN])
        more = f"; and {len(refused) - _MAX_SHOWN} more" if len(refused) > _MAX_SHOWN else ""
        raise InputError(f"{file}: nothing was applied; {said}{more}")
    known, _ = read_decisions(warehouse)
    words = {replace(one, number=0, probability=None) for one in known}
    new = [one for one in dict.fromkeys(found) if replace(one, probability=None) not in words]
    first = max((one.number for one in known), default=0) + 1
    new = [replace(one, number=number) for number, one in enumerate(new, first)]
    if new:
        append_rows(warehouse, EDITORIAL_DECISIONS, as_table(new))
        write_checkpoint(table_uri(warehouse, EDITORIAL_DECISIONS.name))
    return Applied(new, len(found) - len(new), refused, conflicts(known, new))

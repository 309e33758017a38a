"""Labels and decisions as rows of their tables and of the review file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

from autotag_core.labels import Label, LabelNotes, TagDecision

_MAX_REASONS = 12


def label_rows(labels: Iterable[Label], old_ids: Mapping[str, int]) -> list[dict[str, object]]:
    """Rows of the labels table. A label that was there before keeps its label_id. New labels get the next numbers."""
    rows: list[dict[str, object]] = []
    new = max(old_ids.values(), default=-1)
    for label in labels:
        label_id = old_ids.get(label.label)
        if label_id is None:
            new += 1
            label_id = new
        rows.append(
            {
                "label_id": label_id,
                "label": label.label,
                "members": list(label.members),
                "num_gifs": label.num_gifs,
                "origin": label.origin,
            }
        )
    return rows


def decision_rows(rows: Iterable[TagDecision]) -> list[dict[str, object]]:
    """Rows of the label_decisions table."""
    return [asdict(row) for row in rows]


def label_notes(
    labels: Iterable[Label], rows: Iterable[TagDecision], examples: Mapping[str, Sequence[str]]
) -> dict[str, LabelNotes]:
    """By label: example GIFs, and why its words are in it, the most common first, ties alphabetical.

    Of misspellings it only says how many there are.
    """
    by_label: dict[str, list[TagDecision]] = defaultdict(list)
    for row in rows:
        if row.label is not None:
            by_label[row.label].append(row)
    notes = {}
    for label in labels:
        ordered = sorted(by_label[label.label], key=lambda row: (-row.num_gifs, row.tag))
        words = [row for row in ordered if row.tag == row.spelled and row.why]
        reasons = [f"{row.tag}: {row.why}" for row in words[:_MAX_REASONS]]
        num_slips = sum(row.tag != row.spelled for row in ordered)
        reasons += [f"{num_slips} other spellings"] if num_slips else []
        notes[label.label] = LabelNotes(tuple(examples.get(label.label, ())), "; ".join(reasons))
    return notes

"""The editor's review file -> their edits, and labels that follow these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from autotag_core import labels, storage
from autotag_core.labels import Changes, Label, TagDecision
from autotag_core.tables import LABEL_DECISIONS, LABEL_EDITS, LABELS
from jobs.labels.label_rows import decision_rows, label_rows
from jobs.release.settle_publication import writing


def apply_labels(review: str, warehouse: str) -> tuple[int, Changes]:
    """Write what the editor has decided. Gives the number of tags that this file decides on, and how the labels change.

    Written are the next versions of label_edits, label_decisions and labels. label_edits is first, since later builds
    follow it. If a label's members change, its num_gifs is the sum of theirs until the next build counts anew.

    No Spark: the driver holds the vocabulary. InputError lists everything that is inconsistent, and then nothing is
    written; NotPublishedError while a run writes the warehouse.
    """
    for uri in (review, warehouse):
        storage.refuse_credentials(uri)
    warehouse = storage.absolute(warehouse)
    labels.read_labels(warehouse)  # a place without any is no warehouse to hold
    with writing(warehouse):
        return _apply(review, warehouse)


def _apply(review: str, warehouse: str) -> tuple[int, Changes]:
    found, _ = labels.read_labels(warehouse)
    before = {row["label"]: row for row in found.to_pylist()}
    members = {name: row["members"] for name, row in before.items()}
    decided = labels.read_newest(warehouse, LABEL_DECISIONS)
    rows = [TagDecision(**row) for row in (decided[0].to_pylist() if decided else [])]
    num_gifs = {row.tag: row.num_gifs for row in rows}
    said = labels.read_review(storage.read_bytes(review), review, members, num_gifs)
    edits = labels.read_edits(warehouse) | said
    kept = {*before, *(label for label in edits.values() if label is not None)}
    rows = labels.apply_edits(rows, edits)
    usage = {name: row["num_gifs"] for name, row in before.items()}
    usage |= _changed(rows, kept, members)
    now = labels.choose_labels([row for row in rows if row.label in kept], usage, usage, edits, len(rows), min_gifs=0)
    ids = {name: row["label_id"] for name, row in before.items()}
    ids |= {new: ids[old] for old, new in _renamed(members, said).items()}
    labels.replace_rows(warehouse, LABEL_EDITS, [{"tag": tag, "label": said_} for tag, said_ in sorted(edits.items())])
    labels.replace_rows(warehouse, LABEL_DECISIONS, decision_rows(labels.cut(rows, now)))
    labels.replace_rows(warehouse, LABELS, label_rows(now, ids))
    return len(said), labels.compare_labels(members, _members(now))


def _members(found: Sequence[Label]) -> dict[str, Sequence[str]]:
    return {label.label: label.members for label in found}


def _changed(rows: Sequence[TagDecision], kept: set[str], before: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """By label whose members are not those of before: the sum of its members' GIFs."""
    now: dict[str, dict[str, int]] = {}
    for row in rows:
        if row.label in kept:
            now.setdefault(str(row.label), {})[row.tag] = row.num_gifs
    return {name: sum(tags.values()) for name, tags in now.items() if tags.keys() != set(before.get(name, ()))}


def _renamed(before: Mapping[str, Sequence[str]], said: Mapping[str, str | None]) -> dict[str, str]:
    """By old label: its new one, where the editor gave all its members the same label and that did not exist."""
    found = {}
    for name, members in before.items():
        names = {said.get(member, name) for member in members}
        if len(names) == 1 and (new := names.pop()) is not None and new not in before:
            found[name] = new
    return found

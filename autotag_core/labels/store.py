"""The tables of labels. Each is a Delta table with versions of its own, apart from the nightly runs."""

from __future__ import annotations

import pyarrow as pa

from autotag_core.errors import InputError
from autotag_core.labels.words.normalise import normalise
from autotag_core.tables import LABEL_EDITS, LABELS
from autotag_core.warehouse.own_tables import read_newest


def read_labels(warehouse: str) -> tuple[pa.Table, int]:
    """The labels and their version. InputError where none were built."""
    found = read_newest(warehouse, LABELS)
    if found is None:
        raise InputError(f"{warehouse}: no labels: run `autotag labels build` first, or check --warehouse")
    return found


def label_of_members(labels: pa.Table) -> dict[str, str]:
    """The label of each normalised tag that is a member of a label."""
    rows = labels.select(["label", "members"]).to_pylist()
    return {member: row["label"] for row in rows for member in row["members"]}


def truth_in_labels(truth: pa.Table, labels: pa.Table) -> pa.Table:
    """The rows of evaluation.TRUTH with members replaced by their labels, distinct; other tags stay."""
    label_of = label_of_members(labels)

    def mapped(tags: list[str]) -> list[str]:
        return list(dict.fromkeys(label_of.get(normalise(tag) or "", tag) for tag in tags))

    rows = truth.to_pylist()
    for row in rows:
        row["tags"] = mapped(row["tags"])
        if row["factors"] is not None:
            row["factors"] = [{"factor": one["factor"], "tags": mapped(one["tags"])} for one in row["factors"]]
    return pa.Table.from_pylist(rows, schema=truth.schema)


def read_edits(warehouse: str) -> dict[str, str | None]:
    """The editor's label of each tag that they have decided on; None where it shall have no label."""
    found = read_newest(warehouse, LABEL_EDITS)
    return {} if found is None else dict(zip(found[0]["tag"].to_pylist(), found[0]["label"].to_pylist(), strict=True))

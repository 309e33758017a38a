"""The tables of labels. Each is a Delta table with versions of its own, apart from the nightly runs."""

from __future__ import annotations

import uuid

import pyarrow as pa
from deltalake.exceptions import DeltaError, TableNotFoundError

from autotag_core import storage
from autotag_core.errors import InputError
from autotag_core.labels.words.normalise import normalise
from autotag_core.tables import LABEL_EDITS, LABELS, Table
from autotag_core.warehouse import table_uri
from autotag_core.warehouse.data_files import write_files
from autotag_core.warehouse.delta import open_table, read_rows
from autotag_core.warehouse.delta_commits import commit_files


def read_newest(warehouse: str, table: Table) -> tuple[pa.Table, int] | None:
    """Rows of the table's newest version, and that version. None where there is no such table."""
    uri = table_uri(warehouse, table.name)
    try:
        delta = open_table(uri)
        return read_rows(delta, uri, table), delta.version()
    except TableNotFoundError:
        storage.check_reachable(warehouse)
        return None
    except (DeltaError, OSError) as error:
        raise InputError(f"{uri}: cannot be read: {storage.one_line(error)}") from None


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


def replace_rows(warehouse: str, table: Table, rows: list[dict[str, object]]) -> int:
    """Write the table's next version with these rows alone; gives that version."""
    uri = table_uri(warehouse, table.name)
    content = pa.Table.from_pylist(rows, schema=table.plain_schema)
    return commit_files(uri, list(write_files(content.to_batches(), uri)), table.schema, uuid.uuid4().hex)

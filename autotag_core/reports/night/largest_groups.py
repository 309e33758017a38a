"""Near duplicates of a release: how many groups, and the largest of them."""

from __future__ import annotations

import functools
import operator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from autotag_core.tables import DUPLICATES
from autotag_core.warehouse import RunRecord, read_table, scan_table

NUM_LARGEST = 4
NUM_MEMBERS = 4


@dataclass(frozen=True)
class Groups:
    """The groups of near duplicates. `largest` are (group_id, size, first members)."""

    num_groups: int
    num_gifs: int
    largest: list[tuple[str, int, list[str]]]


def read_groups(warehouse: str, release: RunRecord) -> Groups | None:
    """The groups of a release, the largest first, ties by group_id; None where nobody looked for copies.

    Cost: a pass over two columns of duplicates, and one for the members of NUM_LARGEST groups.
    """
    if DUPLICATES.name not in release.table_versions:
        return None
    num_groups = num_gifs = 0
    largest: pa.Table | None = None
    order = [("group_size", "descending"), ("group_id", "ascending")]
    for batch in scan_table(warehouse, DUPLICATES.name, release, ["gif_id", "group_id", "group_size"]):
        num_gifs += batch.num_rows
        heads = pa.table(batch).filter(pc.equal(batch["gif_id"], batch["group_id"]))  # a row a group
        num_groups += heads.num_rows
        together = heads if largest is None else pa.concat_tables([largest, heads])
        largest = together.sort_by(order).slice(0, NUM_LARGEST)
    rows = largest.to_pylist() if largest is not None else []
    members = _members(warehouse, release, [row["group_id"] for row in rows])
    return Groups(
        num_groups, num_gifs, [(row["group_id"], row["group_size"], members[row["group_id"]]) for row in rows]
    )


def _members(warehouse: str, release: RunRecord, group_ids: list[str]) -> dict[str, list[str]]:
    """The first members of each group by gif_id."""
    if not group_ids:
        return {}
    is_asked = functools.reduce(operator.or_, (pc.field("group_id") == group_id for group_id in group_ids))
    found: dict[str, list[str]] = {group_id: [] for group_id in group_ids}
    for row in read_table(warehouse, DUPLICATES.name, release, ["gif_id", "group_id"], is_asked).to_pylist():
        found[row["group_id"]].append(row["gif_id"])
    return {group_id: sorted(members)[:NUM_MEMBERS] for group_id, members in found.items()}

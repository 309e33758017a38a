"""Which searches find a GIF: by uploaders' tags, by those of the release before, and by those of this one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

ENOUGH = 10
"""GIFs that fill the first screen of a search."""
NUM_SHOWN = 8


@dataclass(frozen=True)
class Searched:
    """A search, and how many GIFs have a tag of these very words: as uploaded, at the release before, at this one."""

    query: str
    uploaded: int
    before: int | None
    after: int


@dataclass(frozen=True)
class Coverage:
    """How many of the searches find at least one GIF, and at least ENOUGH.

    Counts are (as uploaded, at the release before, at this one), None where that is not known.
    """

    num_searches: int
    found: tuple[int, int | None, int]
    enough: tuple[int, int | None, int]
    gained: list[Searched]
    """Searches with the most GIFs more than as uploaded."""
    missing: list[Searched]
    """Searches that still find nothing, alphabetical."""


def search_coverage(queries: pa.Array, uploaded: pa.Table, before: pa.Table | None, after: pa.Table) -> Coverage:
    """The coverage of distinct searches by tags: tables of tag and num. A search and a tag are compared in lower case.

    Time and memory grow with the searches and the distinct tags.
    """
    rows = pa.table({"query": queries})
    tables = {"uploaded": uploaded, "before": before, "after": after}
    for name, counts in tables.items():
        if counts is not None:
            rows = rows.join(_by_words(counts).rename_columns(["query", name]), "query")
            rows = rows.set_column(rows.column_names.index(name), name, pc.fill_null(rows[name], 0))
    more = pc.subtract(rows["after"], rows["uploaded"])
    gained = rows.append_column("more", more).filter(pc.greater(more, 0))
    missing = rows.filter(pc.equal(rows["after"], 0)).sort_by("query")
    return Coverage(
        rows.num_rows,
        _num_with(rows, 1),
        _num_with(rows, ENOUGH),
        _searched(gained.sort_by([("more", "descending"), ("query", "ascending")])),
        _searched(missing),
    )


def count_uploaded(batches: Iterable[pa.RecordBatch]) -> pa.Table:
    """Rows of tag and num: how many GIFs of batches with `tags` came with it."""
    parts = [pa.table({"tag": pa.array([], pa.string()), "num": pa.array([], pa.int64())})]
    for batch in batches:
        tags = pa.table({"tag": pc.list_flatten(batch["tags"])})
        parts.append(tags.group_by("tag").aggregate([([], "count_all")]).rename_columns(["tag", "num"]))
    return pa.concat_tables(parts).group_by("tag").aggregate([("num", "sum")]).rename_columns(["tag", "num"])


def _by_words(counts: pa.Table) -> pa.Table:
    """The counts by tag in lower case with single spaces, as searches are."""
    words = pc.utf8_trim_whitespace(pc.replace_substring_regex(pc.utf8_lower(counts["tag"]), r"\s+", " "))
    return pa.table({"tag": words, "num": counts["num"]}).group_by("tag").aggregate([("num", "sum")])


def _num_with(rows: pa.Table, least: int) -> tuple[int, int | None, int]:
    def num(name: str) -> int:
        return pc.sum(pc.greater_equal(rows[name], least)).as_py() or 0

    return num("uploaded"), num("before") if "before" in rows.column_names else None, num("after")


def _searched(rows: pa.Table) -> list[Searched]:
    found = rows.slice(0, NUM_SHOWN).to_pylist()
    return [Searched(row["query"], row["uploaded"], row.get("before"), row["after"]) for row in found]

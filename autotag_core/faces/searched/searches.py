"""What people searched for, from the files that a company has; and the names that an editor has refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from autotag_core.errors import InputError
from autotag_core.faces.csv_tables import need_columns, read_csv
from autotag_core.inputs import Column, readable_rows
from autotag_core.labels import normalise

_COLUMNS = (Column("query", "text"), Column("count", "text"), Column("queries", "texts"))
_MOST = 10**15
"""A count above it is no count of searches."""


def read_searches(uri: str) -> Counter[str]:
    """How often each search was made, in lower case with single spaces.

    The file has `query` and `count` (1 where it has none), as CSV, JSON lines or Parquet, or the search sessions that
    semantic.search_sessions takes: `queries`. InputError for the first row that can't be read, and where there is none.
    """
    counts: Counter[str] = Counter()
    for query, count in _rows(uri):
        text = " ".join(query.lower().split())
        if text:
            counts[text] += count
    if not counts:
        raise InputError(f"{uri}: no search: rows have query and count, or queries")
    return counts


def _rows(uri: str) -> Iterator[tuple[str, int]]:
    for part, row in readable_rows(uri, _COLUMNS):
        if row["query"] is not None:
            yield row["query"], _count(part, row["query"], row["count"])
        yield from ((query, 1) for query in row["queries"] or () if query)


def _count(uri: str, query: str, said: str | None) -> int:
    if said is None:
        return 1
    if not (said.isascii() and said.isdigit()) or int(said) > _MOST:
        raise InputError(f"{uri}: the count of {query[:100]!r} is {said[:100]!r}, it must be a whole number")
    return int(said)


def read_refused(uri: str) -> dict[str, str]:
    """{name: reason} of a CSV file with these columns. InputError where a row has no name or no reason."""
    rows, columns = read_csv(uri)
    need_columns(uri, columns, ("name", "reason"))
    found = {}
    for line, row in rows:
        if normalise(row["name"]) is None or not row["reason"]:
            raise InputError(f"{uri}, line {line}: a name and a reason are needed")
        found[row["name"]] = row["reason"]
    return found

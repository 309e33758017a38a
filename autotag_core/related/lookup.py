"""Reads, without Spark, what a release relates to a tag, a GIF or a search."""

from __future__ import annotations

import difflib
import json
from dataclasses import asdict, dataclass

import pyarrow.compute as pc

from autotag_core.errors import InputError
from autotag_core.tables import RELATED_GIFS, RELATED_SEARCHES, RELATED_TAGS, Table
from autotag_core.terminal import shown_lines
from autotag_core.warehouse import RunRecord, current_release, read_table


@dataclass(frozen=True)
class Related:
    """What is nearest to `key`, nearest first, with similarities. `source` says what a GIF's list was made from."""

    key: str
    names: list[str]
    similarities: list[float]
    source: str | None = None

    def to_text(self) -> str:
        """The key, then one line for each name with its similarity before it."""
        lines = [f"{self.key}{f'  (from {self.source})' if self.source else ''}"]
        pairs = zip(self.similarities, self.names, strict=True)
        return shown_lines([*lines, *(f"  {similarity:6.3f}  {name}" for similarity, name in pairs)])

    def to_json(self) -> str:
        """One JSON object."""
        return json.dumps(asdict(self), ensure_ascii=False)


def related_tags(warehouse: str, tag: str, run_id: str | None = None) -> Related:
    """Tags related to one, written as uploaders do. InputError, with the nearest spelling, where there are none."""
    return _lookup(warehouse, RELATED_TAGS, "tag", tag, run_id)


def related_gifs(warehouse: str, gif_id: str, run_id: str | None = None) -> Related:
    """GIFs related to one. InputError where there are none."""
    return _lookup(warehouse, RELATED_GIFS, "GIF", gif_id, run_id)


def related_searches(warehouse: str, query: str, run_id: str | None = None) -> Related:
    """Searches related to one, in any case and spacing. InputError where there are none."""
    return _lookup(warehouse, RELATED_SEARCHES, "search", " ".join(query.lower().split()), run_id)


def _lookup(warehouse: str, table: Table, kind: str, key: str, run_id: str | None) -> Related:
    release = current_release(warehouse, run_id)
    if table.name not in release.table_versions:
        needs = "semantic.search_sessions" if table is RELATED_SEARCHES else "the semantic expert and related.enabled"
        raise InputError(f"{warehouse}: run {release.run_id} has no table {table.name}: it needs {needs}")
    (key_column,) = table.key
    rows = read_table(warehouse, table.name, release, where=pc.field(key_column) == key).to_pylist()
    if not rows:
        raise InputError(
            f"{warehouse}: nothing is related to the {kind} {key!r} in run {release.run_id}"
            f"{_hint(warehouse, release, table, key)}"
        )
    row = rows[0]
    return Related(key, row["related"], row["similarities"], row.get("source"))


def _hint(warehouse: str, release: RunRecord, table: Table, key: str) -> str:
    if table is RELATED_GIFS:
        return ": it is not in the catalog, or nothing is known of its tags and in too few sessions"
    known = read_table(warehouse, table.name, release, list(table.key))[table.key[0]].to_pylist()
    near = difflib.get_close_matches(key, known, 1)
    return f"; the nearest is {near[0]!r}" if near else ": it is too rare"

"""What readers see, from outside: the current release's tables, and the documents behind the search alias."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from elasticsearch import ApiError, Elasticsearch, TransportError

from autotag_core import warehouse
from autotag_core.errors import AutotagError
from autotag_core.failures import Stage
from autotag_core.tables import SEARCH_DOCUMENTS
from benchmarks.chaos.result import Differences

Rows = Counter[str]
Tables = Mapping[str, Rows]
_POLL_S = 0.1
_MOST = 10_000
_REFUSED = f'"stage": "{Stage.SEARCH_DOCUMENTS}"'


@dataclass(frozen=True)
class State:
    """What readers see at a moment: tables of the current release, and documents of the alias. None: nothing yet."""

    tables: Tables | None
    documents: Rows | None = None

    def name_among(self, known: Mapping[str, State]) -> str:
        """How this state is called, tables and search each: names of `known`, or `neither` for what is none of them."""
        tables = next((name for name, state in known.items() if state.tables == self.tables), "neither")
        search = next((name for name, state in known.items() if state.documents == self.documents), "neither")
        return tables if tables == search else f"{tables} in tables, {search} in search"


def state(uri: str, search: tuple[str, str] | None = None) -> State:
    """The state now; `search` are the URL of Elasticsearch and the alias."""
    return State(read_tables(uri), read_documents(*search) if search else None)


def read_tables(uri: str) -> Tables | None:
    """Every row of every table of the current release, as text."""
    try:
        release = warehouse.current_release(uri)
    except AutotagError:
        return None
    return {name: as_rows(warehouse.read_table(uri, name, release)) for name in sorted(release.table_versions)}


def as_rows(table: pa.Table) -> Rows:
    """Each row as text, with how often it is there."""
    return Counter(_text(row) for row in table.to_pylist())


def read_documents(url: str, alias: str) -> Rows | None:
    """The documents that a reader of the alias finds now, as text, with the columns of the table."""
    with Elasticsearch(url, request_timeout=30) as client:
        try:
            answer = client.search(index=alias, query={"match_all": {}}, size=_MOST)
        except ApiError as error:
            if error.status_code == 404:
                return None
            raise
    return Counter(_text(_as_document(hit["_source"])) for hit in answer["hits"]["hits"])


def documents_of(tables: Tables | None) -> Rows:
    """The documents that belong to the tables: those of `search_documents` that Elasticsearch did not refuse."""
    if tables is None or SEARCH_DOCUMENTS.name not in tables:
        return Counter()
    refused = {json.loads(row)["gif_id"] for row in tables.get("failures", ()) if _REFUSED in row}
    rows = [json.loads(row) for row in tables[SEARCH_DOCUMENTS.name]]
    return Counter(_text(_as_document(row)) for row in rows if row["gif_id"] not in refused)


def _as_document(source: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _as_single(source.get(name)) for name in SEARCH_DOCUMENTS.schema.names}


def _as_single(value: Any) -> Any:
    """The value with its floats in single precision, as the table holds them: JSON writes 0.7 for 0.699999988."""
    if isinstance(value, float):
        return float(np.float32(value))
    if isinstance(value, Mapping):
        return {name: _as_single(inner) for name, inner in value.items()}
    return [_as_single(inner) for inner in value] if isinstance(value, list) else value


def _text(row: Mapping[str, Any]) -> str:
    return json.dumps(row, sort_keys=True, default=repr)


def differences(seen: Tables | None, undisturbed: Tables | None) -> Differences:
    """Rows that are missing, and rows too many."""
    found, wanted = seen or {}, undisturbed or {}
    names = found.keys() | wanted.keys()
    empty: Rows = Counter()
    lost = sum((wanted.get(name, empty) - found.get(name, empty)).total() for name in names)
    return Differences(lost, sum((found.get(name, empty) - wanted.get(name, empty)).total() for name in names))


def differing(seen: Tables | None, undisturbed: Tables | None) -> str:
    """The tables that differ, for people."""
    found, wanted = seen or {}, undisturbed or {}
    return ", ".join(name for name in sorted(found.keys() | wanted.keys()) if found.get(name) != wanted.get(name))


def search_differences(seen: State) -> Differences:
    """Documents of the search alias against those of the tables."""
    return differences({"": seen.documents or Counter()}, {"": documents_of(seen.tables)})


class Watch:
    """Reads the alias again and again, and keeps each set of documents that it has not seen before."""

    def __init__(self, url: Callable[[], str], alias: str) -> None:
        self._url, self._alias = url, alias
        self.seen: list[Rows | None] = []

    def look(self) -> None:
        """Read once."""
        with suppress(ApiError, TransportError):  # a server that is down shows nothing to anybody
            found = read_documents(self._url(), self._alias)
            if found not in self.seen:
                self.seen.append(found)

    def partial(self, known: Mapping[str, State]) -> int:
        """How many different reads were none of the known states."""
        return sum(one not in [state.documents for state in known.values()] for one in self.seen)


@contextmanager
def watched(url: Callable[[], str], alias: str) -> Iterator[Watch]:
    """Watch while the block runs. A server that is started again may have another URL."""
    watch, stop = Watch(url, alias), threading.Event()

    def look() -> None:
        while not stop.wait(_POLL_S):
            watch.look()

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        stop.set()
        thread.join()

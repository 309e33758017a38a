"""Rows of two nights are compared one by one, and a search with the tables that it belongs to."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa

from benchmarks.chaos.result import Differences, Result, as_markdown
from benchmarks.chaos.seen import State, as_rows, differences, differing, documents_of, search_differences

UNDISTURBED = {"votes": as_rows(pa.table({"gif_id": ["a", "b", "c"]})), "media": as_rows(pa.table({"gif_id": ["a"]}))}


def document(gif_id: str) -> dict[str, object]:
    names = ("tags", "caption", "text", "popularity", "uri", "related_gifs", "written_tags")
    return {"gif_id": gif_id} | dict.fromkeys(names)


def test_missing_rows_are_lost_and_rows_too_many_are_duplicate() -> None:
    seen = {"votes": as_rows(pa.table({"gif_id": ["a", "a", "x", "c"]}))}
    assert differences(seen, UNDISTURBED) == Differences(lost=2, duplicate=2)
    assert differing(seen, UNDISTURBED) == "media, votes"
    assert differences(UNDISTURBED, UNDISTURBED) == Differences()
    assert differences(None, UNDISTURBED) == Differences(lost=4)


def test_search_is_what_the_tables_say_but_for_refused_documents() -> None:
    refused = [{"gif_id": "b", "stage": "search_documents"}, {"gif_id": "a", "stage": "frames"}]
    tables = {
        "search_documents": as_rows(pa.Table.from_pylist([document("a"), document("b")])),
        "failures": as_rows(pa.Table.from_pylist(refused)),
    }
    documents = documents_of(tables)
    assert documents.total() == 1
    assert search_differences(State(tables, documents)) == Differences()
    assert search_differences(State(tables, Counter())) == Differences(lost=1)
    assert search_differences(State(tables, documents + documents)) == Differences(duplicate=1)


def test_a_state_is_old_new_or_neither_for_tables_and_search_each() -> None:
    old, new = (State({"catalog": Counter({name: 1})}, Counter({name: 1})) for name in ("old", "new"))
    known = {"old": old, "new": new}
    assert State(old.tables, old.documents).name_among(known) == "old"
    assert State(old.tables, new.documents).name_among(known) == "old in tables, new in search"
    assert State(old.tables, Counter({"old": 1, "new": 1})).name_among(known) == "old in tables, neither in search"


def test_the_table_says_which_trial_does_not_hold() -> None:
    right = Result("kills", "killed", "old | new", "old", seconds=2.4)
    wrong = Result("kills", "killed", "old", "mixed", Differences(partial=1))
    assert [right.holds, wrong.holds, Result("a", "b", "c", "d", as_expected=False).holds] == [True, False, False]
    assert as_markdown([right, wrong]).splitlines()[2:] == [
        r"| kills | killed | old \| new | old | 0 | 0 | 0 | 2 | holds |",
        "| kills | killed | old | mixed | 0 | 0 | 1 | 0 | **fails** |",
    ]

"""Rows of two nights are compared one by one, and a search with the tables that it belongs to."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa

from benchmarks.chaos.result import BEGIN, END, Differences, Result, as_section, with_sections
from benchmarks.chaos.seen import (
    State,
    _as_document,
    _text,
    as_rows,
    differences,
    differing,
    documents_of,
    search_differences,
)

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


def test_a_weight_is_the_same_in_single_precision_and_in_json() -> None:
    weight = pa.array([0.7], pa.float32())
    tags = pa.array([[{"tag": "cat", "weight": weight[0].as_py()}]])
    (row,) = documents_of({"search_documents": as_rows(pa.table({"gif_id": ["a"], "tags": tags}))})
    assert row == _text(_as_document({"gif_id": "a", "tags": [{"tag": "cat", "weight": 0.7}]}))


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
    section = as_section("kills", [right, wrong], 90).splitlines()
    assert section[0] == "### kills"
    assert "1 of 2 hold; lost 0, duplicate 0, partial 1" in section[2]
    assert section[6:] == [
        r"| killed | old \| new | old | 0 | 0 | 0 | 2 | holds |",
        "| killed | old | mixed | 0 | 0 | 1 | 0 | **fails** |",
    ]


def test_a_page_keeps_the_sections_of_other_parts() -> None:
    page = f"# Title\n{BEGIN}\nnothing yet\n{END}\nrest\n"
    page = with_sections(page, {"search": "### search\n\nfirst"}, ["kills", "search"])
    page = with_sections(page, {"kills": "### kills\n\nsecond"}, ["kills", "search"])
    page = with_sections(page, {"search": "### search\n\nthird"}, ["kills", "search"])
    assert page == f"# Title\n{BEGIN}\n### kills\n\nsecond\n\n### search\n\nthird\n{END}\nrest\n"

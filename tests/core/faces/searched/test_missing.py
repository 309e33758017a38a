"""Searched names against literal lists of names."""

from __future__ import annotations

from pathlib import Path

import pytest

from autotag_core.errors import InputError
from autotag_core.faces.searched.missing import MissingPeople, find_missing
from autotag_core.faces.searched.searches import read_refused, read_searches
from autotag_core.labels import Entity, EntityList, Lexicon


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return Lexicon()


LISTED = EntityList(
    [
        ("tom hanks", Entity("Tom Hanks", "person")),
        ("beyoncé", Entity("Beyoncé", "person")),
        ("queen bey", Entity("Beyoncé", "person")),
        ("prince", Entity("Prince", "person")),
        ("taylor swift", Entity("Taylor Swift", "person")),
        ("t swizzle", Entity("Taylor Swift", "person")),
        ("emma woodhouse", Entity("Emma Woodhouse", "film")),
    ]
)


def rows(found: MissingPeople) -> list[tuple[str, str, dict[str, int]]]:
    return [(one.name, one.source, dict(one.spellings)) for one in found.people]


def test_searched_names_come_with_their_spellings_most_searched_first(lexicon: Lexicon) -> None:
    searches = {
        "tom hanks": 5,
        "tomhanks": 1,
        "tom hnks": 2,
        "beyonce": 20,
        "queen bey": 3,
        "happy birthday": 99,
        "prince": 50,
    }
    assert rows(find_missing(searches, [], [], LISTED, lexicon)) == [
        ("Beyoncé", "listed", {"beyonce": 20, "queen bey": 3}),
        ("Tom Hanks", "listed", {"tom hanks": 5, "tom hnks": 2, "tomhanks": 1}),
    ]


def test_who_is_enrolled_is_not_missing_however_they_are_spelled(lexicon: Lexicon) -> None:
    searches = {"taylor swift": 9, "tailor swift": 4, "taylorswift": 2, "t swizzle": 1, "tom hanks": 1}
    found = find_missing(searches, ["Taylor Swift"], [], LISTED, lexicon)
    assert [one.name for one in found.people] == ["Tom Hanks"]
    assert found.num_enrolled == 16


def test_a_refused_name_is_left_out_with_its_misspellings(lexicon: Lexicon) -> None:
    found = find_missing({"tom hanks": 7, "tom hnaks": 1, "queen bey": 2}, [], ["TOM HANKS"], LISTED, lexicon)
    assert [one.name for one in found.people] == ["Beyoncé"]
    assert found.num_refused == 8


def test_a_name_within_a_longer_search_counts(lexicon: Lexicon) -> None:
    found = find_missing({"funny tom hanks dancing": 3, "tom hanks": 1, "prince of cats": 9}, [], [], LISTED, lexicon)
    assert rows(found) == [("Tom Hanks", "listed", {"funny tom hanks dancing": 3, "tom hanks": 1})]


def test_what_no_list_has_is_guessed_from_its_words(lexicon: Lexicon) -> None:
    searches = {
        "timothee chalamet": 30, "timothée chalamet": 9, "timotheechalamet": 2, "timothe chalamet": 1, "emma stone": 8,
        "good morning": 70, "funny cat": 60, "omg cat": 50, "emma woodhouse": 40, "facepalm": 30, "top 10": 5, "🎉": 3,
    }  # fmt: skip
    spellings = {"timothee chalamet": 30, "timothée chalamet": 9, "timotheechalamet": 2, "timothe chalamet": 1}
    assert rows(find_missing(searches, [], [], LISTED, lexicon)) == [
        ("timothee chalamet", "guessed", spellings),
        ("emma stone", "guessed", {"emma stone": 8}),
    ]


def test_two_people_of_similar_names_stay_apart(lexicon: Lexicon) -> None:
    listed = EntityList([(name, Entity(name.title(), "person")) for name in ("joan smith", "john smith")])
    found = find_missing({"john smith": 5, "joan smith": 4, "jon smith": 1}, ["John Smith"], [], listed, lexicon)
    assert rows(found) == [("Joan Smith", "listed", {"joan smith": 4})]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("s.csv", "query,count\nTom  Hanks,3\nTOM HANKS,2\ncake,1\n"),
        ("s.jsonl", '{"query": "tom hanks", "count": 5}\n{"query": "cake"}\n'),
        ("s.jsonl", '{"session_id": "1", "queries": ["tom hanks", "cake"]}\n' + '{"queries": ["Tom Hanks"]}\n' * 4),
    ],
)
def test_searches_are_counts_or_sessions(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    assert read_searches(str(tmp_path / name)) == {"tom hanks": 5, "cake": 1}


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("s.csv", b"", "no search: rows have query and count, or queries"),
        ("s.csv", b"word,number\na,1\n", "no search"),
        ("s.csv", b"query,count\na,-1\n", "the count of 'a' is '-1', it must be a whole number"),
        ("s.csv", b"query,count\na,99999999999999999999\n", "it must be a whole number"),
        ("s.csv", b'query,count\n"a\nb",1\n', "a line break in query"),
        ("s.jsonl", b'{"query": "a", "count": 1.5}\n', "the count of 'a' is '1.5'"),
        ("s.jsonl", b"\x00\xff\n", "s.jsonl: "),
        ("s.parquet", b"no parquet", "cannot be read"),
    ],
)
def test_a_file_without_searches_is_refused_in_one_line(name: str, data: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=said) as raised:
        read_searches(str(tmp_path / name))
    assert "\n" not in str(raised.value)


def test_refused_names_have_reasons(tmp_path: Path) -> None:
    file = tmp_path / "refused.csv"
    file.write_text("name,reason\nAnn Lee,asked us\n")
    assert read_refused(str(file)) == {"Ann Lee": "asked us"}
    for text, said in (("name\nA\n", "no column reason"), ("name,reason\nA,\n", "line 2: a name and a reason")):
        file.write_text(text)
        with pytest.raises(InputError, match=said):
            read_refused(str(file))
    file.write_bytes(b"name,reason\n\xff,a\n")
    with pytest.raises(InputError, match="not UTF-8 text"):
        read_refused(str(file))

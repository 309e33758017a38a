"""Names of people, films and shows are found in a list, whatever its format, and words are not taken for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from autotag_core.errors import InputError
from autotag_core.labels import Entity, Lexicon, find_entities, read_entities

TOM, MATRIX = Entity("Tom Hanks", "person"), Entity("The Matrix", "title")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "plain.jsonl",
            '{"label": "Tom Hanks", "kind": "person", "aliases": ["T. Hanks"]}\n\n'
            '{"label": "The Matrix", "type": "film"}\n',
        ),
        (
            "wikidata.jsonl",
            '{"itemLabel": "Tom Hanks", "instanceOf": "http://www.wikidata.org/entity/Q5", '
            '"altLabel": "T. Hanks, Tommy"}\n'
            '{"itemLabel": "The Matrix", "P31": "Q11424"}\n',
        ),
        ("list.csv", "label,aliases,kind\nTom Hanks,T. Hanks|Tommy,human\nThe Matrix,,television series\n"),
    ],
)
def test_a_list_has_names_and_aliases_normalised(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    source = read_entities(str(tmp_path / name))
    assert source.look_up(["tom hanks", "t hanks", "the matrix", "cat"]) == {
        "tom hanks": TOM,
        "t hanks": TOM,
        "the matrix": MATRIX,
    }


def test_wrong_lines_are_named(tmp_path: Path) -> None:
    (tmp_path / "list.jsonl").write_text('{"label": "Tom", "kind": "city"}\n[]\n{"label": "", "kind": "film"}\n')
    with pytest.raises(InputError, match=r"line 1: kind of 'Tom' is 'city'.*line 2: not a JSON.*line 3: label is None"):
        read_entities(str(tmp_path / "list.jsonl"))
    (tmp_path / "empty.jsonl").write_text("\n")
    with pytest.raises(InputError, match="no names"):
        read_entities(str(tmp_path / "empty.jsonl"))


def test_names_are_out_and_common_words_stay_whatever_film_is_called_so(lexicon: Lexicon, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("label,kind\nFrozen,film\nShrek,film\nTom Hanks,person\nThe Office,show\n")
    source = read_entities(str(tmp_path / "list.csv"))
    found = find_entities(["frozen", "shrek", "tom hanks", "the office", "cat"], source, lexicon)
    assert [(item.tag, item.decision, item.why) for item in found] == [
        ("frozen", "kept", "title Frozen, but also a word"),
        ("shrek", "out", "title: Shrek"),
        ("tom hanks", "out", "person: Tom Hanks"),
        ("the office", "out", "title: The Office"),
        ("cat", "kept", ""),
    ]

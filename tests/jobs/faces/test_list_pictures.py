"""Which pictures a folder or a CSV file says to show whom."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from autotag_core.errors import InputError
from jobs.faces.list_pictures import list_pictures, loose_things


def test_a_csv_file_names_pictures_beside_itself_and_ids_where_names_repeat(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("name,id,picture\nAnn Lee,ann-1,a.png\nAnn Lee,ann-2,/other/b.png\n")
    assert [(one.person_id, one.name, one.uri) for one in list_pictures(str(file))] == [
        ("ann-1", "Ann Lee", f"{tmp_path}/a.png"),
        ("ann-2", "Ann Lee", "/other/b.png"),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name\nAnn\n", "no column picture; it has name"),
        ("name,picture\n,a.png\n", "line 2"),
        ("name,picture\n", "no picture"),
    ],
)
def test_a_csv_file_that_lacks_something_is_refused(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(text)
    with pytest.raises(InputError, match=said):
        list_pictures(str(tmp_path / "people.csv"))


@pytest.mark.parametrize("name", ["Unknown", "nobody", " UNKNOWN"])
def test_a_person_who_would_be_taken_for_a_stranger_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "a.png").write_bytes(b"")
    with pytest.raises(InputError, match=re.escape(f"can't be called {name!r}")):
        list_pictures(str(tmp_path))


def test_a_folder_without_folders_of_people_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(InputError, match="make a folder for each person"):
        list_pictures(str(tmp_path))


@pytest.mark.parametrize("name", ["line\nbreak", "\u200fשרה", "Ann\ufeff Lee"])
def test_a_name_with_a_character_that_nobody_sees_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(f'name,picture\n"{name}",a.png\n')
    with pytest.raises(InputError, match="has a character that nobody sees"):
        list_pictures(str(tmp_path / "people.csv"))


def test_a_name_is_one_person_however_its_spaces_and_accents_are_written(tmp_path: Path) -> None:
    names = ("Zoe\u0308 Lee", "Zo\u00eb  Lee", "Zo\u00eb\u00a0Lee", " Zo\u00eb Lee")
    (tmp_path / "people.csv").write_text("name,picture\n" + "".join(f"{name},a.png\n" for name in names))
    assert {one.person_id for one in list_pictures(str(tmp_path / "people.csv"))} == {"Zo\u00eb Lee"}


def test_a_name_with_joiners_as_persian_is_written_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "نیک\u200cنام").mkdir()
    (tmp_path / "نیک\u200cنام" / "a.png").write_bytes(b"")
    assert [one.name for one in list_pictures(str(tmp_path))] == ["نیک\u200cنام"]


def test_two_names_of_one_id_are_refused(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("name,id,picture\nAnn,1,a.png\nBob,1,b.png\n")
    with pytest.raises(InputError, match="line 3: '1' is 'Ann' above, and here 'Bob'"):
        list_pictures(str(tmp_path / "people.csv"))


def test_a_csv_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_bytes(b"name,picture\nJ\xfcrgen,a.png\n")
    with pytest.raises(InputError, match="not UTF-8 text at byte 14"):
        list_pictures(str(tmp_path / "people.csv"))


def test_what_systems_leave_behind_is_no_picture(tmp_path: Path) -> None:
    (tmp_path / "Ann" / ".thumbnails").mkdir(parents=True)
    for name in ("a.png", ".DS_Store", "Thumbs.db", "._a.png", ".thumbnails/a.png"):
        (tmp_path / "Ann" / name).write_bytes(b"")
    assert [one.uri for one in list_pictures(str(tmp_path))] == [f"{tmp_path}/Ann/a.png"]
    assert loose_things(str(tmp_path)) == []

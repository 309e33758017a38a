"""`autotag faces` on real pictures: enrolled, listed, found and removed."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from autotag_core.errors import InputError
from autotag_core.faces.thumbnails import read_thumbnails
from autotag_core.tables import GALLERY_THUMBNAILS
from autotag_core.warehouse.own_tables import read_newest
from jobs.commands.app import app
from jobs.faces.enroll_people import enroll_people, list_pictures, read_decisions


@pytest.fixture
def people(shared_data: Path, tmp_path: Path) -> Path:
    """Pictures of two people; one of s2's shows nobody, one shows s1, one is no picture."""
    source, folder = shared_data / "faces", tmp_path / "people"
    if not source.is_dir():
        pytest.skip("no real faces")
    for person in ("s1", "s2"):
        (folder / person).mkdir(parents=True)
        for number in (1, 2, 3):
            shutil.copy(source / person / f"{number}.png", folder / person)
    shutil.copy(source / "s1" / "4.png", folder / "s2" / "7.png")
    Image.new("RGB", (92, 112), "green").save(folder / "s2" / "8.png")
    (folder / "s2" / "9.png").write_bytes(b"no picture")
    return folder


def run(*words: object, code: int = 0) -> list[str]:
    result = CliRunner().invoke(app, ["faces", *map(str, words)])
    assert result.exit_code == code, result.output
    return result.output.splitlines()


def test_people_are_enrolled_found_and_removed(people: Path, tmp_path: Path, shared_data: Path) -> None:
    gallery, doubts, page = tmp_path / "gallery", tmp_path / "doubts.csv", tmp_path / "review.html"
    said = run("enroll", "--people", people, "--gallery", gallery, "--doubts", doubts, "--review", page)
    assert said[-1] == f"{gallery}: 9 new pictures checked, 3 in doubt"
    rows = list(csv.DictReader(doubts.open()))
    assert [(Path(row["file"]).name, row["doubt"]) for row in rows] == [
        ("7.png", "like_another"),
        ("8.png", "no_face"),
        ("9.png", "unreadable"),
    ]
    assert page.read_text().count("<img") == 7
    assert run("list", "--gallery", gallery)[:2] == ["s1 (s1): 3 pictures", "s2 (s2): 3 pictures"]

    for row in rows:
        row["accept"] = "yes"
    with doubts.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    run("enroll", "--people", people, "--gallery", gallery, "--decisions", doubts)
    assert run("list", "--gallery", gallery)[1] == "s2 (s2): 4 pictures"  # the others can't be, whoever says so

    run("remove", "s2", "--gallery", gallery)
    frames = [Image.open(shared_data / "faces" / "s1" / f"{number}.png").convert("RGB") for number in (7, 8)]
    gif, broken, show = tmp_path / "a.gif", tmp_path / "b.gif", tmp_path / "show.html"
    frames[0].save(gif, save_all=True, append_images=frames[1:], duration=100)
    broken.write_bytes(b"GIF89a")
    found = [json.loads(line) for line in run("find", gif, broken, "--gallery", gallery, "--json", "--show", show)]
    assert [(one["name"], one["num_frames"]) for one in found[0]["people"]] == [("s1", 2)]
    assert "error" in found[1]
    page = show.read_text()
    assert page.count("<svg ") == 1 and re.search(r'<rect class="known" x="-?\d+" y="-?\d+" .*>s1</text>', page)
    assert run("find", broken, "--gallery", gallery, code=1)


def test_faces_that_have_no_thumbnail_get_one_when_they_are_given_again(people: Path, tmp_path: Path) -> None:
    gallery = tmp_path / "gallery"
    enroll_people(str(people), str(gallery))
    assert len(read_thumbnails(str(gallery))) == 6
    shutil.rmtree(gallery / "gallery_thumbnails")
    enroll_people(str(people), str(gallery))
    enroll_people(str(people), str(gallery))
    rows = read_newest(str(gallery), GALLERY_THUMBNAILS)
    assert rows is not None and rows[0].num_rows == 6


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
        ("name\nAnn\n", "lacks the column pic"),
        ("name,picture\n,a.png\n", "line 2"),
        ("name,picture\n", "no picture"),
    ],
)
def test_a_csv_file_that_lacks_something_is_refused(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(text)
    with pytest.raises(InputError, match=said):
        list_pictures(str(tmp_path / "people.csv"))


@pytest.mark.parametrize("name", ["Unknown", "nobody", "line\nbreak"])
def test_a_person_who_would_be_taken_for_a_stranger_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "a.png").write_bytes(b"")
    with pytest.raises(InputError, match=re.escape(f"can't be called {name!r}")):
        list_pictures(str(tmp_path))


def test_what_no_picture_speaks_of_is_said_too(tmp_path: Path) -> None:
    folder = tmp_path / "people"
    for name in ("Empty", "Broken", ".hidden"):
        (folder / name).mkdir(parents=True)
    os.mkfifo(folder / "Broken" / "pipe.png")
    for name in ("loose.png", ".DS_Store"):
        (folder / name).write_bytes(b"")
    said = run("enroll", "--people", folder, "--gallery", tmp_path / "gallery")
    assert said[0].startswith(f"{folder}/Broken/pipe.png: unreadable: not_found: ")
    assert said[1:] == [
        f"{folder}/Empty: left out: no picture is in this folder",
        f"{folder}/loose.png: left out: it is in no person's folder",
        "Broken: no picture of this person is enrolled",
        f"{tmp_path}/gallery: 1 new pictures checked, 1 in doubt",
    ]


def test_a_folder_without_folders_of_people_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(InputError, match="make a folder for each person"):
        list_pictures(str(tmp_path))


def test_a_decision_is_yes_or_no(tmp_path: Path) -> None:
    file = tmp_path / "d.csv"
    file.write_text("accept,person_id,picture\nyes,ann,1\n,ann,2\nNo,ann,3\n")
    assert read_decisions(str(file)) == {("ann", "1"): True, ("ann", "3"): False}
    file.write_text("accept,person_id,picture\nmaybe,ann,1\n")
    with pytest.raises(InputError, match="line 2: accept is 'maybe'"):
        read_decisions(str(file))

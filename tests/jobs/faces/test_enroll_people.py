"""`autotag faces` on real pictures: enrolled, listed, found and removed."""

from __future__ import annotations

import csv
import hashlib
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
from jobs.faces.decide_doubts import read_decisions
from jobs.faces.enroll_people import enroll_people


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
    assert said[-1] == f"{gallery}: 9 new pictures checked, 6 enrolled, 3 in doubt, 0 refused"
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
    said = run("enroll", "--people", people, "--gallery", gallery, "--decisions", doubts, "--review", page)
    assert said == [
        f"{people}/s2/8.png: no_face: no face was found",
        f"{people}/s2/9.png: unreadable: {rows[2]['said']}",
        f"{people}/s2/8.png: accepted, but it can't be enrolled: no face was found",
        f"{people}/s2/9.png: accepted, but it can't be enrolled: {rows[2]['said']}",
        f"{gallery}: 3 new pictures checked, 1 enrolled, 2 in doubt, 0 refused",
    ]
    assert '7.png<br>enrolled<br><span class="doubt">like_another' in page.read_text()
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
        f"{tmp_path}/gallery: 1 new pictures checked, 0 enrolled, 1 in doubt, 0 refused",
    ]


def test_a_refused_picture_stays_out_and_in_the_file_that_says_so(people: Path, tmp_path: Path) -> None:
    gallery, decisions, page = tmp_path / "gallery", tmp_path / "decisions.csv", tmp_path / "review.html"
    picture = hashlib.sha256((people / "s1" / "3.png").read_bytes()).hexdigest()[:32]
    decisions.write_text(f"accept,person_id,picture\nno,s1,{picture}\nyes,s1,0123\n")
    files = ("--decisions", decisions, "--doubts", decisions, "--review", page)
    for _ in range(2):
        said = run("enroll", "--people", people, "--gallery", gallery, *files)
        assert f"{people}/s1/3.png: refused" in said and said[-1].endswith("3 in doubt, 1 refused")
    assert "3.png<br>refused<" in page.read_text()
    assert run("list", "--gallery", gallery)[0] == "s1 (s1): 2 pictures"
    assert read_decisions(str(decisions)) == {("s1", picture): False}


def test_a_decision_that_nothing_came_of_is_said(people: Path, tmp_path: Path) -> None:
    gallery, decisions = tmp_path / "gallery", tmp_path / "decisions.csv"
    picture = hashlib.sha256((people / "s1" / "3.png").read_bytes()).hexdigest()[:32]
    run("enroll", "--people", people, "--gallery", gallery)
    decisions.write_text(f"accept,person_id,picture\nno,s1,{picture}\nyes,s1,0123\n")
    said = run("enroll", "--people", people, "--gallery", gallery, "--decisions", decisions)
    assert f"{decisions}: '{picture}' of 's1' is enrolled already: `autotag faces remove` takes it out" in said
    assert f"{decisions}: no such picture: '0123' of 's1'" in said


def test_somebody_who_is_enrolled_under_two_names_is_said(people: Path, tmp_path: Path, shared_data: Path) -> None:
    (people / "s2" / "7.png").unlink()
    gallery, again = tmp_path / "gallery", tmp_path / "again" / "Again"
    run("enroll", "--people", people, "--gallery", gallery)
    again.mkdir(parents=True)
    for number in (8, 9, 10):
        shutil.copy(shared_data / "faces" / "s2" / f"{number}.png", again)
    said = run("enroll", "--people", again.parent, "--gallery", gallery)
    assert re.fullmatch(r"Again and s2 look alike, distance 0\.[23]\d: is that one person\?", said[-2]), said


def test_another_name_for_an_enrolled_id_is_refused(people: Path, tmp_path: Path) -> None:
    gallery, file = tmp_path / "gallery", tmp_path / "people.csv"
    for name, picture in (("Ann", "1.png"), ("Anne", "2.png")):
        file.write_text(f"name,id,picture\n{name},p1,{people}/s1/{picture}\n")
        if name == "Ann":
            enroll_people(str(file), str(gallery))
    with pytest.raises(InputError, match="'p1' is 'Anne', and 'Ann' in the gallery"):
        enroll_people(str(file), str(gallery))


@pytest.mark.parametrize("option", ["--review", "--doubts"])
def test_nobody_is_enrolled_where_what_is_said_can_not_be_written(option: str, people: Path, tmp_path: Path) -> None:
    words = ["faces", "enroll", "--people", str(people), "--gallery", str(tmp_path / "gallery")]
    for place, said in ((people, "a folder is there"), (people / "s1" / "1.png" / "x", "is a file")):
        error = CliRunner().invoke(app, [*words, option, str(place)]).exception
        assert isinstance(error, InputError) and said in str(error)
    assert not (tmp_path / "gallery").exists()

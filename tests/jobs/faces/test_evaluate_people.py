"""Truth files, and `autotag faces evaluate` on real pictures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from autotag_core.errors import InputError
from autotag_core.faces.gallery import Gallery
from jobs.commands.app import app
from jobs.faces.enroll_people import enroll_people
from jobs.faces.evaluate_people import judged, read_truth


def gallery(*people: tuple[str, str]) -> Gallery:
    return Gallery(people, np.arange(len(people)), np.zeros((len(people), 128), np.float32), 0)


def test_names_and_ids_are_known_and_all_others_are_strangers() -> None:
    known = gallery(("m.1", "Ann Lee"), ("m.2", "Bob"))
    assert judged(["Ann Lee", "m.2", "Zoe", "Max"], known) == (frozenset({"m.1", "m.2"}), 2)


def test_a_name_of_two_people_is_refused_and_their_ids_are_not() -> None:
    known = gallery(("m.1", "Ann Lee"), ("m.2", "Ann Lee"))
    assert judged(["m.2"], known) == (frozenset({"m.2"}), 0)
    with pytest.raises(InputError, match="2 people of the gallery are called 'Ann Lee'"):
        judged(["Ann Lee"], known)


def test_a_truth_is_a_csv_file_or_json_lines(tmp_path: Path) -> None:
    table, lines = tmp_path / "t.csv", tmp_path / "t.jsonl"
    table.write_text("file,names\na.gif,Ann Lee; Bob\nb.gif,\na.gif,Zoe|Bob\n")
    lines.write_text('{"file": "a.gif", "names": ["Ann Lee", "Bob", "Zoe"]}\n\n{"file": "b.gif", "names": []}\n')
    wanted = {"a.gif": frozenset({"Ann Lee", "Bob", "Zoe"}), "b.gif": frozenset()}
    assert read_truth(str(table)) == read_truth(str(lines)) == wanted


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("t.csv", "gif,names\na.gif,Ann\n", "no column file; it has gif, names"),
        ("t.csv", "file,names\n,Ann\n", "line 2: a file is needed"),
        ("t.csv", "file,names\n", "no line"),
        ("t.jsonl", "a.gif Ann\n", "line 1: not JSON"),
        ("t.jsonl", '{"file": "a.gif", "names": "Ann"}\n', "line 1: write"),
        ("t.jsonl", '["a.gif"]\n', "line 1: write"),
    ],
)
def test_a_truth_that_lacks_something_is_refused(name: str, text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=said):
        read_truth(str(tmp_path / name))


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl"])
def test_a_truth_that_is_not_utf_8_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"file,names\na.gif,J\xfcrgen\n")
    with pytest.raises(InputError, match="not UTF-8 text at byte 18"):
        read_truth(str(tmp_path / name))


def test_real_gifs_are_measured(shared_data: Path, tmp_path: Path) -> None:
    source = shared_data / "faces"
    if not source.is_dir():
        pytest.skip("no real faces")
    rows = [f"{person},{source / person / f'{number}.png'}" for person in ("s1", "s2") for number in (1, 2, 3)]
    (tmp_path / "people.csv").write_text("\n".join(["name,picture", *rows]))
    place, gifs, truth = str(tmp_path / "gallery"), tmp_path / "gifs", tmp_path / "truth.csv"
    enroll_people(str(tmp_path / "people.csv"), place)
    gifs.mkdir()
    for person in ("s1", "s2", "s9"):
        frames = [Image.open(source / person / f"{number}.png").convert("RGB") for number in (6, 7)]
        frames[0].save(gifs / f"{person}.gif", save_all=True, append_images=frames[1:], duration=100)
    (gifs / "broken.gif").write_bytes(b"GIF89a")
    truth.write_text("file,names\ns1.gif,s1\ns2.gif,s1;s2\ns9.gif,s9\nbroken.gif,s1\n")
    words = ["faces", "evaluate", "--gallery", place, "--gifs", str(gifs), "--truth", str(truth)]
    for grouping in ("tracks", "published"):
        result = CliRunner().invoke(app, [*words, "--grouping", grouping, "--json"])
        assert result.exit_code == 0, result.output
        found = json.loads(result.stdout)
        assert (found["gifs"], found["unread"]) == (3, 1)
        assert [round(found[name]["value"], 2) for name in ("exact", "f1", "strangers_named")] == [0.67, 0.8, 0.0]
    result = CliRunner().invoke(app, words)
    assert "GIFs named exactly right" in result.stdout.splitlines()[2]
    assert "strangers, since nobody enrolled is called so: s9 (1)" in result.stderr
    truth.write_text("file,names\nabsent.gif,s1\n")
    assert "no file absent.gif" in str(CliRunner().invoke(app, words).exception)

"""`autotag faces missing` as an editor calls it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
import typer
from typer.testing import CliRunner

from autotag_core.errors import InputError
from autotag_core.faces.embedder import model_version
from autotag_core.tables import GALLERY
from autotag_core.warehouse.own_tables import append_rows
from jobs.commands.app import app
from jobs.commands.faces_reports import app as faces_app

COMMANDS = typer.main.get_command(faces_app).commands  # type: ignore[attr-defined]


@pytest.fixture
def gallery(tmp_path: Path) -> Path:
    """Ann Lee is enrolled."""
    row = {
        "person_id": "ann", "picture": "1", "name": "Ann Lee", "file": "a.png", "embedding": [0.0] * 128,
        "sharpness": 90.0, "model_version": model_version(), "enrolled": datetime.now(UTC),
    }  # fmt: skip
    append_rows(str(tmp_path / "gallery"), GALLERY, pa.Table.from_pylist([row], schema=GALLERY.plain_schema))
    return tmp_path / "gallery"


def run(*words: object) -> list[str]:
    result = CliRunner().invoke(app, ["faces", *map(str, words)])
    if isinstance(result.exception, InputError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output.splitlines()


def test_missing_people_are_printed_as_lines_or_json(gallery: Path, tmp_path: Path) -> None:
    searches, refused, names = tmp_path / "s.csv", tmp_path / "r.csv", tmp_path / "n.jsonl"
    searches.write_text("query,count\nann lee,9\nzendaya,1200\nzendya,34\nrobin doe,7\n")
    refused.write_text("name,reason\nRobin Doe,asked us\n")
    names.write_text('{"label": "Zendaya\\u001b[2J", "aliases": ["zendaya"], "kind": "person"}\n')
    given = ("missing", "--searches", searches, "--gallery", gallery, "--refused", refused, "--entities", names)
    assert run(*given) == [
        "1,234  Zendaya\\u001b[2J (listed): zendaya 1,200, zendya 34",
        "missing names: 1; left out are 9 searches for enrolled people, 7 for refused names, and 0 that are taken "
        "for no name",
    ]
    (line,) = run(*given, "--json")
    assert json.loads(line)["spellings"] == {"zendaya": 1200, "zendya": 34}


def test_searches_that_are_not_there_are_refused(gallery: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none.csv: "):
        run("missing", "--searches", tmp_path / "none.csv", "--gallery", gallery)


def test_a_report_on_bias_goes_somewhere(gallery: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"give --out FILE.html, or --json"):
        run("bias", "--gallery", gallery, "--attributes", tmp_path, "--pictures", tmp_path)


def test_people_of_the_attributes_who_are_not_enrolled_are_said(gallery: Path, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("person,attribute,value\nann lee,sex,f\nZoe Roe,sex,f\n")
    words = ["explore", "--gallery", gallery, "--attributes", tmp_path / "a.csv", "--out", tmp_path / "page.html"]
    result = CliRunner().invoke(app, ["faces", *map(str, words)])
    assert result.exit_code == 0, result.output
    assert (
        result.stderr == f"{tmp_path}/a.csv: left out, since not one enrolled person alone is called so: Zoe Roe (1)\n"
    )


@pytest.mark.parametrize("command", ["explore", "bias", "find"])
def test_a_page_that_can_not_be_written_is_refused_before_any_work(command: str, gallery: Path, tmp_path: Path) -> None:
    words = {
        "explore": ["--out"],
        "bias": ["--attributes", "none.csv", "--pictures", "none", "--out"],
        "find": ["none.gif", "--show"],
    }
    with pytest.raises(InputError, match="a folder is there: name a file"):
        run(command, "--gallery", gallery, *words[command], tmp_path)


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_option_is_explained(command: str) -> None:
    for parameter in COMMANDS[command].params:
        assert getattr(parameter, "help", None), f"{parameter.name} of {command} has no help"

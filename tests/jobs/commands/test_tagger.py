"""`autotag train` and `autotag predict` as people type them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from jobs.commands import app as cli
from tests.core.tagger.small_release import write_small_release

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def autotag(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run the command in this process: (exit code, standard output, standard error)."""

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            cli.main(list(arguments))
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return int(ended.value.code or 0), out, err

    return run


@pytest.fixture
def warehouse(tmp_path: Path) -> str:
    return write_small_release(tmp_path / "small")


def train(warehouse: str, *more: str) -> tuple[str, ...]:
    return ("train", "--warehouse", warehouse, "--set", "min_examples=3", "--set", "max_epochs=20", *more)


def test_a_tagger_is_trained_and_asked(autotag: Command, warehouse: str, tmp_path: Path) -> None:
    code, out, err = autotag(*train(warehouse))
    assert (code, err) == (0, "")
    assert [line.split()[0] for line in out.splitlines()] == ["experiment", "tagger", "measured"]
    gif, bad = str(Path(warehouse).parent / "gifs" / "g004.gif"), str(tmp_path / "none.gif")
    code, out, err = autotag("predict", gif, bad, "--warehouse", warehouse, "--top", "2")
    assert (code, err, len(out.splitlines())) == (0, "", 2)
    assert f"{gif}: " in out and "green 0." in out and f"{bad}: not read: not_found" in out
    page = tmp_path / "out.html"
    code, out, _ = autotag("predict", gif, "--warehouse", warehouse, "--json", "--show", str(page))
    assert code == 0 and json.loads(out)["tags"][0]["tag"] == "green"
    assert page.read_text().startswith("<!doctype html>") and "green" in page.read_text()


def test_where_no_file_can_be_read_the_exit_code_says_so(autotag: Command, warehouse: str, tmp_path: Path) -> None:
    assert autotag(*train(warehouse, "--json"))[0] == 0
    code, out, _ = autotag("predict", str(tmp_path / "a.gif"), "--warehouse", warehouse)
    assert code == 1 and out.count("\n") == 1


def test_a_comparison_trains_each_and_prints_one_table(autotag: Command, warehouse: str, tmp_path: Path) -> None:
    path = tmp_path / "compare.yaml"
    path.write_text("raw: {targets: raw}\npublished: {targets: published}\n")
    code, out, _ = autotag(*train(warehouse, "--compare", str(path), "--json"))
    rows = [json.loads(line) for line in out.splitlines()]
    assert code == 0 and [row["experiment"] for row in rows] == ["raw", "published"]
    assert len({row["uri"] for row in rows}) == 2


def test_wrong_input_is_one_line_and_exit_code_2(autotag: Command, warehouse: str, tmp_path: Path) -> None:
    (tmp_path / "compare.yaml").write_text("raw: {targets: raw}\n")
    for arguments, said in [
        (train(str(tmp_path / "none")), "no run was ever recorded here"),
        (train(warehouse, "--set", "target=raw"), "unknown key target; the nearest is targets"),
        (train(warehouse, "--resume"), "has stopped midway: leave out --resume"),
        (train(warehouse, "--compare", str(tmp_path / "compare.yaml"), "--resume"), "--compare: not with"),
        (train(warehouse, "--config", str(tmp_path / "none.yaml")), "cannot read"),
        (("predict", "a.gif"), "name a tagger with --model FOLDER, or a --warehouse"),
        (("predict", "a.gif", "--warehouse", warehouse), "no tagger was trained here"),
        (("predict", "a.gif", "--model", str(tmp_path)), "model.safetensors: there is no such file"),
    ]:
        code, out, err = autotag(*arguments)
        assert (code, out.count("\n") <= 1, err.count("\n")) == (2, True, 1), (arguments, out, err)
        assert said in err

"""`autotag doctor`: a line for each check, and an exit code that a script can rely on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from jobs.commands import app as cli

Doctor = Callable[..., tuple[int, list[str], str]]


@pytest.fixture
def doctor(capsys: pytest.CaptureFixture[str]) -> Doctor:
    """Run it with one expert that needs no network: (exit code, lines, standard error)."""

    def run(*arguments: str) -> tuple[int, list[str], str]:
        with pytest.raises(SystemExit) as ended:
            cli.main(["doctor", "--set", "experts=[semantic]", *arguments])
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out.splitlines(), err

    return run


def test_a_sound_machine_is_exit_code_0_and_a_line_a_check(doctor: Doctor, tmp_path: Path) -> None:
    (tmp_path / "c.jsonl").write_text('{"gif_id": "a", "uri": "a.gif"}\n')
    code, lines, err = doctor("--warehouse", str(tmp_path / "w"), "--catalog", str(tmp_path / "c.jsonl"))
    assert (code, err) == (0, "")
    checks = [line.split()[1] for line in lines]
    assert list(dict.fromkeys(checks)) == [
        *("java", "packages", "disk", "memory", "warehouse", "runs", "clock", "catalog", "gpu", "jars", "models")
    ]
    assert {line.split()[0] for line in lines} <= {"ok", "warning"}


def test_what_would_stop_a_night_is_exit_code_3_and_does_not_stop_the_other_checks(
    doctor: Doctor, tmp_path: Path
) -> None:
    code, lines, err = doctor("--catalog", str(tmp_path / "absent.jsonl"), "--elasticsearch", "localhost", "--json")
    findings = [json.loads(line) for line in lines]
    assert (code, err) == (3, "")
    assert [finding["check"] for finding in findings if finding["level"] == "error"] == ["catalog", "search"]
    assert findings[-1]["check"] == "models" and findings[-1]["level"] == "ok"


def test_a_wrong_setting_is_exit_code_2(doctor: Doctor) -> None:
    code, lines, err = doctor("--set", "neighbors.K=3")
    assert (code, lines) == (2, []) and "unknown key neighbors.K" in err

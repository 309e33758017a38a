"""Progress of a sample that is drawn: lines for a log, a bar for a person."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.commands import app as cli
from jobs.process import drawing_progress
from jobs.process.drawing_progress import drawing_progress as progress


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def test_a_log_gets_a_line_every_few_seconds(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = iter([0.0, 5.0, 10.0, 15.0, 20.0])
    monkeypatch.setattr(drawing_progress.time, "monotonic", lambda: next(now))
    with progress(is_terminal=False) as show:
        for done in (50, 100, 150, 200):
            show(done, 1000)
    assert capsys.readouterr().err.splitlines() == [
        "drawing: 100 of 1000 GIFs, 10/s, 90 s left",
        "drawing: 200 of 1000 GIFs, 10/s, 80 s left",
    ]


def test_a_person_sees_how_many_of_all_are_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    with progress(is_terminal=True) as show:
        show(50, 60)
        show(60, 60)
    assert "drawing" in (shown := capsys.readouterr().err) and "60/60" in shown


def test_autotag_sample_says_how_far_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawing_progress, "LINE_EVERY_S", 0.0)
    with pytest.raises(SystemExit) as ended:
        cli.main(["sample", "--out", str(tmp_path), "--gifs", "3"])
    out, err = capsys.readouterr()
    assert (ended.value.code, out) == (0, f"{tmp_path}: 3 GIFs, seed 7\n")
    assert err.startswith("drawing: 3 of 3 GIFs, ") and err.count("\n") == 1

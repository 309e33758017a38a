"""`autotag review` and `autotag diff` on a warehouse of one release, as people type them; none starts Spark."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from autotag_core.tables import CATALOG, VOTED_TAGS
from autotag_core.warehouse import RunRecord, append_run
from jobs.commands import app as cli

NOW = datetime(2026, 11, 30, tzinfo=UTC)


@pytest.fixture
def place(tmp_path: Path) -> str:
    gifs = [{"gif_id": "a", "uri": "a.gif", "tags": ["old"], "split": "train", "popularity": 1}]
    tags = [{"gif_id": "a", "tag": "old", "source": "unconfirmed", "probability": 0.4, "score": 0.4}]
    for table, rows in ((CATALOG, gifs), (VOTED_TAGS, tags)):
        write_deltalake(str(tmp_path / "w" / table.name), pa.Table.from_pylist(rows, schema=table.plain_schema))
    versions = {CATALOG.name: 0, VOTED_TAGS.name: 0}
    for run_id in ("r1", "r2"):
        append_run(str(tmp_path / "w"), RunRecord(run_id, NOW, NOW, "published", None, run_id, versions))
    return str(tmp_path / "w")


def autotag(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        cli.main(list(arguments))
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def test_the_queue_goes_out_and_the_filled_in_sheet_comes_back(
    place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sheet = tmp_path / "queue.csv"
    code, out, _ = autotag(capsys, "review", "export", "--warehouse", place, "--out", str(sheet), "--limit", "5")
    assert code == 0 and out.startswith(f"{sheet}: 1 of 1 undecided tags; autotag review apply FILE.csv --warehouse")
    head, row = sheet.read_text(encoding="utf-8-sig").splitlines()
    sheet.write_text(f"{head}\n{row.removesuffix(',,,')},refused,,\n", encoding="utf-8")
    code, out, _ = autotag(capsys, "review", "apply", str(sheet), "--warehouse", place, "--by", "ann")
    assert (code, out) == (0, "1 decisions applied: 0 accepted, 1 refused\n")


def test_rows_of_which_none_can_be_applied_are_one_line_and_exit_code_2(
    place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "d.csv").write_text("gif_id,tag,decision\na,old,perhaps\nb,old,refused\n")
    code, out, err = autotag(capsys, "review", "apply", str(tmp_path / "d.csv"), "--warehouse", place, "--by", "ann")
    assert (code, out) == (2, "") and err.count("\n") == 1
    assert "row 1, a, old: the decision is 'perhaps'" in err and "row 2, b, old: the catalog" in err


def test_two_runs_are_compared_for_one_gif(place: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = autotag(capsys, "diff", "r1", "r2", "--warehouse", place, "--gif", "a")
    assert code == 0 and out == "from run r1 to run r2, GIF a alone\n\n0 tags of GIFs gained, 0 lost\n"
    code, _, err = autotag(capsys, "diff", "r1", "r9", "--warehouse", place, "--gif", "a")
    assert code == 2 and "run r9 published nothing" in err

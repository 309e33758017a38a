"""`autotag gates` lists every gate with its limit, where to look and its last values."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from autotag_core import warehouse
from autotag_core.warehouse import RunRecord
from jobs.commands import app as cli
from jobs.release.gates import GATES

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def test_every_gate_is_listed_with_its_last_values_newest_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, value in enumerate(("0.0100", "0.4000")):
        gates = {"tag_churn": f"{value} of at most 0.3", "documents": "9 found, 9 in the table, 0 refused"}
        warehouse.append_run(str(tmp_path), RunRecord(f"r{number}", NOW, NOW, "failed", gates=gates))
    with pytest.raises(SystemExit):
        cli.main(["gates", "--warehouse", str(tmp_path)])
    lines = capsys.readouterr().out.splitlines()
    heads = [line for line in lines if not line.startswith("  ")]
    assert [line.split()[0] for line in heads] == [*GATES, "documents", "training_leaks"]
    assert "failed_share  (gates.max_failed_share, see the table failures)" in heads
    assert "coverage_drop  (fixed at 0.1, see the table embeddings)" in heads
    assert "documents  (elasticsearch.max_refused_share, not overruled)" in heads
    churn = lines.index("tag_churn  (fixed at 0.3, see the table voted_tags)")
    assert lines[churn + 1 : churn + 3] == [
        "  r1  failed         0.4000 of at most 0.3",
        "  r0  failed         0.0100 of at most 0.3",
    ]
    assert lines[1] == "  no run has come to it yet"

"""What README.md says of speed is what was measured."""

from __future__ import annotations

import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_its_table_of_targets_has_the_figures_of_the_results() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = text.split("<!-- targets: written by make bench -->")[1].split("<!-- end of targets -->")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.strip().splitlines()[2:]]
    results = json.loads((ROOT / "benchmarks" / "results.json").read_text(encoding="utf-8"))
    assert rows == [
        [
            result["name"],
            f"{result['ratio']:.2f}",
            f"{result['target']:.2f}",
            "holds" if result["holds"] else "missed",
            result["machine"],
            result["date"],
            result["commit"],
        ]
        for result in results
    ]
    assert all(result["holds"] is False for result in results if result["ratio"] < result["target"])

"""The committed figures and outcomes of catalogs, each with the commit of the product that they are of."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from benchmarks.quality_outcomes import Outcomes, read_outcomes, write_outcomes

PROJECT = Path(__file__).resolve().parent.parent
FIGURES = PROJECT / "benchmarks" / "quality_figures"
RULES = ("published", "reliability", "learned")
KEYS = ("auc", "added_at_1", "missing_recall_at_5", "ece")
ByRule = dict[str, dict[str, float | None]]
"""By rule, the figures by KEYS."""


def committed(name: str) -> Outcomes | None:
    """What is committed of the catalog."""
    path = FIGURES / f"{name}.npz"
    return read_outcomes(path) if path.is_file() else None


def write(found: dict[str, tuple[ByRule, Outcomes]]) -> None:
    """Put the figures and outcomes in place of the committed ones of the same catalogs."""
    path, commit = FIGURES / "figures.json", product_commit()
    known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    for name, (figures, outcomes) in found.items():
        rounded = {rule: {key: _rounded(row[key]) for key in KEYS} for rule, row in figures.items()}
        known[name] = {"commit": commit, "rules": rounded}
        write_outcomes(FIGURES / f"{name}.npz", outcomes)
    path.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    (FIGURES / "README.md").write_text(markdown(known), encoding="utf-8")


def product_commit() -> str:
    """The last commit that changed the product, with `-dirty` where it has changed since; `unknown` outside of git.

    Benchmarks, docs and the figures themselves are not the product.
    """

    def asked(*words: str) -> subprocess.CompletedProcess[str]:
        command = ["git", *words, "--", "autotag_core", "udfs", "jobs", "requirements.lock"]
        return subprocess.run(command, check=False, cwd=PROJECT, capture_output=True, text=True)

    commit = asked("log", "-1", "--format=%h").stdout.strip()
    return commit + ("-dirty" if asked("status", "--porcelain").stdout else "") if commit else "unknown"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def markdown(known: dict[str, dict[str, Any]]) -> str:
    """The committed table, a line for each catalog and rule."""
    lines = [
        "# What the votes are worth",
        "",
        "Written by `make bench-quality ARGS=--write`; see benchmarks/quality.py. The commit is the product's.",
        "",
        "| catalog | commit | rule | AUC | added@1 | missing@5 | ECE |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, row in sorted(known.items()):
        for rule in RULES:
            cells = " | ".join(shown(row["rules"][rule][key]) for key in KEYS)
            lines.append(f"| {name} | {row['commit']} | {rule} | {cells} |")
    return "\n".join(lines) + "\n"


def shown(value: float | None) -> str:
    """Three decimals, or a dash."""
    return "-" if value is None else f"{value:.3f}"

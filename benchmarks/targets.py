"""Every target of speed that a benchmark measures, and whether it holds: `python -m benchmarks.targets CATALOG.jsonl
[--gifs 60] [--rounds 5] [--night] [--real FOLDER]`.

Prints a table of ratios and writes benchmarks/results.json. --night also measures a night on which 1% changed against a
full one on the catalog, which takes two full nights. --real is a folder of folders with real GIFs.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("results.json")
DECODING, FULL_OVER_CHANGED = 2.5, 1 / 0.08


@dataclass(frozen=True)
class Result:
    """One target: `ratio` must be at least `target`, and the outputs of both sides must be as alike as they should."""

    name: str
    ratio: float
    target: float
    holds: bool
    machine: str
    date: str


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("catalog", type=Path)
    parser.add_argument("--gifs", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--night", action="store_true")
    parser.add_argument("--real", type=Path)
    options = parser.parse_args()
    results = [*decoding(options), *inference(options), *(night(options) if options.night else [])]
    RESULTS.write_text(json.dumps([asdict(result) for result in results], indent=1) + "\n", encoding="utf-8")
    print(as_text(results))


def decoding(options: argparse.Namespace) -> list[Result]:
    """benchmarks.decode over the catalog's GIFs and the real ones."""
    folders = [options.catalog.parent / "gifs"]
    if options.real is not None:
        folders += sorted({path.parent for path in options.real.rglob("*.gif")})
    words = [*map(str, folders), "--files", str(options.gifs), "--rounds", str(options.rounds)]
    rows = lines("benchmarks.decode", *words)
    names = ["sample", *(str(folder.relative_to(options.real)) for folder in folders[1:])]
    return [
        result(f"decode {name} / Pillow", row["ratio"], DECODING, row["files_composited_otherwise"] == 0)
        for name, row in zip(names, rows, strict=True)
    ]


def inference(options: argparse.Namespace) -> list[Result]:
    """benchmarks.inference, both backends that have a target."""
    words = [str(options.catalog), "--gifs", str(options.gifs), "--rounds", str(options.rounds)]
    return [
        result(f"{row['name']} / torch, plain", row["ratio"], row["target"], row["holds"])
        for row in lines("benchmarks.inference", *words)
        if row["target"] is not None
    ]


def night(options: argparse.Namespace) -> list[Result]:
    """benchmarks.changed_night: a full night over one on which 1% changed, start-up included."""
    (row,) = lines("benchmarks.changed_night", str(options.catalog))
    ratio = row["full again"]["in all"] / row["changed night"]["in all"]
    return [result("full night / 1% changed", ratio, FULL_OVER_CHANGED, row["same tables"])]


def lines(module: str, *words: str) -> list[dict[str, Any]]:
    """What a benchmark prints with --json."""
    command = [sys.executable, "-m", module, *words, "--json"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def result(name: str, ratio: float, target: float, is_alike: bool) -> Result:
    """With this machine and today's date."""
    today = datetime.now(UTC).date().isoformat()
    return Result(name, round(ratio, 2), round(target, 2), is_alike and ratio >= target, machine(), today)


def machine() -> str:
    """Processor and cores, as far as the system tells."""
    model, path = platform.machine(), Path("/proc/cpuinfo")
    if path.is_file():
        named = [
            line.partition(":")[2].strip() for line in path.read_text().splitlines() if line.startswith("model name")
        ]
        model = named[0] if named else model
    return f"{model}, {len(os.sched_getaffinity(0))} cores"


def as_text(results: list[Result]) -> str:
    """A table."""
    rows = [f"{'times as fast':<40}{'ratio':>8}{'target':>8}"]
    rows += [
        f"{item.name:<40}{item.ratio:>8.2f}{item.target:>8.2f}  {'holds' if item.holds else 'MISSED'}"
        for item in results
    ]
    return "\n".join(rows)


if __name__ == "__main__":
    main()

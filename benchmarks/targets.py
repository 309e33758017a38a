"""Every target of speed, measured: `python -m benchmarks.targets [NAME ...] [--real FOLDER] [--gifs N]`.

`make bench` runs all of them, `make bench-NAME` one. Each is a benchmark of this folder in a process of its own, at the
size that its target is for; what each does is in its module. Prints a table of ratios, puts them into
benchmarks/results.json in place of those of the same names, and the table of that file into README.md. --real is a
folder of folders with real GIFs; --gifs are those of the sample for whole-night; changed-night takes 20 for 3 of
them: the two that take longest.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
RESULTS, README = PROJECT / "benchmarks" / "results.json", PROJECT / "README.md"
SAMPLES = PROJECT / ".cache" / "bench"
BEGIN, END = "<!-- targets: written by make bench -->", "<!-- end of targets -->"
DECODING, FULL_OVER_CHANGED = 2.5, 1 / 0.08
_EXACT = ("--set", "neighbors.backend=exact")
"""So that the tables of both nights must be the same."""


@dataclass(frozen=True)
class Result:
    """One target: `ratio` must be at least `target`, and the outputs of both sides must be as alike as they should."""

    name: str
    ratio: float
    target: float
    holds: bool
    machine: str
    date: str
    commit: str


@dataclass(frozen=True)
class Options:
    """What the command was given."""

    real: Path | None
    gifs: int


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--real", type=Path)
    parser.add_argument("--gifs", type=int, default=3000)
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"{', '.join(unknown)}: choose from {', '.join(BENCHMARKS)}")
    options = Options(given.real, given.gifs)
    for name in given.names or BENCHMARKS:
        results = BENCHMARKS[name](options)
        record(results)
        write_readme()
        print(as_text(results), flush=True)


def decoding(options: Options) -> list[Result]:
    """benchmarks.decode over the sample's GIFs and the real ones."""
    folders = [sample(150).parent / "gifs"]
    if options.real is not None:
        folders += sorted({path.parent for path in options.real.rglob("*.gif")})
    rows = lines("benchmarks.decode", *map(str, folders))
    names = ["sample", *(str(folder.relative_to(options.real)) for folder in folders[1:] if options.real)]
    return [
        result(f"decoding alone, {name} / Pillow", row["ratio"], DECODING, row["files_composited_otherwise"] == 0)
        for name, row in zip(names, rows, strict=True)
    ]


def inference(_: Options) -> list[Result]:
    """benchmarks.inference, both backends that have a target."""
    return [
        result(f"network alone, {row['name']} / torch, plain", row["ratio"], row["target"], row["holds"])
        for row in lines("benchmarks.inference", str(sample(150)), "--gifs", "60")
        if row["target"] is not None
    ]


def changed_night(options: Options) -> list[Result]:
    """benchmarks.changed_night: a full night over one on which 1% changed, with all experts, and on 100,000 GIFs of
    which only tags are looked at, where there is next to nothing to embed.
    """
    several = options.gifs * 20 // 3
    sides = {
        f"{several:,} GIFs, all experts": [str(sample(several)), "--once"],
        "100,000 GIFs, tags only": [str(sample(100_000, "--rows-only")), "--set", "experts=[semantic]", *_EXACT],
    }
    results = []
    for name, words in sides.items():
        (row,) = lines("benchmarks.changed_night", *words)
        ratio = row.get("full again", row["full"])["in all"] / row["changed night"]["in all"]
        is_alike = row.get("same tables", True)  # of all experts by the tests of changed nights
        results.append(result(f"full night / 1% changed, {name}", ratio, FULL_OVER_CHANGED, is_alike))
    return results


def module(name: str, *words: str) -> Callable[[Options], list[Result]]:
    """A benchmark whose lines are targets already: name, ratio, target, alike."""

    def run(options: Options) -> list[Result]:
        given = [str(options.gifs) if word == "GIFS" else word for word in words]
        found = lines(f"benchmarks.{name}", *given)
        return [result(named(row), row["ratio"], row["target"], row["alike"]) for row in found if row.get("target")]

    return run


def named(row: dict[str, Any]) -> str:
    """A line's name, with its number of GIFs where it is told apart."""
    return f"{row['name']}, {row['gifs']:,} GIFs" if "gifs" in row else str(row["name"])


BENCHMARKS: dict[str, Callable[[Options], list[Result]]] = {
    "decode": decoding,
    "inference": inference,
    "frameworks": module("frameworks"),
    "whole-night": module("whole_night", "--gifs", "GIFS"),
    "neighbors": module("neighbors"),
    "growth": module("neighbors", "--growth", "50000", "200000", "1000000"),
    "votes": module("votes"),
    "changed-night": changed_night,
}


def sample(num_gifs: int, *words: str) -> Path:
    """The catalog of a sample, drawn anew."""
    folder = SAMPLES / f"sample-{num_gifs}"
    command = [sys.executable, "-m", "jobs.commands.app", "sample", "--out", str(folder), "--gifs", str(num_gifs)]
    subprocess.run([*command, "--seed", "7", *words], check=True, stdout=subprocess.DEVNULL)
    return folder / "catalog.jsonl"


def lines(name: str, *words: str) -> list[dict[str, Any]]:
    """What a benchmark prints with --json."""
    command = [sys.executable, "-m", name, *words, "--json"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def result(name: str, ratio: float, target: float, is_alike: bool) -> Result:
    """With this machine, today's date and the commit."""
    today = datetime.now(UTC).date().isoformat()
    holds = is_alike and ratio >= target
    return Result(name, round(ratio, 2), round(target, 2), holds, machine(), today, commit())


def record(results: list[Result]) -> None:
    """Put these into the file, where each name has the place that it had."""
    known = {row["name"]: row for row in json.loads(RESULTS.read_text(encoding="utf-8"))} if RESULTS.exists() else {}
    known |= {item.name: asdict(item) for item in results}
    RESULTS.write_text(json.dumps(list(known.values()), indent=1) + "\n", encoding="utf-8")


def write_readme() -> None:
    """Put the table of all results where README.md has it."""
    text = README.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    README.write_text(f"{before}{BEGIN}\n{as_markdown()}{END}{rest.split(END)[1]}", encoding="utf-8")


def as_markdown() -> str:
    """The table of all that results.json holds."""
    rows = ["| times as fast | ratio | target | | machine | date | commit |", "|---|---|---|---|---|---|---|"]
    for row in json.loads(RESULTS.read_text(encoding="utf-8")):
        held = "holds" if row["holds"] else "missed"
        figures = (f"{row['ratio']:.2f}", f"{row['target']:.2f}", held)
        cells = (row["name"], *figures, row["machine"], row["date"], row["commit"])
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def machine() -> str:
    """Processor and cores, as far as the system tells."""
    model, path = platform.machine(), Path("/proc/cpuinfo")
    if path.is_file():
        named = [
            line.partition(":")[2].strip() for line in path.read_text().splitlines() if line.startswith("model name")
        ]
        model = named[0] if named else model
    return f"{model}, {len(os.sched_getaffinity(0))} cores"


def commit() -> str:
    """The commit that is measured, with `+` where files differ from it."""
    git = ["git", "-C", str(PROJECT)]
    found = subprocess.run([*git, "rev-parse", "--short=7", "HEAD"], capture_output=True, text=True, check=False)
    differs = subprocess.run([*git, "diff", "--quiet", "HEAD", "--", "*.py"], check=False).returncode
    return f"{found.stdout.strip()}{'+' if differs else ''}"


def as_text(results: list[Result]) -> str:
    """A table."""
    rows = [f"{'times as fast':<60}{'ratio':>8}{'target':>8}"]
    rows += [
        f"{item.name:<60}{item.ratio:>8.2f}{item.target:>8.2f}  {'holds' if item.holds else 'MISSED'}"
        for item in results
    ]
    return "\n".join(rows)


if __name__ == "__main__":
    main()

"""What a night costs that has next to nothing to do: `python -m benchmarks.small_night [--gifs 30] [--repeats 3]`.

A night of a few GIFs, then one on which nothing has changed, each from the prompt to its end in a process of its own
and on a warehouse of its own. The first of all nights, which compiles and fills caches, is not counted. --against
names another checkout with an environment of its own (`make setup` there): both take turns. Prints medians, also by
stage.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from autotag_core import warehouse
from benchmarks.targets import PROJECT, sample

WORK = PROJECT / ".cache" / "bench" / "small_night"
TARGETS = {"night": 20.0, "unchanged night": 10.0}
"""Seconds, from the prompt."""
Nights = dict[str, dict[str, float]]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gifs", type=int, default=30)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--against", type=Path)
    options = parser.parse_args()
    catalog = sample(options.gifs)
    sides = {"here": PROJECT} | ({"there": options.against.resolve()} if options.against else {})
    nights(PROJECT, catalog)
    found: dict[str, list[Nights]] = {side: [] for side in sides}
    for _ in range(options.repeats):
        for side, checkout in sides.items():
            found[side].append(nights(checkout, catalog))
    for row in as_rows(found):
        print(json.dumps(row))


def nights(checkout: Path, catalog: Path) -> Nights:
    """Seconds of a night and of an unchanged one by stage, and `in all` from the prompt."""
    place = WORK / "warehouse"
    shutil.rmtree(place, ignore_errors=True)
    return {name: night(checkout, catalog, place) for name in TARGETS}


def night(checkout: Path, catalog: Path, place: Path) -> dict[str, float]:
    """Run one with the checkout's own `autotag`."""
    command = [str(checkout / ".venv" / "bin" / "autotag"), "nightly", "--catalog", str(catalog)]
    start = time.monotonic()
    ended = subprocess.run(
        [*command, "--warehouse", str(place)], check=False, cwd=checkout, capture_output=True, text=True
    )
    if ended.returncode:
        sys.exit(f"{checkout}: a night ended with {ended.returncode}: {ended.stderr[-2000:]}")
    return warehouse.list_runs(str(place))[-1].seconds | {"in all": time.monotonic() - start}


def as_rows(found: dict[str, list[Nights]]) -> Iterator[dict[str, Any]]:
    """A row a side and night: the medians, those of stages that take more than a tenth of a second."""
    for side, repeats in found.items():
        for name, target in TARGETS.items():
            stages = dict.fromkeys(stage for one in repeats for stage in one[name])
            medians = {
                stage: round(statistics.median(one[name].get(stage, 0) for one in repeats), 1) for stage in stages
            }
            in_all = medians.pop("in all")
            shown = {stage: seconds for stage, seconds in medians.items() if seconds > 0.1}
            yield {"side": side, "night": name, "seconds": in_all, "target": target, "stages": shown}


if __name__ == "__main__":
    main()

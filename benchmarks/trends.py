"""How well and how soon planted bursts are found, and how fast: `python -m benchmarks.trends`.

    python -m benchmarks.trends --seeds 11 --seeds 12            # 10,000 series, looked at every hour of two days
    python -m benchmarks.trends --events 5000000                 # seconds of `autotag trends` on so many events

Series and bursts: benchmarks/planted_trends.py. Series are scored by the product's own functions, hour after hour, as a
command that runs every hour would. A listed item is right where a burst of it was in the window that the list names.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import typer

from autotag_core.trends.baseline import HISTORY_HOURS
from autotag_core.trends.rising import MAX_FALSE_SHARE, PERIODS, find_rises
from autotag_core.trends.surprise import false_discovery_rates
from benchmarks.planted_trends import FIRST_HOUR, RATIOS, Planted, plant
from benchmarks.targets import PROJECT

NUM_DAYS = 63
FIRST = 20
WORK = PROJECT / ".cache" / "bench" / "trends"


def main(
    seeds: Annotated[list[int] | None, typer.Option(help="Draws of series and bursts.")] = None,
    series: Annotated[int, typer.Option(help="How many.")] = 10_000,
    hours: Annotated[int, typer.Option(help="Looks, one an hour.")] = 48,
    bursts: Annotated[float, typer.Option(help="That begin on a day.")] = 40.0,
    events: Annotated[int, typer.Option(help="Instead: time the command on so many events.")] = 0,
) -> None:
    """Print the lines of benchmarks/README.md."""
    if events:
        _print_speed(events, series)
        return
    for seed in seeds or [11, 12]:
        _print_quality(seed, plant(series, NUM_DAYS, bursts, seed), hours)


def _print_quality(seed: int, planted: Planted, hours: int) -> None:
    end, totals = planted.counts.shape[1], planted.counts.sum(0, dtype=np.float64)
    listed: dict[str, list[tuple[int, float, float]]] = {period: [] for period in PERIODS}
    seen: dict[int, list[int]] = {}
    for at in range(end - hours + 1, end + 1):
        for period, found, right in _look(planted, totals, at):
            share = (float(right.mean()), float(right[:FIRST].mean())) if len(found) else (1.0, 1.0)
            listed[period].append((len(found), *share))
            for item in found:
                seen.setdefault(int(item), []).append(at)
    for period, looks in listed.items():
        num, right_all, first = np.array(looks).T
        print(
            f"| seed {seed}, {period} | precision at {FIRST} {first.mean():.3f} (least {first.min():.2f}) "
            f"| of all {num.mean():.0f} listed {right_all.mean():.3f} |"
        )
    for ratio in RATIOS:
        delays = np.array(list(_delays(planted, seen, ratio, end - hours, end - 12)))
        if len(delays):
            share = f"{np.isfinite(delays).mean():.2f} found"
            print(f"| seed {seed}, {ratio:g} x, {len(delays)} bursts | median {np.median(delays)} h | {share} |")


def _look(planted: Planted, totals: np.ndarray, at: int) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """By period, the series that rise as of an hour, first ones first, and whether a burst was in their window."""
    past = slice(at - HISTORY_HOURS, at)
    by_period = find_rises(planted.counts[:, past], totals[past], FIRST_HOUR + at - HISTORY_HOURS)
    for period, rises in by_period.items():
        rates = false_discovery_rates(rises.p_value, len(planted.counts))
        found = np.flatnonzero(rises.is_supported & (rates <= MAX_FALSE_SHARE))
        found = found[np.argsort(-rises.score[found], kind="stable")]
        spans = {burst.series: (burst.start, burst.end) for burst in planted.bursts}  # one burst a series
        first = at - rises.window_hours[found]
        spanned = np.array([spans.get(int(item), (at, 0)) for item in found]).reshape(-1, 2)
        yield period, found, (spanned[:, 0] < at) & (spanned[:, 1] > first)


def _delays(planted: Planted, seen: dict[int, list[int]], ratio: float, first: int, last: int) -> Iterator[float]:
    """Hours from the begin of a burst to the first look that lists it; infinite where none does while it lasts."""
    for burst in planted.bursts:
        if burst.ratio == ratio and first <= burst.start <= last:
            looks = [at for at in seen.get(burst.series, ()) if burst.start < at <= burst.end]
            yield float(min(looks) - burst.start) if looks else np.inf


def _print_speed(num_events: int, num_series: int) -> None:
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    _write_events(WORK / "events.parquet", num_events, num_series)
    start = time.monotonic()
    command = [str(PROJECT / ".venv" / "bin" / "autotag"), "trends", "--events", str(WORK / "events.parquet")]
    subprocess.run([*command, "--warehouse", str(WORK / "warehouse")], check=True, stdout=sys.stderr)
    seconds = time.monotonic() - start
    print(f"| {num_events:,} events | {seconds:.0f} s | {num_events / seconds:,.0f} a second |")


def _write_events(folder: Path, num_events: int, num_series: int) -> None:
    """Parquet files of searches and views over eight weeks, items by a power law, in no order of time."""
    folder.mkdir()
    rng, at_once = np.random.default_rng(5), 1_000_000
    end = int(time.time()) // 3600 * 3600
    for number, start in enumerate(range(0, num_events, at_once)):
        num = min(at_once, num_events - start)
        items = np.minimum((num_series ** rng.random(num)).astype(np.int64), num_series - 1)
        is_search = rng.random(num) < 0.4
        names = pa.array([f"item {item}" for item in range(num_series)]).take(pa.array(items))
        nothing = pa.nulls(num, pa.string())
        mask = pa.array(is_search)
        table = pa.table(
            {
                "time": pa.array(end - rng.integers(1, 56 * 86400, num)),
                "kind": pc.if_else(mask, "search", "view"),
                "query": pc.if_else(mask, names, nothing),
                "gif_id": pc.if_else(mask, nothing, names),
            }
        )
        pq.write_table(table, folder / f"{number:04}.parquet")


if __name__ == "__main__":
    typer.run(main)

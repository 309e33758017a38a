"""A night on which 1% changed, and one on which nothing did, against a full one:
`python -m benchmarks.changed_night CATALOG.jsonl [--share 0.01] [--set KEY=VALUE ...] [--once]`.

Each is `autotag nightly` in a process of its own, start-up included, on a copy of the catalog. Of the changed GIFs a
quarter each is gone, new, has other tags, and other bytes. Last it retags all of the changed catalog and compares the
tables of both: they must hold the same rows (--once leaves that out: the full night is then the first one, which trains
what is trained once). A catalog of rows alone (`autotag sample --rows-only`) goes with
`--set experts=[semantic]`, which looks at no file.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import duckdb

from autotag_core import warehouse

Row = dict[str, Any]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("catalog", type=Path)
    parser.add_argument("--share", type=float, default=0.01, help="of GIFs that change")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of the night")
    parser.add_argument("--once", action="store_true", help="no second full night and no comparison of tables")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(options.catalog, Path(folder), options.share, options.set, options.once)
    print(json.dumps(figures) if options.json else as_text(figures))


def measure(catalog: Path, folder: Path, share: float, settings: list[str], is_once: bool = False) -> Row:
    """Seconds of each night by stage, and, but once, whether the changed night has the tables of a full one."""
    rows = [json.loads(line) for line in catalog.read_text(encoding="utf-8").splitlines()]
    for row in rows:
        row["uri"] = str((catalog.parent / row["uri"]).resolve())
    settings = [*settings, f"frames.allowed_places=['{catalog.parent.resolve()}']"]
    num_each = max(1, round(share * len(rows) / 4))
    late, rows = rows[:num_each], rows[num_each:]
    path, place = folder / "catalog.jsonl", folder / "warehouse"
    write(path, rows)
    figures: Row = {"gifs": len(rows), "changed": 4 * num_each, "full": night(path, place, settings)}
    figures["unchanged"] = night(path, place, settings)
    write(path, changed(rows, late, num_each, folder))
    figures["changed night"] = night(path, place, settings)
    if is_once:
        return figures
    figures["full again"] = night(path, place, [*settings, "reuse=nothing"])
    releases = [run for run in warehouse.list_runs(str(place)) if run.is_release]
    figures["same tables"] = tables(place, releases[-2]) == tables(place, releases[-1])
    return figures


def changed(rows: list[Row], late: list[Row], num_each: int, folder: Path) -> list[Row]:
    """A quarter gone, a quarter with other tags, a quarter with other bytes, a quarter new."""
    gone, retagged, others, rest = (
        rows[:num_each],
        rows[num_each : 2 * num_each],
        rows[2 * num_each : 3 * num_each],
        rows[3 * num_each :],
    )
    assert gone
    retagged = [row | {"tags": rest[number]["tags"]} for number, row in enumerate(retagged)]
    for number, row in enumerate(others):
        copy, source = folder / f"{number}.gif", Path(rest[-1 - number]["uri"])
        if source.exists():
            shutil.copy(source, copy)
        row["uri"] = str(copy)
    return [*retagged, *others, *rest, *late]


def night(catalog: Path, place: Path, settings: list[str]) -> dict[str, float]:
    """Run one; seconds by stage, and in all."""
    command = [
        sys.executable,
        "-m",
        "jobs.commands.app",
        "nightly",
        "--catalog",
        str(catalog),
        "--warehouse",
        str(place),
    ]
    command += [word for setting in settings for word in ("--set", setting)]
    start = time.monotonic()
    subprocess.run(command, check=True, capture_output=True)
    return warehouse.list_runs(str(place))[-1].seconds | {"in all": round(time.monotonic() - start, 1)}


def tables(place: Path, release: warehouse.RunRecord) -> dict[str, tuple[int, int]]:
    """Of every table the number of rows and the sum of their 64-bit hashes, whatever their order."""
    found = {}
    for name in release.table_versions:
        files = warehouse.table_files(str(place), name, release)
        if not files:
            found[name] = (0, 0)
            continue
        rows = duckdb.read_parquet(files, hive_partitioning=True)
        columns = ", ".join(f'"{column}"' for column in sorted(rows.columns))
        row = rows.aggregate(f"count(*), sum(hash({columns})::hugeint)").fetchone()
        assert row is not None
        found[name] = (int(row[0]), int(row[1] or 0))
    return found


def write(path: Path, rows: list[Row]) -> None:
    """As JSON lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def as_text(figures: Row) -> str:
    """A table of stages and nights."""
    nights = [name for name in ("full", "full again", "changed night", "unchanged") if name in figures]
    lines = [
        f"{figures['gifs']} GIFs, {figures['changed']} changed",
        "",
        f"{'seconds':<16}" + "".join(f"{name:>15}" for name in nights),
    ]
    whole = figures.get("full again", figures["full"])
    for stage in whole:
        lines.append(f"{stage:<16}" + "".join(f"{figures[name].get(stage, 0):>15.1f}" for name in nights))
    lines.append(
        f"{'of a full one':<16}" + "".join(f"{figures[name]['in all'] / whole['in all']:>15.1%}" for name in nights)
    )
    if "same tables" in figures:
        lines.append(f"the changed night's tables are those of a full one: {'yes' if figures['same tables'] else 'NO'}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()

"""Rows a second of the loader's reader and of petastorm's, over the same files, without any decoding.

    python -m benchmarks.row_readers --gifs 3000 --rounds 7

Two files of JPEG-sized random bytes, 16 frames a GIF and 64 GIFs a row group, as training_examples has them with stored
frames; then, with --references, rows without frames. petastorm runs in .venv-petastorm, which `make test` makes, in a
process of its own: it says when it is ready, and both sides take turns. Four threads read on each side. The first pass
of each is not counted: their rows are compared by checksum. Medians of wall-clock and CPU time, and of the ratios
within a turn.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq
import typer

from autotag_core.tables import TRAINING_EXAMPLES
from autotag_core.training.index import RowGroup
from autotag_core.training.row_groups import Visit, iter_rows

ROOT = Path(__file__).resolve().parents[1]
NUM_FILES, ROW_GROUP, NUM_FRAMES, FRAME_BYTES = 2, 64, 16, 10_000
NUM_READERS = 4
# A pass for every line that comes in; the first one says what it read.
PETASTORM = """
import hashlib, json, sys, time
sys.path.insert(0, "docs")
import pyarrow.fs as pafs
from read_with_petastorm import read_rows
for line in sys.stdin:
    start, cpu, digests = time.perf_counter(), time.process_time(), []
    rows = read_rows(pafs.LocalFileSystem(), sys.argv[1:], ["gif_id", "uri", "version", "frames"])
    if line.strip() == "compare":
        digests = sorted(hashlib.sha256(repr(tuple(row.values())).encode()).hexdigest() for row in rows)
    else:
        count = sum(1 for _ in rows)
    print(json.dumps([time.perf_counter() - start, time.process_time() - cpu, digests or count]), flush=True)
"""
Pass = Callable[[str], tuple[float, float, Any]]


def main(
    gifs: Annotated[int, typer.Option(help="How many rows.")] = 3_000,
    rounds: Annotated[int, typer.Option(help="Passes of each side, in turns.")] = 7,
    references: Annotated[bool, typer.Option(help="Rows without frames, 1,000 a row group.")] = False,
) -> None:
    """Print the lines of benchmarks/README.md."""
    python = ROOT / ".venv-petastorm" / "bin" / "python"
    if not python.exists():
        raise typer.BadParameter("there is no .venv-petastorm: `make test` makes it")
    with tempfile.TemporaryDirectory() as folder:
        groups = _write(folder, gifs, references)
        urls = sorted({Path(group.path).as_uri() for group in groups})
        command = [str(python), "-W", "ignore", "-c", PETASTORM, *urls]
        with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
            _print_turns({"petastorm": _passes_of(child), "loader": _own_passes(groups)}, gifs, rounds)


def _write(folder: str, num_gifs: int, references: bool) -> list[RowGroup]:
    rng, groups = np.random.default_rng(7), []
    rows_per_group = 1_000 if references else ROW_GROUP
    names = ("gif_id", "uri", "version", "frames")
    schema = pa.schema([TRAINING_EXAMPLES.schema.field(name) for name in names])
    for number, gifs in enumerate(np.array_split(np.arange(num_gifs), NUM_FILES)):
        rows = [
            {
                "gif_id": f"g{at:08d}",
                "uri": f"s3a://bucket/gifs/{at:08d}.gif",
                "version": sha256(b"%d" % at).hexdigest()[:32],
                "frames": None if references else [rng.bytes(FRAME_BYTES) for _ in range(NUM_FRAMES)],
            }
            for at in gifs.tolist()
        ]
        path = f"{folder}/part-{number}.parquet"
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), path, row_group_size=rows_per_group)
        groups += [RowGroup(path, at) for at in range(pq.read_metadata(path).num_row_groups)]
    return groups


def _own_passes(groups: list[RowGroup]) -> Pass:
    sizes = [pq.read_metadata(group.path).row_group(group.number).num_rows for group in groups]
    visits = [Visit(group, np.arange(size, dtype=np.int32)) for group, size in zip(groups, sizes, strict=True)]

    def one(kind: str) -> tuple[float, float, Any]:
        start, cpu = time.perf_counter(), time.process_time()
        rows = iter_rows(pafs.LocalFileSystem(), visits, NUM_READERS, NUM_READERS + 2)
        found = (
            _digests((row.gif_id, row.uri, row.version, list(row.files)) for row in rows) if kind == "compare" else 0
        )
        found = found or sum(1 for _ in rows)
        return time.perf_counter() - start, time.process_time() - cpu, found

    return one


def _digests(rows: Iterable[tuple[Any, ...]]) -> list[str]:
    return sorted(sha256(repr(row).encode()).hexdigest() for row in rows)


def _passes_of(child: subprocess.Popen[str]) -> Pass:
    def one(kind: str) -> tuple[float, float, Any]:
        assert child.stdin and child.stdout
        print(kind, file=child.stdin, flush=True)
        wall, cpu, found = json.loads(child.stdout.readline())
        return wall, cpu, found

    return one


def _print_turns(sides: dict[str, Pass], num_gifs: int, rounds: int) -> None:
    first, *others = [one("compare")[2] for one in sides.values()]
    assert len(first) == num_gifs and all(other == first for other in others), "the sides read different rows"
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, one in sides.items():
            wall, cpu, count = one("count")
            assert count == num_gifs
            seconds[name].append((wall, cpu))
    print(
        f"{num_gifs} equal rows; medians of {rounds} passes in turns, and of the ratios to petastorm in the same turn"
    )
    print("| | rows/s | times as fast | CPU ms a row | times the CPU |")
    print("|---|---|---|---|---|")
    for name, found in seconds.items():
        wall, cpu = (statistics.median(one) for one in zip(*found, strict=True))
        pairs = list(zip(found, seconds["petastorm"], strict=True))
        faster = statistics.median(other[0] / one[0] for one, other in pairs)
        dearer = statistics.median(one[1] / other[1] for one, other in pairs)
        print(f"| {name} | {num_gifs / wall:,.0f} | {faster:.2f} | {1000 * cpu / num_gifs:.3f} | {dearer:.2f} |")


if __name__ == "__main__":
    typer.run(main)

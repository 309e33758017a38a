"""Mutants of catalogs: each is read as rows and failures that add up, or is an error in one line; none is a crash."""

from __future__ import annotations

import gzip
import io
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from autotag_core.errors import AutotagError, as_raised
from benchmarks.chaos.house import House
from benchmarks.chaos.mutations import mutant
from benchmarks.chaos.result import PROJECT, Result

NUM_MUTANTS, NUM_QUICK = 500, 40
MOST_S = 900
"""For all of them: about a second each."""
NUM_ROWS = 20
_Row = dict[str, Any]


def trials(_: House, is_quick: bool) -> Iterator[Result]:
    """One result for all mutants."""
    start, num_mutants = time.monotonic(), NUM_QUICK if is_quick else NUM_MUTANTS
    with tempfile.TemporaryDirectory(prefix="autotag-chaos-") as folder:
        command = [sys.executable, "-m", "benchmarks.chaos.catalog_mutants", folder, str(num_mutants)]
        try:
            done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=MOST_S, check=False)
            said, code = done.stdout, done.returncode
        except subprocess.TimeoutExpired as error:
            said, code = (error.stdout or b"").decode() if isinstance(error.stdout, bytes) else error.stdout or "", -1
    ends = [line for line in said.splitlines() if line.startswith(("read", "refused", "WRONG"))]
    counts = Counter(line.partition(":")[0] for line in ends)
    text = ", ".join(f"{count} {name}" for name, count in counts.most_common())
    wrong = [line for line in ends if line.startswith("WRONG")]
    text += "".join(f"; {line}" for line in wrong[:5]) + (f"; ended with {code}" if code else "")
    yield Result(
        "catalogs",
        f"{num_mutants} mutants of catalogs in JSON lines, CSV and Parquet, of their bytes and of their structure",
        "each is rows and failures that add up, or an error in one line",
        text,
        seconds=time.monotonic() - start,
        as_expected=not wrong and code == 0 and len(ends) == num_mutants,
    )


def rows() -> list[_Row]:
    """A plain catalog."""
    return [
        {
            "gif_id": f"gif-{number}",
            "uri": f"gifs/{number}.gif",
            "tags": ["cat", "happy dog", "ünïcode"][: number % 4],
            "editorial_tags": ["cat"] if number % 5 == 0 else [],
            "caption": f'says "{number}", and\nmore' if number % 3 else None,
            "popularity": number * 1000,
        }
        for number in range(NUM_ROWS)
    ]


def files() -> dict[str, bytes]:
    """The catalog in each form, by suffix."""
    lines = "".join(json.dumps(row) + "\n" for row in rows()).encode()
    out, table = io.BytesIO(), pa.Table.from_pylist(rows())
    pq.write_table(table, out)
    flat = pa.Table.from_pylist(
        [row | {name: "|".join(row[name]) for name in ("tags", "editorial_tags")} for row in rows()]
    )
    cells = io.BytesIO()
    pa.csv.write_csv(flat, cells)
    return {
        ".jsonl": lines,
        ".jsonl.gz": gzip.compress(lines, mtime=0),
        ".csv": cells.getvalue(),
        ".parquet": out.getvalue(),
    }


def write_mutant(folder: Path, number: int) -> Path:
    """One more file; every other one differs in its structure, the rest in their bytes."""
    chance = random.Random(number)
    suffix = chance.choice(list(files()))
    path = folder / f"{number}{suffix}"
    if number % 2:
        path.write_bytes(mutant([files()[suffix]], number))
        return path
    changed = _changed(chance)
    if suffix == ".parquet":
        path.write_bytes(_parquet(changed, chance))
    elif suffix == ".csv":
        path.write_bytes(_csv(changed, chance))
    else:
        text = chance.choice(_TEXTS)(changed)
        path.write_bytes(gzip.compress(text) if suffix.endswith(".gz") else text)
    return path


_VALUES: tuple[Any, ...] = (
    *(None, "", " ", 0, -1, 1.5, 1e300, 2**70, True, [], {}, [None], [[1]], ["a", 1], {"a": {"b": []}}),
    *("\0", "\ud83d\ude00" * 50, "x" * 100_000, "../../etc/passwd", "s3a://other/key", "['a']", '["a"]', "a|b", "NaN"),
)
_NAMES = ("gif_id", "uri", "tags", "editorial_tags", "caption", "popularity", "GIF_ID", " tags", "Tags", "version", "x")


def _changed(chance: random.Random) -> list[_Row]:
    """The rows with some values, names and rows changed."""
    changed = rows()
    for _ in range(chance.randrange(1, 8)):
        row, name = chance.choice(changed), chance.choice(_NAMES)
        kind = chance.randrange(5)
        if kind == 0:
            row.pop(name, None)
        elif kind == 1:
            changed.append(dict(row))
        elif kind == 2:
            for each in changed:
                each[name] = chance.choice(_VALUES)
        else:
            row[name] = chance.choice(_VALUES)
    chance.shuffle(changed)
    return changed


def _json_lines(changed: list[_Row]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in changed).encode()


_TEXTS: tuple[Callable[[list[_Row]], bytes], ...] = (
    _json_lines,
    _json_lines,
    lambda changed: json.dumps(changed).encode(),
    lambda changed: json.dumps(changed, indent=1).encode(),
    lambda changed: "".join(json.dumps(json.dumps(row)) + "\n" for row in changed).encode(),
    lambda changed: _json_lines(changed).decode().encode("utf-16"),
    lambda changed: _json_lines(changed).replace(b"\n", b"\r\n"),
    lambda changed: _json_lines(changed).replace(b"\n", b"\r"),
    lambda changed: b"\xef\xbb\xbf" + _json_lines(changed) * 3,
    lambda changed: b"[" * 100_000 + _json_lines(changed),
)


def _csv(changed: list[_Row], chance: random.Random) -> bytes:
    names = list(dict.fromkeys(name for row in changed for name in row))
    chance.shuffle(names)
    if chance.random() < 0.2:
        names.append(names[0])
    separator = chance.choice((",", ",", ";", "\t"))
    lines = [separator.join(names)]
    lines += [separator.join(_cell(row.get(name), chance) for name in names) for row in changed]
    return chance.choice(("\n", "\r\n", "\r")).join(lines).encode("utf-8", "surrogatepass")


def _cell(value: Any, chance: random.Random) -> str:
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value)
    if chance.random() < 0.05:
        return f'"{text}'  # a quote that nobody closes
    quoted = text.replace('"', '""')
    return f'"{quoted}"' if any(letter in text for letter in ',"\n\r;\t') else text


def _parquet(changed: list[_Row], chance: random.Random) -> bytes:
    """Each column with a type that holds its values, or another one."""
    columns: dict[str, pa.Array] = {}
    for name in dict.fromkeys(name for row in changed for name in row):
        values = [row.get(name) for row in changed]
        try:
            columns[name] = pa.array(values)
            pq.write_table(pa.table({name: columns[name]}), io.BytesIO())  # not every type can be written
        except (pa.ArrowException, OverflowError, UnicodeError):
            columns[name] = pa.array([repr(value) for value in values])
        if chance.random() < 0.2:
            columns[name] = chance.choice(_ARRAYS)(len(values))
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out, compression=chance.choice(("snappy", "zstd", "none")))
    return out.getvalue()


_ARRAYS: tuple[Callable[[int], pa.Array], ...] = (
    lambda size: pa.array([b"\xff\x00id"] * size),
    lambda size: pa.array([float(number) for number in range(size)]),
    lambda size: pa.array(list(range(size)), pa.timestamp("ns")),
    pa.nulls,
    lambda size: pa.array([[]] * size, pa.list_(pa.null())),
    lambda size: pa.array(["a", None] * size).slice(0, size).dictionary_encode(),
    lambda size: pa.array([{"a": 1}] * size),
    lambda size: pa.array([[{"tag": "a"}]] * size),
    lambda size: pa.array([2**63] * size, pa.uint64()),
    lambda size: pa.array([["a", "b"]] * size, pa.large_list(pa.large_string())),
)


def end_of(spark: SparkSession, path: Path) -> str:
    """How reading this catalog as a night does ends: `read` and `refused` are right ends, `WRONG` is none."""
    from udfs.catalog.check import check_catalog, place_rows, read_catalog
    from udfs.inputs.read_rows import count_rows

    rows_df = None
    try:
        rows_df = place_rows(read_catalog(spark, str(path), "|"), str(path)).persist()
        num_rows = count_rows(rows_df)
        checked = check_catalog(rows_df, str(path))
        gif_ids = [row.gif_id for row in checked.gifs_df.select("gif_id").collect()]
        failures = checked.failures_df.collect()
    except Exception as caught:
        error = as_raised(caught)
        is_one_line = isinstance(error, AutotagError) and "\n" not in str(error)
        said = f"{type(error).__name__}: {str(error)[:200]}".replace("\n", " ")
        return f"refused: {said}" if is_one_line else f"WRONG: {path.name}: {said}"
    finally:
        if rows_df is not None:
            rows_df.unpersist()
    adds_up = num_rows == len(gif_ids) + len(failures) and len(set(gif_ids)) == len(gif_ids)
    counts = f"{num_rows} rows, {len(gif_ids)} GIFs, {len(failures)} failures"
    return f"read: {counts}" if adds_up and all(row.message for row in failures) else f"WRONG: {path.name}: {counts}"


def _read(folder: Path, num_mutants: int) -> None:
    """Read each, and print how it went, a line each."""
    from jobs.process.session import spark_session

    spark = spark_session("chaos", is_short=True, extra={"spark.sql.shuffle.partitions": "2"})
    for number in range(num_mutants):
        print(end_of(spark, write_mutant(folder, number)), flush=True)


if __name__ == "__main__":
    _read(Path(sys.argv[1]), int(sys.argv[2]))

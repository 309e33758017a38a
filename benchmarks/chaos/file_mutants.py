"""Mutants of picture files: each gives frames or a reason; none crashes or holds up the process that reads it."""

from __future__ import annotations

import io
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image

from autotag_core.config import FramesConfig
from autotag_core.drawing.encoding import gif_bytes
from autotag_core.drawing.factors import recipe_of
from autotag_core.failures import ItemError
from autotag_core.frames import read_frames
from benchmarks.chaos.house import House
from benchmarks.chaos.mutations import mutant
from benchmarks.chaos.result import PROJECT, Result

NUM_MUTANTS, NUM_QUICK = 5000, 300
HANGS_S = 120
"""Twice the CPU time that decoding a file may take."""
_AT_ONCE = 1000
_NUM_ORIGINALS = 24
_LONGEST = 60_000
"""Bytes of an original: a larger one would be mostly pixels, and its mutants the same ones."""


def originals() -> list[bytes]:
    """GIFs, real ones where AUTOTAG_REAL_GIFS or ../shared/data has some, and the same as PNG, JPEG and WebP."""
    folder = Path(os.environ.get("AUTOTAG_REAL_GIFS") or PROJECT.parent / "shared" / "data")
    paths = [path for path in sorted(folder.rglob("*.gif")) if path.stat().st_size <= _LONGEST]
    step = max(1, len(paths) // _NUM_ORIGINALS)
    gifs = [path.read_bytes() for path in paths[::step][:_NUM_ORIGINALS]]
    gifs += [gif_bytes(recipe_of(7, number)) for number in range(4 if gifs else _NUM_ORIGINALS)]
    return [*gifs, *(data for gif in gifs[::4] for data in _as_others(gif))]


def _as_others(gif: bytes) -> Iterator[bytes]:
    image = Image.open(io.BytesIO(gif))
    for kind, mode, options in (
        ("PNG", "RGBA", {"save_all": True}),
        ("PNG", "P", {}),
        ("JPEG", "RGB", {}),
        ("JPEG", "RGB", {"progressive": True}),
        ("WEBP", "RGBA", {"save_all": True}),
    ):
        out = io.BytesIO()
        (image if options.get("save_all") else image.convert(mode)).save(out, kind, **options)
        yield out.getvalue()


def trials(_: House, is_quick: bool) -> Iterator[Result]:
    """One result for all mutants."""
    start, num_mutants = time.monotonic(), NUM_QUICK if is_quick else NUM_MUTANTS
    batches = [range(first, min(first + _AT_ONCE, num_mutants)) for first in range(0, num_mutants, _AT_ONCE)]
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        found = {number: end for ends in pool.map(ends_of, batches) for number, end in ends.items()}
    bad = [number for number, end in found.items() if end.startswith(("died", "hung", "unexpected"))]
    counts = Counter(end if end in ("decoded",) else end.partition(":")[0] for end in found.values())
    said = ", ".join(f"{count} {name}" for name, count in counts.most_common())
    if bad:
        said += "; mutants " + ", ".join(f"{number} ({found[number]})" for number in bad[:5])
    done = f"{num_mutants:,} mutants of GIF, PNG, APNG, JPEG and WebP files"
    expected = "each gives frames or a reason; no crash, no hang"
    yield Result(
        "files",
        done,
        expected,
        said,
        seconds=time.monotonic() - start,
        as_expected=not bad and len(found) == num_mutants,
    )


def ends_of(numbers: range) -> dict[int, str]:
    """How each mutant ended, in processes of their own: a new one after one that kills or hangs its process."""
    found: dict[int, str] = {}
    while len(found) < len(numbers):
        left = numbers[len(found) :]
        command = [sys.executable, "-m", "benchmarks.chaos.file_mutants", str(left.start), str(left.stop)]
        with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
            for line in _lines(process):
                found |= {int(number): end for number, end in json.loads(line).items()}
            if len(found) < len(numbers):
                is_hung = process.poll() is None
                process.kill()
                found[numbers[len(found)]] = "hung" if is_hung else f"died: exit code {process.wait()}"
    return found


def _lines(process: subprocess.Popen[str]) -> Iterator[str]:
    """What the process prints, until it ends or says nothing for HANGS_S."""
    said: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            said.put(line)
        process.wait()
        said.put(None)

    threading.Thread(target=read, daemon=True).start()
    while True:
        try:
            line = said.get(timeout=HANGS_S)
        except queue.Empty:
            return
        if line is None:
            return
        yield line


def _read(first: int, end: int) -> None:
    """Read these mutants, a line each as it ends."""
    known, config = originals(), FramesConfig()
    for number in range(first, end):
        try:
            read_frames(mutant(known, number), config)
            found = "decoded"
        except ItemError as error:
            found = str(error.reason)
        except Exception as error:
            found = f"unexpected: {type(error).__name__}: {str(error)[:80]}"
        print(json.dumps({number: found}), flush=True)


if __name__ == "__main__":
    _read(int(sys.argv[1]), int(sys.argv[2]))

"""Files that kill or hold up whoever decodes them: each is a row of `failures`, and everything else as without them."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from autotag_core import warehouse
from benchmarks.chaos.house import House, night_words, write_catalogs
from benchmarks.chaos.nights import must, outcome
from benchmarks.chaos.result import PROJECT, Result
from benchmarks.chaos.seen import Rows, Tables, differences, differing, read_tables

HELD_S = 15
SICK = f"""
import os, signal, time
from autotag_core.config import FramesConfig
from autotag_core.frames import load

FramesConfig.item_deadline_s = {HELD_S}

def decode_frames(data, *rest):
    if b"ABORT" in data: os.abort()
    if b"EXIT" in data: os._exit(3)
    if b"KILL" in data: os.kill(os.getpid(), signal.SIGKILL)
    if b"HANG" in data: time.sleep(600)
    return real(data, *rest)

real, load.decode_frames = load.decode_frames, decode_frames
"""
"""A sitecustomize: decoding that is sick of some files, as native code may be. Only the deadline is shorter."""
ENDS = {"ABORT": "killed_worker", "EXIT": "killed_worker", "KILL": "killed_worker", "HANG": "timed_out"}
SETTINGS = ("gates.max_failed_share=0.5", "spark.partitions=2")


def trials(house: House, is_quick: bool) -> Iterator[Result]:
    """A first night with poison, and a second one on which nobody is killed any more."""
    folder = house.folder / "poison"
    catalog, second = write_catalogs(str(folder / "catalog"))
    for name in (catalog, second):
        _poison(Path(name))
    site = folder / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(SICK)
    gifs = Path(catalog).parent / "gifs"
    sick = {word: (gifs / f"{word}.gif").read_bytes() for word in ENDS}
    for word in ENDS:  # undisturbed: the files are there, and no picture
        (gifs / f"{word}.gif").write_bytes(b"no picture")
    undisturbed = []
    for name in (catalog, second):
        must(house.run(*night_words(name, str(folder / "undisturbed"), SETTINGS)))
        undisturbed.append(read_tables(str(folder / "undisturbed")))
    for word, data in sick.items():
        (gifs / f"{word}.gif").write_bytes(data)
    path = os.pathsep.join(filter(None, [str(site), str(PROJECT), os.environ.get("PYTHONPATH")]))
    for name, wanted, done in zip((catalog, second), undisturbed, ("the first night", "the next night"), strict=True):
        start, place = time.monotonic(), str(folder / "w")
        ended = house.start(*night_words(name, place, SETTINGS), environment={"PYTHONPATH": path}).wait()
        seen = read_tables(place)
        reasons = _reasons(place) if seen else {}
        others = differing(_without_reasons(seen), _without_reasons(wanted))
        yield Result(
            "poison",
            f"{done} with files on which the worker aborts, exits, is killed, hangs",
            "rows of failures; all else as undisturbed",
            f"{', '.join(f'{key}: {value}' for key, value in sorted(reasons.items()))}; {outcome(ended, others)}",
            differences(_without_reasons(seen), _without_reasons(wanted)),
            time.monotonic() - start,
            ended.code == 0 and reasons == ENDS,
        )


def _poison(catalog: Path) -> None:
    """Add a GIF for each kind: a sound one with a comment that names what decoding does."""
    lines = catalog.read_text(encoding="utf-8").splitlines()
    sound = (catalog.parent / json.loads(lines[2])["uri"]).read_bytes()
    for number, word in enumerate(ENDS):
        comment = b"!\xfe" + bytes([len(word)]) + word.encode() + b"\0"
        (catalog.parent / "gifs" / f"{word}.gif").write_bytes(sound[:-1] + comment + b";")
        row = {"gif_id": word, "uri": f"gifs/{word}.gif", "tags": ["cat"]}
        lines.insert(3 + 5 * number, json.dumps(row))
    catalog.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _reasons(place: str) -> dict[str, str]:
    rows = warehouse.read_table(place, "failures", warehouse.current_release(place)).to_pylist()
    return {str(row["gif_id"]): str(row["reason"]) for row in rows}


def _without_reasons(tables: Tables | None) -> Tables:
    """The tables without why GIFs failed; how many did is left."""
    return {name: _counted(name, rows) for name, rows in (tables or {}).items() if name != "failures"}


def _counted(name: str, rows: Rows) -> Rows:
    if name != "training_funnel":
        return rows
    steps = [json.loads(row) for row in rows.elements()]
    return Counter(
        json.dumps(step | {"num_left_by_reason": sum(num for _, num in step["num_left_by_reason"])}) for step in steps
    )

"""SIGKILL while an editor's word is applied to the labels."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterator

from autotag_core import labels, storage
from autotag_core.tables import LABEL_DECISIONS, LABEL_EDITS, LABELS
from benchmarks.chaos.house import House, write_catalogs
from benchmarks.chaos.result import Differences, Result
from benchmarks.chaos.saved import copy_folder
from benchmarks.chaos.seen import Tables, as_rows, differences
from benchmarks.chaos.strikes import Moment, Strike

FOLDER = "s3a://chaos/labels"
POINTS = {
    "after the lease is taken": Moment(r"^PUT .*/_lease/\d+\.json", is_after=True),
    "after label_edits is written": Moment(r"^PUT .*/label_edits/_delta_log/\d", is_after=True),
    "after label_decisions is written": Moment(r"^PUT .*/label_decisions/_delta_log/\d", is_after=True),
    "before labels is written": Moment(r"^PUT .*/labels/_delta_log/\d"),
}
_BUILD = ("--set", "labels.min_gifs=2")


def label_trials(house: House, is_quick: bool) -> Iterator[Result]:
    """A result a kill. After it readers have the old or the new labels; applied again, they are as if undisturbed."""
    catalog, _ = write_catalogs(f"{FOLDER}/catalog", 80, rows_only=True)
    built = house.run("labels", "build", "--catalog", catalog, "--warehouse", f"{FOLDER}/built", *_BUILD)
    if built.code:
        raise RuntimeError(f"labels build ended with {built.code}: {built.last_line}")
    review = f"{FOLDER}/review.csv"
    storage.write_bytes(review, _reviewed(storage.read_bytes(f"{FOLDER}/built/labels_review.csv")))
    undisturbed = _copied("undisturbed")
    old = _read(undisturbed)
    applied = house.run("labels", "apply", review, "--warehouse", undisturbed)
    if applied.code:
        raise RuntimeError(f"labels apply ended with {applied.code}: {applied.last_line}")
    new = _read(undisturbed)
    for number, (name, moment) in enumerate(list(POINTS.items())[2 if is_quick else 0 : 3 if is_quick else None]):
        start, place = time.monotonic(), _copied(f"killed-{number}")
        with house.calm():
            strike = house.s3_proxy.fault = Strike(moment)
            command = house.start("labels", "apply", review, "--warehouse", place)
            strike.aim(command)
            command.wait()
        between = _read(place)[LABELS.name]
        which = "old" if between == old[LABELS.name] else "new" if between == new[LABELS.name] else "neither"
        ended = house.run("labels", "apply", review, "--warehouse", place)
        found = differences(_read(place), new) + Differences(partial=which == "neither")
        seen = f"then: {which}; applied again: exit {ended.code}" + (f": {ended.last_line}" if ended.code else "")
        seen = seen if strike.is_done else f"never came there; {seen}"
        yield Result(
            "rollbacks",
            f"labels apply killed {name}",
            "then old or new, whole; applied again: as undisturbed",
            seen,
            found,
            time.monotonic() - start,
            strike.is_done and ended.code == 0,
        )


def _reviewed(file: bytes) -> bytes:
    """The review file in which an editor gives the first label another name and drops the second."""
    rows = list(csv.DictReader(io.StringIO(file.decode("utf-8-sig"))))
    rows[0]["rename"], rows[1]["keep"] = "renamed by the editor", "no"
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def _copied(name: str) -> str:
    """A copy of the warehouse whose labels were built."""
    copy_folder(f"{FOLDER}/built", f"{FOLDER}/{name}")
    return f"{FOLDER}/{name}"


def _read(place: str) -> Tables:
    found = {table.name: labels.read_newest(place, table) for table in (LABEL_EDITS, LABEL_DECISIONS, LABELS)}
    return {name: as_rows(one[0]) for name, one in found.items() if one is not None}

"""SIGKILL of the driver's process group: of nights at every stage and around each write and publication; of rollbacks.

After each kill readers see one whole release, and the next night publishes what an undisturbed one does, row for row.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from benchmarks.chaos.house import Ended, House
from benchmarks.chaos.kill_labels import label_trials
from benchmarks.chaos.nights import IN_PLACE, NEW_INDEX, Kind, Nights, must, outcome, timed, whole
from benchmarks.chaos.result import Result
from benchmarks.chaos.seen import State
from benchmarks.chaos.strikes import Moment

PART, ROLLBACK_PART = "kills", "rollbacks"
KIND = Kind("s3a://chaos/kills", "chaos")
SHORT_KIND = Kind("s3a://chaos/short-kills", "chaos-short", settings=("experts=[semantic]",), rows_only=True)
"""Without files: for requests that every night sends."""
_RUNS, _MOVED = r"^PUT .*/w/runs/_delta_log/\d+\.json", "^POST /_aliases"
_DELETES = r"^(POST /chaos/?\?delete[\s\S]*|DELETE .*)/w/(catalog|neighbors|voted_tags|search_documents)/"
_DATA = r"^(PUT|POST) .*/w/voted_tags/[^?]*\.parquet"


@dataclass(frozen=True)
class Point:
    """Where a night is killed: as it says so in its log, or at a request."""

    name: str
    at: Moment | str
    settings: tuple[str, ...] = (NEW_INDEX,)


REQUESTS = (
    Point("before the lease is taken", Moment(r"^PUT .*/w/_lease/\d+\.json")),
    Point("after the lease is taken", Moment(r"^PUT .*/w/_lease/\d+\.json", is_after=True)),
    Point("before a table's file is written", Moment(_DATA)),
    Point("after a table's file is written", Moment(_DATA, is_after=True)),
    Point("after a table's commit, between two tables", Moment(r"^PUT .*/w/catalog/_delta_log/\d", is_after=True)),
    Point("before a table's commit", Moment(r"^PUT .*/w/search_documents/_delta_log/\d")),
    Point("while a new index fills", Moment("^(PUT|POST) .*/_bulk", is_after=True)),
    Point("before the first row of `runs`", Moment(_RUNS)),
    Point("before the alias moves", Moment(_MOVED)),
    Point("after the alias has moved", Moment(_MOVED, is_after=True)),
    Point("before the append to `runs` that follows", Moment(_RUNS, since=_MOVED)),
    Point("after the append to `runs` that follows", Moment(_RUNS, is_after=True, since=_MOVED)),
    Point("before the copy of the index changes", Moment("^(PUT|POST) .*/_bulk"), (IN_PLACE,)),
    Point("while the copy of the index changes", Moment("^(PUT|POST) .*/_bulk", is_after=True), (IN_PLACE,)),
    Point("after the copy of the index has changed", Moment(_RUNS, since="/_bulk"), (IN_PLACE,)),
    Point(
        "while old versions are deleted (retention)",
        Moment(_DELETES, is_after=True, since=_MOVED),
        (NEW_INDEX, "warehouse.keep_releases=1"),
    ),
    Point(
        "while old indexes are deleted",
        Moment(r"^DELETE /chaos-short-", is_after=True),
        (NEW_INDEX, "elasticsearch.keep_indexes=0"),
    ),
)
ROLLBACKS = {
    "before the alias moves": Moment(_MOVED),
    "after the alias has moved": Moment(_MOVED, is_after=True),
    "before the append to `runs` that follows": Moment(_RUNS, since=_MOVED),
    "after the append to `runs` that follows": Moment(_RUNS, is_after=True, since=_MOVED),
}
QUICK = (
    "after a table's commit, between two tables",
    "after the alias has moved",
    "while the copy of the index changes",
)


def trials(house: House, is_quick: bool) -> Iterator[Result]:
    """A result a kill. Between a stage's end and the next one's start nothing is done, so one kill is for both."""
    short = Nights(house, SHORT_KIND)
    nights = short if is_quick else Nights(house, KIND)
    points = [Point(f"as stage {name} starts", f'event="stage started" stage={name}\n') for name in nights.stages]
    last = nights.stages[-1]
    points.append(Point(f"as stage {last} ends", f'event="stage finished" stage={last} '))
    for point in points[3:4] if is_quick else points:
        yield _night(nights, point)
    for point in REQUESTS:
        if not is_quick or point.name in QUICK:
            yield _night(short, point)


def rollback_trials(house: House, is_quick: bool) -> Iterator[Result]:
    """The same of rollbacks, and of the editor's word to the labels."""
    short = Nights(house, SHORT_KIND)
    for name, moment in list(ROLLBACKS.items())[1 if is_quick else 0 : 2 if is_quick else None]:
        yield _rollback(short, name, moment)
    yield from label_trials(house, is_quick)


def _night(nights: Nights, point: Point) -> Result:
    """Kill the second night, look, run it again, and compare."""
    nights.back()
    start = time.monotonic()
    was_there = nights.killed(nights.words(1, point.settings), point.at)
    between = nights.now()
    ended = nights.house.run(*nights.words(1, point.settings))
    return timed(_result(nights, f"night killed {point.name}", between, ("new", was_there, ended)), start)


def _rollback(nights: Nights, name: str, moment: Moment) -> Result:
    """Kill the way back to the first night, look, and go back again."""
    nights.back()
    start = time.monotonic()
    must(nights.house.run(*nights.words(1, [NEW_INDEX])))
    was_there = nights.killed(nights.rollback_words(), moment)
    between = nights.now()
    ended = nights.house.run(*nights.rollback_words())
    result = _result(nights, f"rollback killed {name}", between, ("old", was_there, ended))
    return timed(replace(result, part=ROLLBACK_PART), start)


def _result(nights: Nights, done: str, between: State, end: tuple[str, bool, Ended]) -> Result:
    wanted, was_there, ended = end
    name = between.name_among(nights.known)
    found, others = nights.compared(nights.now(), wanted)
    seen = f"then: {name}; next: {outcome(ended, others)}"
    expected = f"then old or new, whole; next: as undisturbed, {wanted}"
    is_right = was_there and ended.code == 0
    return Result(
        PART, done, expected, seen if was_there else f"never came there; {seen}", found + whole(name), 0, is_right
    )

"""Two nights at once on one warehouse: one publishes, the other stops at its start and names it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

from autotag_core import warehouse
from benchmarks.chaos.house import House, night_words, write_catalogs
from benchmarks.chaos.nights import must
from benchmarks.chaos.result import Result
from benchmarks.chaos.seen import differences, read_tables

_NAMED = re.compile(r"^error: .*: run (\S+) writes it", re.MULTILINE)
NUM_ROUNDS = 3
ONLY = ("experts=[semantic]",)


def trials(house: House, is_quick: bool) -> Iterator[Result]:
    """A result a place."""
    house.start_s3()
    for name, folder in (("local", str(house.folder / "writers")), ("S3", "s3a://chaos/writers")):
        catalog, _ = write_catalogs(f"{folder}/catalog", 60, rows_only=True)
        must(house.run(*night_words(catalog, f"{folder}/undisturbed", ONLY)))
        for number in range(1 if is_quick else NUM_ROUNDS):
            yield _race(house, name, catalog, (f"{folder}/{number}", f"{folder}/undisturbed"))
    yield _rollback_meanwhile(house)


def _race(house: House, name: str, catalog: str, places: tuple[str, str]) -> Result:
    """Start both, wait for both, compare what is published."""
    start, (place, undisturbed) = time.monotonic(), places
    both = [house.start(*night_words(catalog, place, ONLY)) for _ in range(2)]
    ended = [command.wait() for command in both]
    codes = sorted(end.code for end in ended)
    winner = warehouse.current_release(place).run_id if 0 in codes else None
    named = [match[1] for end in ended if (match := _NAMED.search(end.log))]
    return Result(
        "writers",
        f"two nights at once, {name}",
        "exit 0 and 3; the second names the first; as undisturbed",
        f"exit {codes[0]} and {codes[1]}, " + ("named" if named == [winner] else f"named {named}, published {winner}"),
        differences(read_tables(place), read_tables(undisturbed)),
        time.monotonic() - start,
        codes == [0, 3] and named == [winner],
    )


def _rollback_meanwhile(house: House) -> Result:
    """A rollback while a night runs is refused at its start, and the night publishes."""
    start, folder = time.monotonic(), str(house.folder / "writers")
    place, catalogs = f"{folder}/0", write_catalogs(f"{folder}/catalog", 60, rows_only=True)
    first = warehouse.current_release(place).run_id
    night = house.start(*night_words(catalogs[1], place, ONLY))
    night.when_said('event="stage started" stage=catalog', lambda: None)
    back = house.run("rollback", "--warehouse", place, first)
    ended = night.wait()
    must(house.run(*night_words(catalogs[1], f"{folder}/undisturbed", ONLY)))
    return Result(
        "writers",
        "a rollback while a night runs, local",
        "the rollback exits 3, the night 0, as undisturbed",
        f"the rollback exits {back.code}, the night {ended.code}",
        differences(read_tables(place), read_tables(f"{folder}/undisturbed")),
        time.monotonic() - start,
        (back.code, ended.code) == (3, 0),
    )

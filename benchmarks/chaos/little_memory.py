"""A night in too little memory: it publishes what an undisturbed one does, or fails and changes nothing."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks.chaos.house import House, night_words, write_catalogs
from benchmarks.chaos.nights import must, outcome
from benchmarks.chaos.result import Differences, Result
from benchmarks.chaos.seen import Tables, differences, differing, read_tables

LIMITS_MB = {4096: "exit 0, as undisturbed", 1536: "as undisturbed, or an error or a kill and as before"}
"""The first is enough for this night with two tasks at once, the second is not."""
WORKER_MB = {
    6144: "exit 0, as undisturbed",
    4096: "as undisturbed, or an error and as before",
    256: "an error and as before",
}
"""Address space of a Python worker (spark.executor.pyspark.memory). To load torch takes over 4 GB of it, and less than
6,144 MB is refused at the start."""
_ROOTS = (Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup"))
_FILES = ("memory.limit_in_bytes", "memory.max")
WITH_LIMIT = """
import sys
from jobs.commands.app import main
from jobs.process.session import spark_session

spark_session("chaos", extra={"spark.executor.pyspark.memory": sys.argv[1]}, is_short=True)
main(sys.argv[2:])
"""


def trials(house: House, is_quick: bool) -> Iterator[Result]:
    """A result a limit: of the whole process tree, and of each Python worker."""
    folder = house.folder / "memory"
    catalogs = write_catalogs(str(folder / "catalog"))
    known = []
    for catalog in catalogs:
        must(house.run(*night_words(catalog, str(folder / "undisturbed"))))
        known.append(read_tables(str(folder / "undisturbed")))
    for limit, expected in LIMITS_MB.items():
        with _group(limit) as group:
            if group is None:
                yield Result("memory", f"a control group of {limit} MB", expected, "not tried: none can be made here")
                continue
            program = ["/bin/sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$0" "$@"']
            program += [sys.executable, "-m", "jobs.commands.app"]
            yield _trial(house, (catalogs, known), f"the whole night in {limit} MB", expected, program)
    for limit, expected in [] if is_quick else WORKER_MB.items():
        program = [sys.executable, "-c", WITH_LIMIT, f"{limit}m"]
        yield _trial(house, (catalogs, known), f"{limit} MB of address space a Python worker", expected, program)


def _trial(
    house: House, nights: tuple[tuple[str, str], list[Tables | None]], done: str, expected: str, program: list[str]
) -> Result:
    """The first night without a limit, then the second with it."""
    catalogs, (old, new) = nights
    place = str(house.folder / "memory" / done.replace(" ", "-"))
    must(house.run(*night_words(catalogs[0], place)))
    start = time.monotonic()
    ended = house.start(*night_words(catalogs[1], place), program=program).wait()
    seen = read_tables(place)
    wanted = new if ended.code == 0 else old
    found = differences(seen, wanted) + Differences(partial=seen not in (old, new))
    is_explained = ended.code < 0 or ended.log.rstrip().splitlines()[-1].startswith("error:")
    is_right = ended.code == 0 or ("error" in expected and is_explained)
    said = outcome(ended, differing(seen, wanted))
    return Result("memory", done, expected, said, found, time.monotonic() - start, is_right)


@contextmanager
def _group(limit_mb: int) -> Iterator[Path | None]:
    """A control group of this process's with the limit, or None where none can be made."""
    for root, file in zip(_ROOTS, _FILES, strict=True):
        group = root / f"autotag-chaos-{os.getpid()}-{limit_mb}"
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            (group / file).write_text(str(limit_mb * 2**20))
            yield group
            return
        except OSError:
            yield None
            return
        finally:
            _remove(group)
    yield None


def _remove(group: Path) -> None:
    end = time.monotonic() + 30
    while group.exists() and time.monotonic() < end:
        for line in (group / "cgroup.procs").read_text().split():
            with suppress(OSError):
                os.kill(int(line), 9)
        with suppress(OSError):
            group.rmdir()
        time.sleep(0.1)

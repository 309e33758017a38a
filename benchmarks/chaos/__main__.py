"""What the job promises, tried on real servers: `python -m benchmarks.chaos [--only PART ...] [--quick] [--write]`.

Each trial prints its row as it ends. The exit code is 1 where something does not hold. --write puts each part's table
into docs/reliability.md, and leaves those of other parts as they are. Everything is bounded in count and time: about
an hour and a half on two idle cores, with --quick some minutes. Parts may be run one at a time.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Callable, Iterator

from benchmarks.chaos import (
    catalog_mutants,
    file_mutants,
    kills,
    little_memory,
    poison,
    search_faults,
    speculation,
    storage_faults,
    two_writers,
)
from benchmarks.chaos.house import House
from benchmarks.chaos.result import PAGE, Result, as_section, summary, with_sections

PARTS: dict[str, Callable[[House, bool], Iterator[Result]]] = {
    "kills": kills.trials,
    "rollbacks": kills.rollback_trials,
    "speculation": speculation.trials,
    "storage": storage_faults.trials,
    "search": search_faults.trials,
    "writers": two_writers.trials,
    "poison": poison.trials,
    "files": file_mutants.trials,
    "catalogs": catalog_mutants.trials,
    "memory": little_memory.trials,
}
"""Each yields its trials as they end; the flag asks for a small share of them."""

MOST_S = 9000
"""For all of it on a busy machine; a quiet one needs two thirds of that."""


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--only", nargs="+", choices=list(PARTS), default=list(PARTS), metavar="PART", help=", ".join(PARTS)
    )
    parser.add_argument("--quick", action="store_true", help="a small share of each part")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/reliability.md")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that houses end what they have started
    started, results, sections = time.monotonic(), list[Result](), dict[str, str]()
    for name in options.only:
        print(f"{name}: {(time.monotonic() - started) / 60:.1f} min so far", flush=True)
        begun = time.monotonic()
        found = list(_shown(name, options.quick, started + MOST_S))
        sections[name] = as_section(name, found, time.monotonic() - begun)
        results += found
        if options.write:
            PAGE.write_text(with_sections(PAGE.read_text(encoding="utf-8"), sections, list(PARTS)), encoding="utf-8")
    print(f"\n{summary(results, time.monotonic() - started)}")
    sys.exit(0 if all(result.holds for result in results) else 1)


def _shown(name: str, is_quick: bool, end: float) -> Iterator[Result]:
    """The part's results, each printed as it comes.

    An error of the part itself is a result that does not hold, and so is a rest for which there is no time.
    """
    try:
        with House() as house:
            for result in PARTS[name](house, is_quick):
                if time.monotonic() > end:
                    raise TimeoutError(f"no time left after {MOST_S / 60:.0f} minutes")
                _print(result)
                yield result
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        result = Result(name, "the rest of this part", "to run to its end", said, as_expected=False)
        _print(result)
        yield result


def _print(result: Result) -> None:
    held = "holds" if result.holds else "FAILS"
    print(f"  {held}  {result.seconds:5.0f} s  {result.done}: {result.seen} {result.differences}", flush=True)


if __name__ == "__main__":
    main()

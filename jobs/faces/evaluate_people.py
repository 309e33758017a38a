"""GIFs whose people are known in; how well a gallery names them out."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from autotag_core import storage
from autotag_core.config import FramesConfig
from autotag_core.errors import InputError
from autotag_core.faces.csv_tables import need_columns, read_csv
from autotag_core.faces.evaluating import JudgedGif, PeopleQuality, measure_people
from autotag_core.faces.finder import FaceFinder
from autotag_core.faces.gallery import Gallery

SEPARATORS = ";|"
"""Each may stand between the names of a cell of a CSV file."""
_SHOWN = 3


@dataclass(frozen=True)
class Evaluated:
    """The measures, and the files that could not be read."""

    quality: PeopleQuality
    num_gifs: int
    unread: tuple[str, ...]
    """`uri: reason` of each."""
    strangers: tuple[str, ...]
    """Names of the truth that nobody in the gallery has."""


def evaluate_people(finder: FaceFinder, gallery: Gallery, gifs: str, truth: Mapping[str, frozenset[str]]) -> Evaluated:
    """Name the people in the files of a folder that the truth is about. Files that it does not name are left out.

    InputError where a file of the truth is not in the folder, or where a name of it is two people's.
    """
    folder = storage.absolute(gifs).rstrip("/")
    there = {uri.removeprefix(f"{folder}/"): uri for uri in storage.list_files(folder)}
    missing = sorted(set(truth) - set(there))
    if missing:
        raise InputError(f"{gifs}: no file {', '.join(missing[:_SHOWN])} ({len(missing)} of the truth are missing)")
    judges = {there[file]: judged(names, gallery) for file, names in truth.items()}
    config = FramesConfig(allowed_places=tuple(sorted({storage.own_place(uri) for uri in judges})))
    results, unread = [], []
    for found in finder.find_files(judges, config):
        if found.error is not None:
            unread.append(f"{found.uri}: {found.error}")
            continue
        people, num_strangers = judges[found.uri]
        named = frozenset(one.named.person_id for one in found.people if one.name is not None and one.named is not None)
        results.append(JudgedGif(people, named, num_strangers))
    called = frozenset(text for person in gallery.people for text in person)
    strangers = tuple(sorted(frozenset().union(*truth.values()) - called))
    return Evaluated(measure_people(results), len(results), tuple(unread), strangers)


def judged(names: Iterable[str], gallery: Gallery) -> tuple[frozenset[str], int]:
    """(person ids of those who are enrolled, how many are not), by names or ids. InputError: a name of two people."""
    ids = {person_id for person_id, _ in gallery.people}
    by_name = {name: person_id for person_id, name in gallery.people}
    counts = Counter(name for _, name in gallery.people)
    found, num_strangers = set(), 0
    for name in names:
        if name in ids:
            found.add(name)
        elif counts[name] > 1:
            raise InputError(
                f"{counts[name]} people of the gallery are called {name!r}: write their ids into the truth"
            )
        elif name in by_name:
            found.add(by_name[name])
        else:
            num_strangers += 1
    return frozenset(found), num_strangers


def read_truth(file: str) -> dict[str, frozenset[str]]:
    """{file: names of the people in it} of a CSV file or JSON lines with `file` and `names`; ids are names too.

    In CSV, names are separated by ; or |, and lines of the same file add up. InputError for anything else.
    """
    rows = _of_csv(file) if file.lower().endswith(".csv") else _of_json(file)
    found: dict[str, frozenset[str]] = {}
    for name, people in rows:
        found[name] = found.get(name, frozenset()) | people
    if not found:
        raise InputError(f"{file}: no line: each needs a file and the names of the people in it")
    return found


def _of_csv(file: str) -> Iterator[tuple[str, frozenset[str]]]:
    rows, columns = read_csv(storage.absolute(file))
    need_columns(file, columns, ("file", "names"))
    for line, row in rows:
        if not row["file"]:
            raise InputError(f"{file}, line {line}: a file is needed")
        names = (one.strip() for one in re.split(f"[{SEPARATORS}]", row["names"]))
        yield row["file"], frozenset(filter(None, names))


def _of_json(file: str) -> Iterator[tuple[str, frozenset[str]]]:
    for number, line in enumerate(storage.read_text(storage.absolute(file)).splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError:
            raise InputError(f"{file}, line {number}: not JSON; a file of names is .csv or JSON lines") from None
        names = row.get("names") if isinstance(row, dict) else None
        is_right = isinstance(names, list) and all(isinstance(one, str) for one in names)
        if not is_right or not isinstance(row.get("file"), str) or not row["file"]:
            raise InputError(f'{file}, line {number}: write {{"file": "a.gif", "names": ["Ann", "Bob"]}}')
        yield row["file"], frozenset(names or ())

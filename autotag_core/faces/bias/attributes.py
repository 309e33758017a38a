"""What people's groups are, and how large each should be: from CSV files, such as Wikidata exports."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from autotag_core.errors import InputError
from autotag_core.faces.csv_tables import need_columns, read_csv

_ENTITY = "http://www.wikidata.org/entity/"
_SOME_VALUE = "http://www.wikidata.org/.well-known/genid/"
"""Address of a value that Wikidata says to be unknown."""
_PEOPLE = ("personLabel", "itemLabel", "humanLabel")
"""Columns in which exports of Wikidata's query service have the name; without Label they have the address."""
MAX_VALUES = 100
"""Of an attribute. A date of birth has as many values as people: it must be grouped first."""


class Group(NamedTuple):
    """People who share a value of an attribute."""

    attribute: str
    value: str


def read_attributes(uri: str, people: Sequence[tuple[str, str]]) -> dict[Group, frozenset[str]]:
    """The person_ids of each group, by attribute and value. `people` are (person_id, name) of the gallery.

    The file has the columns person, attribute and value, or is a CSV export of Wikidata's query service: person or
    item, its label, and a column for each attribute. A person is named by person_id, by Wikidata's id of theirs, or by
    a name that one person alone has. People who are not enrolled are left out. One may have several values.
    InputError where a column or a cell is missing, where nobody is enrolled, and where an attribute has more than
    MAX_VALUES values.
    """
    known = _Known(people)
    found: dict[Group, set[str]] = defaultdict(set)
    for said, group in _rows(uri):
        found[group] |= known.find(said)
    groups = {group: frozenset(members) for group, members in sorted(found.items()) if members}
    if not groups:
        raise InputError(f"{uri}: nobody in it is enrolled: people are named by person_id or by name")
    for attribute in {group.attribute for group in groups}:
        num = sum(group.attribute == attribute for group in groups)
        if num > MAX_VALUES:
            raise InputError(
                f"{uri}: {attribute[:100]!r} has {num:,} values, not at most {MAX_VALUES}: group them, as by decade"
            )
    return groups


def unmatched_people(uri: str, people: Sequence[tuple[str, str]]) -> list[str]:
    """What the file calls those in whom `read_attributes` finds nobody or two people, in its order."""
    known = _Known(people)
    return list(dict.fromkeys(said[-1] for said, _ in _rows(uri) if not known.find(said)))


class _Known:
    """Finds enrolled people by what a file calls them."""

    def __init__(self, people: Sequence[tuple[str, str]]) -> None:
        self._ids = {person_id for person_id, _ in people}
        self._names: dict[str, set[str]] = defaultdict(set)
        for person_id, name in people:
            self._names[_key(name)].add(person_id)

    def find(self, said: Sequence[str]) -> set[str]:
        """Person_ids of whom one of the texts names: by id, else by a name that one person alone has."""
        named = [self._names.get(_key(one), set()) for one in said]
        return self._ids.intersection(said) or set().union(*(one for one in named if len(one) == 1))


def _key(name: str) -> str:
    return " ".join(name.casefold().split())


def _rows(uri: str) -> Iterator[tuple[tuple[str, ...], Group]]:
    """(what the person is called, a group of theirs)."""
    rows, columns = read_csv(uri)
    label = next((name for name in _PEOPLE if name in columns), None)
    if label is None:
        need_columns(uri, columns, ("person", "attribute", "value"))
        for number, row in rows:
            person, attribute, value = (row[name] for name in ("person", "attribute", "value"))
            if not (person and attribute and value):
                raise InputError(f"{uri}, line {number}: a person, an attribute and a value are needed")
            yield (person,), Group(attribute, value)
        return
    item = label.removesuffix("Label")
    attributes = [name for name in columns if name not in (label, item) and f"{name}Label" not in columns]
    if not attributes:
        raise InputError(f"{uri}: no attribute: it has only {', '.join(columns)}")
    for number, row in rows:
        called = tuple(text.removeprefix(_ENTITY) for text in (row.get(item, ""), row[label]) if text)
        if not called:
            raise InputError(f"{uri}, line {number}: a person is needed in {label}")
        for name in attributes:
            said = (row[name], row.get(name.removesuffix("Label"), ""))
            if row[name] and not any(one.startswith(_SOME_VALUE) for one in said):
                yield called, Group(name.removesuffix("Label"), row[name].removeprefix(_ENTITY))


def read_reference(uri: str) -> dict[Group, float]:
    """The share of each group that is right: a CSV file with attribute, value and share, 0 to 1.

    InputError where one is no such number, is there twice, or where an attribute's shares are more than 1.
    """
    rows, columns = read_csv(uri)
    need_columns(uri, columns, ("attribute", "value", "share"))
    found: dict[Group, float] = {}
    sums: dict[str, float] = defaultdict(float)
    for number, row in rows:
        group = Group(row["attribute"], row["value"])
        share = _number(row["share"])
        if not (group.attribute and group.value) or not 0 <= share <= 1:
            raise InputError(f"{uri}, line {number}: an attribute, a value and a share from 0 to 1 are needed")
        if group in found:
            raise InputError(f"{uri}, line {number}: {group.attribute} {group.value} is there twice")
        found[group] = share
        sums[group.attribute] += share
    for attribute, total in sums.items():
        if total > 1 + 1e-6:
            raise InputError(f"{uri}: the shares of {attribute} are {total:g} together, not at most 1")
    return found


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan

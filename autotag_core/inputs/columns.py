"""The columns that are looked for in a file, how people spell them, and what a value of each may be."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa

SPACE = " \t\n\r\f\v\u00a0\u3000\ufeff"
"""White space, no-break space and byte order mark: cut off at both ends of a name or a text."""
_MAX_INTEGER = 2**63


@dataclass(frozen=True)
class Column:
    """A column that is looked for.

    Kinds: `text`; `id`, a text or a whole number; `integer`, null where it is no number of 64 bits; `texts` and `ids`,
    lists of them. In a CSV row only a column that `holds_breaks` may have a line break: any other comes from a quote
    gone wrong.
    """

    name: str
    kind: Literal["text", "id", "integer", "texts", "ids"] = "text"
    is_required: bool = False
    holds_breaks: bool = False

    @property
    def type(self) -> pa.DataType:
        """The Arrow type of its values."""
        if self.kind == "integer":
            return pa.int64()
        return pa.list_(pa.string()) if self.is_list else pa.string()

    @property
    def is_list(self) -> bool:
        """Whether a value is a list of strings."""
        return self.kind in ("texts", "ids")


class Number(str):
    """A number as the file writes it, so that an id is never rounded."""

    __slots__ = ()

    @property
    def is_whole(self) -> bool:
        """Whether it is written without a fraction or an exponent."""
        return self.removeprefix("-").isdigit()


def spellings(names: Iterable[str], columns: Iterable[Column]) -> dict[str, list[str]]:
    """The names that mean each column: equal but for case and the space around them."""
    found: dict[str, list[str]] = {column.name: [] for column in columns}
    for name in names:
        key = name.strip(SPACE).lower()
        if key in found:
            found[key].append(name)
    return found


def twice(found: dict[str, list[str]]) -> str | None:
    """Names the first column that two names mean; None where each has one at most."""
    for name, names in found.items():
        if len(names) > 1:
            return f"column {name} is there {len(names)} times: {', '.join(map(repr, names))}"
    return None


def missing(found: dict[str, list[str]], columns: Iterable[Column], names: Iterable[str]) -> str | None:
    """Names the required columns that no name means; None where all are there."""
    absent = [column.name for column in columns if column.is_required and not found[column.name]]
    if not absent:
        return None
    return f"column {' and '.join(absent)} missing; it has {', '.join(list(names)[:20]) or 'no columns'}"


def places_of(
    names: Sequence[str], columns: Sequence[Column], folders: Collection[str]
) -> tuple[dict[str, str], str | None]:
    """By column, the one of the file's names that means it, where no folder's name gives it; and what is wrong."""
    found = spellings([*names, *folders], columns)
    problem = twice(found) or missing(found, columns, names)
    return {name: named[0] for name, named in found.items() if named and name not in folders}, problem


def value_of(column: Column, value: Any) -> tuple[Any, str | None]:
    """A JSON value as the column's, and what is wrong with it. Numbers are given as `Number`.

    Text is trimmed, null where nothing is left. What is no text is null in a column of text, and wrong in one of ids
    where it is a number with a fraction, which its text would not name exactly.
    """
    if column.kind == "integer":
        return to_integer(value), None
    if column.is_list:
        return _list_of(column, value)
    if column.kind == "id" and isinstance(value, Number) and not value.is_whole:
        return None, f"{column.name} is a number with a fraction, not a text or a whole number"
    return (str(value).strip(SPACE) or None) if isinstance(value, str) else None, None


def to_integer(value: Any) -> int | None:
    """The number without its fraction; null where it is none, or none of 64 bits."""
    if not isinstance(value, str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    if not math.isfinite(number) or abs(number) >= _MAX_INTEGER:
        return None
    text = value.strip(SPACE)
    return int(text) if Number(text).is_whole and text.isascii() else int(number)


def _list_of(column: Column, value: Any) -> tuple[list[Any] | None, str | None]:
    if value is None:
        return None, None
    wanted = f"{column.name} is not a list of {'strings or whole numbers' if column.kind == 'ids' else 'strings'}"
    if not isinstance(value, list):
        looks_like_one = isinstance(value, str) and value.lstrip(SPACE).startswith("[")
        return None, f"{wanted}, but a text that looks like one" if looks_like_one else wanted
    if column.kind == "texts":
        right = all(item is None or (isinstance(item, str) and not isinstance(item, Number)) for item in value)
        return (value, None) if right else (None, wanted)
    ids = [item.strip(SPACE) for item in value if isinstance(item, str) and getattr(item, "is_whole", True)]
    return (ids, None) if len(ids) == len(value) and all(ids) else (None, wanted)

"""Doubtful pictures out as a CSV file; an editor's decisions about them in."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Mapping, Sequence

from autotag_core import storage
from autotag_core.errors import InputError
from autotag_core.faces.csv_tables import need_columns, read_csv
from autotag_core.faces.enrolling import CheckedPicture

_COLUMNS = ("accept", "person_id", "name", "file", "picture", "doubt", "said")
_YES, _NO = ("yes", "y", "1", "true"), ("no", "n", "0", "false", "")


def doubts_csv(found: Sequence[CheckedPicture]) -> bytes:
    """The pictures that were not enrolled as a CSV file. A `yes` in the column accept enrolls one in the next try.

    What an editor refused stays refused where the file is given back.
    """
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(_COLUMNS)
    for one in found:
        if not one.is_taken:
            person, accept = one.picture, "no" if one.decision is False else ""
            writer.writerow([accept, person.person_id, person.name, person.uri, one.key, one.doubt or "", one.said])
    return file.getvalue().encode()


def read_decisions(file: str) -> dict[tuple[str, str], bool]:
    """{(person_id, picture): whether it is accepted} of a file of `doubts_csv`. InputError for any other word."""
    rows, columns = read_csv(storage.absolute(file))
    need_columns(file, columns, ("accept", "person_id", "picture"))
    found = {}
    for line, row in rows:
        word = row["accept"].lower()
        if word not in _YES + _NO:
            raise InputError(f"{file}, line {line}: accept is {word!r}: write yes or no")
        if word:
            found[row["person_id"], row["picture"]] = word in _YES
    return found


def unheeded(
    file: str, found: Mapping[tuple[str, str], CheckedPicture], enrolled: Collection[tuple[str, str]]
) -> list[str]:
    """Decisions that nothing came of, a line each. `found` are the new pictures by (person_id, picture)."""
    said = []
    for (person_id, picture), is_accepted in read_decisions(file).items():
        one = found.get((person_id, picture))
        if one is not None and is_accepted and not one.is_taken:
            said.append(f"{one.picture.uri}: accepted, but it can't be enrolled: {one.said}")
        elif one is None and (person_id, picture) not in enrolled:
            said.append(f"{file}: no such picture: {picture!r} of {person_id!r}")
        elif one is None and not is_accepted:
            said.append(
                f"{file}: {picture!r} of {person_id!r} is enrolled already: `autotag faces remove` takes it out"
            )
    return said

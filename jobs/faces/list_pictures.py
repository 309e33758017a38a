"""A folder of people or a CSV file in; the pictures that are said to show them out."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from autotag_core import storage
from autotag_core.errors import InputError
from autotag_core.faces.csv_tables import need_columns, read_csv
from autotag_core.faces.enrolling import PersonPicture
from autotag_core.terminal import shown

_STRANGERS = ("unknown", "nobody")
"""What `faces find` calls who is not enrolled, and a file without a face."""


def list_pictures(people: str) -> list[PersonPicture]:
    """The pictures of a folder with a folder a person, or of a CSV file: name, picture, and id where names repeat.

    Names and ids have single spaces and composed letters, so that one name is one person however it is written.
    Hidden files and folders are left out. InputError where there is no picture, where something in the CSV file is
    missing, where one id has two names, and for a name that can't be one.
    """
    people = storage.absolute(people)
    found = list(_of_csv(people) if people.lower().endswith(".csv") else _of_folder(people))
    if not found:
        raise InputError(f"{people}: no picture: make a folder for each person, or a CSV file of name and picture")
    return found


def loose_things(people: str) -> list[tuple[str, str]]:
    """Files beside the people's folders, and local folders without a file in them, each with what is wrong with it."""
    folder = storage.absolute(people)
    if folder.lower().endswith(".csv"):
        return []
    names = {uri: uri.removeprefix(folder.rstrip("/") + "/") for uri in storage.list_files(folder, any_kind=True)}
    names = {uri: name for uri, name in names.items() if not _is_hidden(name)}
    found = [(uri, "it is in no person's folder") for uri, name in names.items() if "/" not in name]
    if not storage.is_s3(folder):
        filled = {name.partition("/")[0] for name in names.values()}
        folders = (one for one in storage.local_path(folder).iterdir() if one.is_dir() and one.name not in filled)
        found += [(str(one), "no picture is in this folder") for one in folders if not _is_hidden(one.name)]
    return sorted(found)


def _of_folder(folder: str) -> Iterator[PersonPicture]:
    for uri in sorted(storage.list_files(folder, any_kind=True)):
        path = uri.removeprefix(folder.rstrip("/") + "/")
        written, separator, _ = path.partition("/")
        if separator and not _is_hidden(path):
            name = _name(written, folder)
            yield PersonPicture(name, name, uri)


def _of_csv(file: str) -> Iterator[PersonPicture]:
    rows, columns = read_csv(file)
    need_columns(file, columns, ("name", "picture"))
    folder = file.rpartition("/")[0]
    names: dict[str, str] = {}
    for line, row in rows:
        picture = row["picture"]
        if not row["name"] or not picture:
            raise InputError(f"{file}, line {line}: a name and a picture are needed")
        name = _name(row["name"], f"{file}, line {line}")
        person_id = _name(row.get("id") or name, f"{file}, line {line}")
        if names.setdefault(person_id, name) != name:
            raise InputError(f"{file}, line {line}: {person_id!r} is {names[person_id]!r} above, and here {name!r}")
        uri = picture if "://" in picture or picture.startswith("/") else f"{folder}/{picture}"
        yield PersonPicture(person_id, name, uri)


def _is_hidden(path: str) -> bool:
    """Whether a part of the path is what systems leave behind, such as .DS_Store and Thumbs.db."""
    return any(part.startswith(".") or part in ("Thumbs.db", "desktop.ini") for part in path.split("/"))


def _name(written: str, where: str) -> str:
    """The name or id with single spaces and composed letters. InputError where it can't be one."""
    if shown(written) != written:
        raise InputError(
            f"{where}: a person can't be called '{shown(written)}': it has a character that nobody sees; type it anew"
        )
    name = " ".join(unicodedata.normalize("NFC", written).split())
    if not name or name.casefold() in _STRANGERS:
        raise InputError(f"{where}: a person can't be called {written!r}: unknown is who is not enrolled")
    return name

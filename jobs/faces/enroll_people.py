"""Pictures of people in; a gallery's next version out, and what is doubtful about pictures."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence

from autotag_core import storage
from autotag_core.config import FramesConfig
from autotag_core.errors import InputError
from autotag_core.faces.embedder import FaceEmbedder, model_version
from autotag_core.faces.enrolling import CheckedPicture, PersonPicture, PictureChecker, as_rows, compared
from autotag_core.faces.gallery import as_gallery, empty_gallery
from autotag_core.tables import GALLERY
from autotag_core.warehouse.own_tables import append_rows, read_newest

_COLUMNS = ("accept", "person_id", "name", "file", "picture", "doubt", "said")
_YES, _NO = ("yes", "y", "1", "true"), ("no", "n", "0", "false", "")


def enroll_people(people: str, gallery: str, decisions: str | None = None) -> list[CheckedPicture]:
    """Check the pictures and enroll those without a doubt, and those that the decisions accept. Gives all of them.

    Pictures that are enrolled already stay as they are. `decisions` is a CSV file as `doubts_csv` writes it.
    """
    accepted = read_decisions(decisions) if decisions else {}
    pictures = list_pictures(people)
    rows = read_newest(gallery, GALLERY)
    known = as_gallery(*rows, model_version(), gallery) if rows else empty_gallery()
    enrolled = (
        set(zip(rows[0]["person_id"].to_pylist(), rows[0]["picture"].to_pylist(), strict=True)) if rows else set()
    )
    places = tuple(sorted({storage.own_place(picture.uri) for picture in pictures}))
    checker = PictureChecker(FramesConfig(allowed_places=places), FaceEmbedder())
    found = [one for one in checker.check(pictures) if (one.picture.person_id, one.key) not in enrolled]
    found = compared(found, known)
    new = {(one.picture.person_id, one.key): one for one in found if _is_taken(one, accepted)}
    if new:
        append_rows(gallery, GALLERY, as_rows(new.values(), model_version()))
    return found


def _is_taken(one: CheckedPicture, accepted: Mapping[tuple[str, str], bool]) -> bool:
    said = accepted.get((one.picture.person_id, one.key))
    return one.embedding is not None and (one.doubt is None if said is None else said)


def list_pictures(people: str) -> list[PersonPicture]:
    """The pictures of a folder with a folder a person, or of a CSV file: name, picture, and id where names repeat.

    InputError where there is none, or where something in the CSV file is missing.
    """
    people = storage.absolute(people)
    found = list(_of_csv(people) if people.lower().endswith(".csv") else _of_folder(people))
    if not found:
        raise InputError(f"{people}: no picture: make a folder for each person, or a CSV file of name and picture")
    return found


def _of_folder(folder: str) -> Iterator[PersonPicture]:
    for uri in sorted(storage.list_files(folder)):
        name, separator, _ = uri.removeprefix(folder.rstrip("/") + "/").partition("/")
        if separator and not name.startswith("."):
            yield PersonPicture(name, name, uri)


def _of_csv(file: str) -> Iterator[PersonPicture]:
    rows = csv.DictReader(io.StringIO(storage.read_bytes(file).decode("utf-8-sig")))
    missing = {"name", "picture"} - set(rows.fieldnames or ())
    if missing:
        raise InputError(
            f"{file}: no column {' and '.join(sorted(missing))}; it has {', '.join(rows.fieldnames or ())}"
        )
    folder = file.rpartition("/")[0]
    for number, row in enumerate(rows, 2):
        name, picture = (row["name"] or "").strip(), (row["picture"] or "").strip()
        if not name or not picture:
            raise InputError(f"{file}, line {number}: a name and a picture are needed")
        uri = picture if "://" in picture or picture.startswith("/") else f"{folder}/{picture}"
        yield PersonPicture((row.get("id") or "").strip() or name, name, uri)


def doubts_csv(found: Sequence[CheckedPicture]) -> bytes:
    """The doubtful pictures as a CSV file. A `yes` in the column accept enrolls one in the next try."""
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(_COLUMNS)
    for one in found:
        if one.doubt is not None:
            person = one.picture
            writer.writerow(["", person.person_id, person.name, person.uri, one.key, str(one.doubt), one.said])
    return file.getvalue().encode()


def read_decisions(file: str) -> dict[tuple[str, str], bool]:
    """{(person_id, picture): whether it is accepted} of a file of `doubts_csv`. InputError for any other word."""
    rows = csv.DictReader(io.StringIO(storage.read_bytes(storage.absolute(file)).decode("utf-8-sig")))
    missing = {"accept", "person_id", "picture"} - set(rows.fieldnames or ())
    if missing:
        raise InputError(f"{file}: no column {' and '.join(sorted(missing))}")
    found = {}
    for number, row in enumerate(rows, 2):
        word = (row["accept"] or "").strip().lower()
        if word not in _YES + _NO:
            raise InputError(f"{file}, line {number}: accept is {word!r}: write yes or no")
        if word:
            found[row["person_id"], row["picture"]] = word in _YES
    return found

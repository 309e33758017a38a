"""Pictures of people in; a gallery's next version out, and what is doubtful about pictures."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence

from autotag_core import storage
from autotag_core.config import FramesConfig
from autotag_core.errors import InputError
from autotag_core.faces.embedders import load_embedder
from autotag_core.faces.enrolling import CheckedPicture, PersonPicture, PictureChecker, as_rows, compared
from autotag_core.faces.gallery import as_gallery, empty_gallery
from autotag_core.faces.thumbnails import as_thumbnails
from autotag_core.tables import GALLERY, GALLERY_THUMBNAILS
from autotag_core.warehouse.own_tables import append_rows, read_newest

_COLUMNS = ("accept", "person_id", "name", "file", "picture", "doubt", "said")
_STRANGERS = ("unknown", "nobody")
"""What `faces find` calls who is not enrolled, and a file without a face."""
_YES, _NO = ("yes", "y", "1", "true"), ("no", "n", "0", "false", "")


def enroll_people(
    people: str, gallery: str, decisions: str | None = None, model: str | None = None
) -> list[CheckedPicture]:
    """Check the pictures and enroll those without a doubt, and those that the decisions accept. Gives all of them.

    Pictures that are enrolled already stay as they are. `decisions` is a CSV file as `doubts_csv` writes it.
    `model`: see load_embedder.
    """
    accepted = read_decisions(decisions) if decisions else {}
    pictures = list_pictures(people)
    embedder = load_embedder(model)
    rows = read_newest(gallery, GALLERY)
    known = as_gallery(*rows, embedder.model_version, gallery) if rows else empty_gallery(embedder.dimension)
    enrolled = (
        set(zip(rows[0]["person_id"].to_pylist(), rows[0]["picture"].to_pylist(), strict=True)) if rows else set()
    )
    places = tuple(sorted({storage.own_place(picture.uri) for picture in pictures}))
    checker = PictureChecker(FramesConfig(allowed_places=places), embedder)
    checked = list(checker.check(pictures))
    _add_thumbnails(gallery, [one for one in checked if _key(one) in enrolled])
    found = compared([one for one in checked if _key(one) not in enrolled], known)
    new = {_key(one): one for one in found if _is_taken(one, accepted)}
    if new:
        append_rows(gallery, GALLERY_THUMBNAILS, as_thumbnails(new.values()))
        append_rows(gallery, GALLERY, as_rows(new.values(), embedder.model_version))
    return found


def _key(one: CheckedPicture) -> tuple[str, str]:
    return one.picture.person_id, one.key


def _add_thumbnails(gallery: str, enrolled: Sequence[CheckedPicture]) -> None:
    """Thumbnails of pictures that were enrolled before there were any."""
    if not enrolled:
        return
    rows = read_newest(gallery, GALLERY_THUMBNAILS, ["person_id", "picture"])
    there = set(zip(*(rows[0][name].to_pylist() for name in ("person_id", "picture")), strict=True)) if rows else set()
    new = {_key(one): one for one in enrolled if _key(one) not in there}
    if new:
        append_rows(gallery, GALLERY_THUMBNAILS, as_thumbnails(new.values()))


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
    for name in sorted({text for one in found for text in (one.name, one.person_id)}):
        if name.casefold() in _STRANGERS or not name.isprintable():
            raise InputError(f"{people}: a person can't be called {name!r}: unknown is who is not enrolled")
    return found


def left_out(people: str, found: Sequence[CheckedPicture], gallery: str) -> list[str]:
    """What else was not enrolled: things beside people's folders, and people without a picture that is. A line each."""
    said = [f"{uri}: left out: {why}" for uri, why in _loose(storage.absolute(people))]
    rows = read_newest(gallery, GALLERY, ["person_id"])
    enrolled = set(rows[0]["person_id"].to_pylist()) if rows else set()
    lacking = {one.picture.person_id: one.picture.name for one in found if one.picture.person_id not in enrolled}
    return said + [f"{name}: no picture of this person is enrolled" for _, name in sorted(lacking.items())]


def _loose(folder: str) -> list[tuple[str, str]]:
    """Files beside the people's folders, and local folders without a file in them, each with what is wrong with it."""
    if folder.lower().endswith(".csv"):
        return []
    names = {uri: uri.removeprefix(folder.rstrip("/") + "/") for uri in storage.list_files(folder, any_kind=True)}
    found = [(uri, "it is in no person's folder") for uri, name in names.items() if "/" not in name]
    if not storage.is_s3(folder):
        filled = {name.partition("/")[0] for name in names.values()}
        folders = (one for one in storage.local_path(folder).iterdir() if one.is_dir() and one.name not in filled)
        found += [(str(one), "no picture is in this folder") for one in folders]
    return sorted((uri, why) for uri, why in found if not uri.rpartition("/")[2].startswith("."))


def _of_folder(folder: str) -> Iterator[PersonPicture]:
    for uri in sorted(storage.list_files(folder, any_kind=True)):
        name, separator, _ = uri.removeprefix(folder.rstrip("/") + "/").partition("/")
        if separator and not name.startswith("."):
            yield PersonPicture(name, name, uri)


def _of_csv(file: str) -> Iterator[PersonPicture]:
    rows = csv.DictReader(io.StringIO(storage.read_bytes(file).decode("utf-8-sig")))
    missing = {"name", "picture"} - set(rows.fieldnames or ())
    if missing:
        raise InputError(
            f"{file}: it lacks the column {' and '.join(sorted(missing))}; it has {', '.join(rows.fieldnames or ())}"
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

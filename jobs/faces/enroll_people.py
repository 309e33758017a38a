"""Pictures of people in; a gallery's next version out, and what is doubtful about pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from autotag_core import storage
from autotag_core.config import FramesConfig
from autotag_core.errors import InputError
from autotag_core.faces.embedders import load_embedder
from autotag_core.faces.enrolling import CheckedPicture, PersonPicture, PictureChecker, as_rows, compared
from autotag_core.faces.gallery import Gallery, as_gallery, called, empty_gallery
from autotag_core.faces.look_alikes import look_alikes
from autotag_core.faces.thumbnails import as_thumbnails
from autotag_core.tables import GALLERY, GALLERY_THUMBNAILS
from autotag_core.warehouse.own_tables import append_rows, read_newest
from jobs.faces.decide_doubts import read_decisions, unheeded
from jobs.faces.list_pictures import list_pictures, loose_things


def enroll_people(
    people: str, gallery: str, decisions: str | None = None, model: str | None = None
) -> list[CheckedPicture]:
    """Check the pictures and enroll those without a doubt, and those that the decisions accept. Gives all of them.

    Pictures that are enrolled already stay as they are. `decisions` is a CSV file as `doubts_csv` writes it.
    `model`: see load_embedder.
    """
    decided = read_decisions(decisions) if decisions else {}
    pictures = list_pictures(people)
    embedder = load_embedder(model)
    rows = read_newest(gallery, GALLERY)
    known = as_gallery(*rows, embedder.model_version, gallery) if rows else empty_gallery(embedder.dimension)
    _check_names(people, pictures, known)
    enrolled = (
        set(zip(rows[0]["person_id"].to_pylist(), rows[0]["picture"].to_pylist(), strict=True)) if rows else set()
    )
    places = tuple(sorted({storage.own_place(picture.uri) for picture in pictures}))
    checker = PictureChecker(FramesConfig(allowed_places=places), embedder)
    checked = [replace(one, decision=decided.get(_key(one))) for one in checker.check(pictures)]
    _add_thumbnails(gallery, [one for one in checked if _key(one) in enrolled])
    found = compared([one for one in checked if _key(one) not in enrolled], known)
    new = {_key(one): one for one in found if one.is_taken}
    if new:
        append_rows(gallery, GALLERY_THUMBNAILS, as_thumbnails(new.values()))
        append_rows(gallery, GALLERY, as_rows(new.values(), embedder.model_version))
    return found


def _key(one: CheckedPicture) -> tuple[str, str]:
    return one.picture.person_id, one.key


def _check_names(people: str, pictures: Sequence[PersonPicture], known: Gallery) -> None:
    """InputError where the gallery calls somebody otherwise."""
    names = dict(known.people)
    for one in pictures:
        name = names.get(one.person_id, one.name)
        if name != one.name:
            raise InputError(
                f"{people}: {one.person_id!r} is {one.name!r}, and {name!r} in the gallery: write that name, or take "
                "the person out with `autotag faces remove` first"
            )


def _add_thumbnails(gallery: str, enrolled: Sequence[CheckedPicture]) -> None:
    """Thumbnails of pictures that were enrolled before there were any."""
    if not enrolled:
        return
    rows = read_newest(gallery, GALLERY_THUMBNAILS, ["person_id", "picture"])
    there = set(zip(*(rows[0][name].to_pylist() for name in ("person_id", "picture")), strict=True)) if rows else set()
    new = {_key(one): one for one in enrolled if _key(one) not in there}
    if new:
        append_rows(gallery, GALLERY_THUMBNAILS, as_thumbnails(new.values()))


def left_out(people: str, found: Sequence[CheckedPicture], gallery: str, decisions: str | None = None) -> list[str]:
    """What else was not enrolled or is unclear, a line each.

    These are things beside people's folders, decisions that nothing came of, people without a picture, and those who
    were enrolled now and look like somebody else.
    """
    said = [f"{uri}: left out: {why}" for uri, why in loose_things(people)]
    rows = read_newest(gallery, GALLERY)
    known = as_gallery(*rows, None, gallery) if rows else empty_gallery()
    there = set(zip(*(rows[0][name].to_pylist() for name in ("person_id", "picture")), strict=True)) if rows else set()
    if decisions is not None:
        said += unheeded(decisions, {_key(one): one for one in found}, there)
    enrolled = {person_id for person_id, _ in known.people}
    lacking = {one.picture.person_id: one.picture.name for one in found if one.picture.person_id not in enrolled}
    said += [f"{called(*one)}: no picture of this person is enrolled" for one in sorted(lacking.items())]
    new = {one.picture.person_id for one in found if one.is_taken}
    return said + [
        f"{called(*one)} and {called(*other)} look alike, distance {distance:.2f}: is that one person?"
        for one, other, distance in look_alikes(known, new)
    ]

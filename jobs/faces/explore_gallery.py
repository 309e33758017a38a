"""A gallery in; its faces as a cloud in a page out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from autotag_core.errors import InputError
from autotag_core.faces.bias.attributes import Group, read_attributes
from autotag_core.faces.explorer.cloud import cloud
from autotag_core.faces.explorer.page import ExploredFaces
from autotag_core.faces.gallery import as_gallery
from autotag_core.faces.thumbnails import read_thumbnails
from autotag_core.tables import GALLERY
from autotag_core.warehouse.own_tables import read_newest


def explore_gallery(gallery: str, attributes: str | None) -> ExploredFaces:
    """The faces of the gallery's newest version, by person and picture.

    Pictures that were enrolled before there were thumbnails have none. InputError where nobody is enrolled.
    """
    rows = read_newest(gallery, GALLERY)
    if rows is None or not rows[0].num_rows:
        raise InputError(f"{gallery}: nobody is enrolled there: enroll people with `autotag faces enroll`")
    known = as_gallery(*rows, None, gallery)
    groups = read_attributes(attributes, known.people) if attributes else {}
    thumbnails = read_thumbnails(gallery)
    keys = sorted(set(zip(rows[0]["person_id"].to_pylist(), rows[0]["picture"].to_pylist(), strict=True)))
    points, method = cloud(known.embeddings)
    pictures = [thumbnails.get(key) for key in keys]
    return ExploredFaces(known.people, known.owners, points, method, pictures, _values(known.people, groups))


def _values(people: Sequence[tuple[str, str]], groups: Mapping[Group, frozenset[str]]) -> dict[str, list[str]]:
    """By attribute, the value of each person; several are joined."""
    return {
        attribute: [
            ", ".join(
                group.value for group, members in groups.items() if group.attribute == attribute and one in members
            )
            for one, _ in people
        ]
        for attribute in sorted({group.attribute for group in groups})
    }

"""Galleries of literal embeddings."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

from autotag_core import storage
from autotag_core.errors import InputError
from autotag_core.faces.gallery import (
    KNOWN_DISTANCE,
    empty_gallery,
    probability,
    read_gallery,
    read_names,
    remove_people,
)
from autotag_core.tables import GALLERY, GALLERY_THUMBNAILS
from autotag_core.warehouse.own_tables import append_rows


def enroll(uri: str, *pictures: tuple[str, str, float], model: str = "m1") -> None:
    """(person_id, picture, first number of the embedding) of each."""
    rows = [
        {
            "person_id": person,
            "picture": picture,
            "name": person.title(),
            "file": "a.png",
            "embedding": [first, *[0.0] * 127],
            "sharpness": 100.0,
            "model_version": model,
            "enrolled": datetime.now(UTC),
        }
        for person, picture, first in pictures
    ]
    append_rows(uri, GALLERY, pa.Table.from_pylist(rows, schema=GALLERY.plain_schema))


def face(first: float) -> np.ndarray:
    return np.array([[first, *[0.0] * 127]], np.float32)


def test_the_nearest_person_is_the_one_whose_pictures_are_nearest_in_the_mean(tmp_path: Path) -> None:
    uri = str(tmp_path)
    enroll(uri, ("ann", "a1", 0.0), ("ann", "a2", 0.2), ("bob", "b1", 2.0))
    gallery = read_gallery(uri, "m1")
    named = gallery.nearest(face(0.3))
    assert named is not None
    assert (named.person_id, named.name, named.is_known) == ("ann", "Ann", True)
    assert named.distance == pytest.approx(0.2)


def test_who_is_near_to_nobody_is_unknown(tmp_path: Path) -> None:
    enroll(str(tmp_path), ("ann", "a1", 0.0), ("bob", "b1", 2.0))
    named = read_gallery(str(tmp_path), "m1").nearest(face(1.1))
    assert named is not None
    assert not named.is_known
    assert empty_gallery().nearest(face(0.0)) is None


def test_the_probability_falls_with_the_distance_and_is_a_half_at_the_limit() -> None:
    assert probability(KNOWN_DISTANCE) == pytest.approx(0.5)
    assert probability(0.3) > 0.99
    assert probability(0.75) < 0.01


def test_a_picture_enrolled_twice_counts_once(tmp_path: Path) -> None:
    enroll(str(tmp_path), ("ann", "a1", 0.0))
    enroll(str(tmp_path), ("ann", "a1", 0.0), ("ann", "a2", 1.0))
    gallery = read_gallery(str(tmp_path), "m1")
    assert len(gallery.embeddings) == 2
    assert gallery.version == 1


def test_a_gallery_of_other_networks_is_refused_by_name(tmp_path: Path) -> None:
    enroll(str(tmp_path), ("ann", "a1", 0.0))
    with pytest.raises(InputError, match="made with m1; here faces are embedded with m2"):
        read_gallery(str(tmp_path), "m2")


def test_a_place_without_a_gallery_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no gallery there"):
        read_gallery(str(tmp_path), "m1")
    with pytest.raises(InputError, match="no gallery there"):
        read_names(str(tmp_path))


def test_names_are_read_whatever_networks_made_the_gallery(tmp_path: Path) -> None:
    enroll(str(tmp_path), ("bob", "b1", 2.0), ("ann", "a1", 0.0), ("ann", "a2", 0.1), model="other")
    assert read_names(str(tmp_path)) == ["Ann", "Bob"]


def test_no_file_holds_a_person_who_was_removed(tmp_path: Path) -> None:
    uri = str(tmp_path)
    enroll(uri, ("ann", "a1", 0.0), ("bob", "b1", 2.0))
    enroll(uri, ("ann", "a2", 0.1))
    thumbnails = [{"person_id": person, "picture": "1", "thumbnail": b"jpeg"} for person in ("ann", "bob")]
    append_rows(uri, GALLERY_THUMBNAILS, pa.Table.from_pylist(thumbnails, schema=GALLERY_THUMBNAILS.plain_schema))
    assert remove_people(uri, ["ann"]) == 2
    assert read_gallery(uri, "m1").people == (("bob", "Bob"),)
    files = [one for one in storage.list_files(uri) if one.endswith(".parquet")]
    assert [pq.read_table(storage.local_path(one))["person_id"].to_pylist() for one in files] == [["bob"], ["bob"]]


def test_removing_somebody_who_is_not_enrolled_changes_nothing(tmp_path: Path) -> None:
    enroll(str(tmp_path), ("ann", "a1", 0.0))
    with pytest.raises(InputError, match="not enrolled: zoe"):
        remove_people(str(tmp_path), ["ann", "zoe"])
    assert len(read_gallery(str(tmp_path), "m1").embeddings) == 1


def test_people_are_ranked_nearest_first(tmp_path: Path) -> None:
    enroll(str(tmp_path), ("ann", "a1", 0.0), ("bob", "b1", 2.0), ("cy", "c1", 1.0))
    gallery = read_gallery(str(tmp_path), "m1")
    assert [(one.name, round(one.distance, 3)) for one in gallery.ranked(face(0.9), 2)] == [("Cy", 0.1), ("Ann", 0.9)]
    assert len(gallery.ranked(face(0.9), 5)) == 3
    assert empty_gallery().ranked(face(0.0), 5) == []


def test_a_gallery_whose_people_were_all_removed_has_its_version(tmp_path: Path) -> None:
    enroll(str(tmp_path), ("ann", "a1", 0.0))
    remove_people(str(tmp_path), ["ann"])
    gallery = read_gallery(str(tmp_path), "m1")
    assert (gallery.people, gallery.version) == ((), 1)


def test_a_damaged_gallery_is_refused_by_name(tmp_path: Path) -> None:
    enroll(str(tmp_path), ("ann", "a1", 0.0))
    (file,) = [one for one in storage.list_files(str(tmp_path)) if one.endswith(".parquet")]
    os.truncate(file, 2000)
    with pytest.raises(InputError, match=f"{tmp_path}/gallery: cannot be read: .*Parquet"):
        read_gallery(str(tmp_path), "m1")
    (log,) = (tmp_path / "gallery" / "_delta_log").iterdir()
    os.truncate(log, 100)
    with pytest.raises(InputError, match=f"{tmp_path}/gallery: cannot be read: ") as caught:
        read_gallery(str(tmp_path), "m1")
    assert "<unknown>" not in str(caught.value)


def test_a_gallery_of_other_columns_is_refused_by_name(tmp_path: Path) -> None:
    columns = {"person_id": ["ann"], "picture": ["a1"], "name": ["Ann"]}
    write_deltalake(str(tmp_path / "gallery"), pa.table(columns))
    with pytest.raises(InputError, match=f"{tmp_path}/gallery: another version of autotag made it: .*file is missing"):
        read_gallery(str(tmp_path), "m1")

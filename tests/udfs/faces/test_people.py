"""Rows of faces and people, from literal faces."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from autotag_core.faces.face_rows import from_struct, to_struct
from autotag_core.faces.gallery import Gallery, empty_gallery
from autotag_core.tables import FACES, PEOPLE, check_columns
from udfs.faces.people import NAMED, face_rows, kept_faces, name_batches, name_people, people_rows


def face(number: float, *frames: int) -> dict[str, Any]:
    """A SEEN_FACE whose embedding begins with a number."""
    embedding = [number] + [0.0] * 127
    return {
        "frames": list(frames),
        "boxes": [1.0, 2.0, 61.0, 62.0] * len(frames),
        "landmarks": [5.0] * 10 * len(frames),
        "scores": [0.99] * len(frames),
        "sharpness": [100.0] * len(frames),
        "embeddings": embedding,
    }


GIFS = [
    {"gif_id": "a", "version": "1", "faces": [face(0.0, 0, 4), face(0.1, 8), face(5.0, 0)]},
    {"gif_id": "b", "version": "2", "faces": [face(5.0, 3)]},
]
SCHEMA = pa.schema([NAMED.field("gif_id"), NAMED.field("version"), pa.field("faces", NAMED.field("faces").type)])


def gallery() -> Gallery:
    return Gallery((("ann", "Ann"),), np.zeros(1, np.int64), np.zeros((1, 128), np.float32), 3)


def named(keep_unknown: bool, known: Gallery) -> list[dict[str, Any]]:
    batch = pa.RecordBatch.from_pylist(GIFS, schema=SCHEMA)
    (found,) = name_batches([batch], SimpleNamespace(value=known), "tracks", keep_unknown)  # type: ignore[arg-type]
    return found.to_pylist()


def test_a_struct_is_the_face_again() -> None:
    again, before = to_struct(from_struct(face(0.5, 2, 3), 128)), face(0.5, 2, 3)
    assert list(again) == list(before)
    for name, numbers in before.items():
        assert list(again[name]) == pytest.approx(numbers)


def test_faces_of_one_person_are_one_row_of_people_and_strangers_are_unknown() -> None:
    first, second = named(True, gallery())
    people = [
        (one["person"], one["name"], one["known"], one["num_frames"], one["best_frame"]) for one in first["people"]
    ]
    assert people == [(0, "Ann", True, 3, 0), (1, None, False, 1, 0)]
    assert [(one["face"], one["person"]) for one in first["faces"]] == [(0, 0), (1, 0), (2, 1)]
    assert first["people"][0]["box"] == [1, 2, 61, 62]
    assert [one["person_id"] for one in first["people"] + second["people"]] == ["ann", None, None]


def test_embeddings_of_the_unknown_go_unless_they_shall_stay() -> None:
    assert [one["embeddings"] is None for gif in named(False, gallery()) for one in gif["faces"]] == [
        False,
        False,
        True,
        True,
    ]
    assert all(one["embeddings"] for gif in named(True, gallery()) for one in gif["faces"])
    assert not any(one["embeddings"] for gif in named(False, empty_gallery()) for one in gif["faces"])
    assert {one["probability"] for gif in named(True, empty_gallery()) for one in gif["people"]} == {None}


def test_tables_give_back_what_was_named(spark: SparkSession) -> None:
    seen_df = spark.createDataFrame(pa.Table.from_pylist(GIFS, schema=SCHEMA)).select("gif_id", "version", "faces")
    named_df = name_people(seen_df, gallery(), "tracks", True).persist()
    faces_df, people_df = face_rows(named_df, "networks-20"), people_rows(named_df, "pictures")
    for table, rows_df in ((FACES, faces_df), (PEOPLE, people_df)):
        check_columns(table, rows_df.toArrow().schema)
    again_df = name_people(kept_faces(faces_df), gallery(), "tracks", True)
    assert sorted(again_df.collect(), key=lambda row: row.gif_id) == sorted(
        named_df.collect(), key=lambda row: row.gif_id
    )
    named_df.unpersist()

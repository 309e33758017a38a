"""Faces that are followed, with literal boxes."""

from __future__ import annotations

import numpy as np
import pytest

from autotag_core.faces.detector import Face
from autotag_core.faces.tracks import FollowedFace, best_faces, follow, overlap

CHIP, OTHER_CHIP = np.random.default_rng(0).integers(0, 255, (2, 150, 150, 3), dtype=np.uint8)


def followed(frame: int, left: float, sharpness: float = 100.0, chip: np.ndarray = CHIP) -> FollowedFace:
    box = (left, 0.0, left + 100, 100.0)
    return FollowedFace(Face(frame, box, 0.99, np.zeros((5, 2), np.float32)), chip, sharpness)


@pytest.mark.parametrize(
    ("a", "b", "share"),
    [((0, 0, 10, 10), (0, 0, 10, 10), 1.0), ((0, 0, 10, 10), (5, 0, 15, 10), 1 / 3), ((0, 0, 1, 1), (2, 2, 3, 3), 0.0)],
)
def test_overlap_is_intersection_over_union(a: tuple[float, ...], b: tuple[float, ...], share: float) -> None:
    assert overlap(a, b) == pytest.approx(share)


def test_faces_that_move_a_little_are_one_track_each() -> None:
    faces = [followed(0, 0), followed(0, 300), followed(1, 20), followed(1, 290), followed(2, 40), followed(2, 280)]
    lefts = [[one.face.box[0] for one in track] for track in follow(faces)]
    assert sorted(lefts) == [[0, 20, 40], [300, 290, 280]]


def test_a_face_may_be_missing_in_one_frame_and_not_in_many() -> None:
    assert len(follow([followed(0, 0), followed(2, 0)])) == 1
    assert len(follow([followed(0, 0), followed(3, 0)])) == 2


def test_somebody_else_in_the_same_place_is_another_track() -> None:
    tracks = follow([followed(0, 0), followed(1, 0), followed(2, 0, chip=OTHER_CHIP), followed(3, 0, chip=OTHER_CHIP)])
    assert sorted([one.face.frame for one in track] for track in tracks) == [[0, 1], [2, 3]]


def test_the_best_faces_come_from_all_of_a_track() -> None:
    track = [followed(frame, 0, sharpness=500 if frame in (1, 2, 5, 6) else 100) for frame in range(8)]
    assert [one.face.frame for one in best_faces(track)] == [1, 2, 5, 6]
    assert [one.face.frame for one in best_faces(track[:1])] == [0]


def test_no_face_is_no_track() -> None:
    assert follow([]) == []

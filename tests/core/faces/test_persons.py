"""Followed faces that are joined into persons, with literal embeddings."""

from __future__ import annotations

import numpy as np

from autotag_core.faces.gallery import Gallery, empty_gallery
from autotag_core.faces.naming import name_people
from autotag_core.faces.persons import SeenFace, join_faces


def face(number: float, *frames: int, score: float = 0.9) -> SeenFace:
    """A face with one embedding, whose first number is given."""
    embedding = np.zeros((1, 128), np.float32)
    embedding[0, 0] = number
    count = len(frames)
    boxes = np.tile(np.array([0, 0, 100, 100], np.float32), (count, 1)) + np.array(frames, np.float32)[:, None]
    scores, sharpness = np.full(count, score, np.float32), np.full(count, 100, np.float32)
    return SeenFace(frames, boxes, np.zeros((count, 5, 2), np.float32), scores, sharpness, embedding)


def gallery(**numbers: float) -> Gallery:
    embeddings = np.zeros((len(numbers), 128), np.float32)
    embeddings[:, 0] = list(numbers.values())
    return Gallery(tuple((name, name.upper()) for name in numbers), np.arange(len(numbers)), embeddings, 0)


def frames_of(people: list) -> list[list[int]]:
    return sorted(sorted(person.frames) for person in people)


def test_near_faces_are_one_person() -> None:
    assert frames_of(join_faces([face(0.0, 0), face(0.4, 5), face(2.0, 6)])) == [[0, 5], [6]]


def test_two_faces_in_one_frame_are_two_people_however_alike() -> None:
    assert frames_of(join_faces([face(0.0, 0, 1), face(0.01, 1, 2)])) == [[0, 1], [1, 2]]


def test_no_face_is_nobody() -> None:
    assert join_faces([]) == []
    assert name_people([], gallery(ann=0.0)) == []


def test_the_best_face_of_a_person_is_shown() -> None:
    (person,) = join_faces([face(0.0, 3, score=0.8), face(0.1, 7, 8, score=0.99)])
    assert (person.best.frame, person.best.box) == (7, (7, 7, 107, 107))


def test_who_is_near_is_named_and_who_is_far_is_unknown() -> None:
    found = name_people([face(0.0, 0, 1, 2), face(3.0, 0, 1)], gallery(ann=0.1, bob=9.0))
    assert [(one.name, len(one.person.frames)) for one in found] == [("ANN", 3), (None, 2)]
    assert found[1].named is not None and not found[1].named.is_known


def test_those_of_one_name_are_one_person_unless_a_frame_shows_both() -> None:
    known = gallery(ann=0.0)
    apart = name_people([face(-0.3, 0), face(0.3, 1)], known)  # too far from each other to be joined by looks
    assert [(one.name, sorted(one.person.frames)) for one in apart] == [("ANN", [0, 1])]
    together = name_people([face(-0.2, 0), face(0.3, 0)], known)
    assert [one.name for one in together] == ["ANN", None]


def test_an_empty_gallery_names_nobody() -> None:
    (one,) = name_people([face(0.0, 0)], empty_gallery())
    assert (one.name, one.named) == (None, None)


def test_a_gallery_is_told_from_others_by_its_people_and_pictures() -> None:
    digests = {one.digest for one in (gallery(ann=0.0), gallery(ann=0.1), gallery(bob=0.0), empty_gallery())}
    assert len(digests) == 4
    assert gallery(ann=0.0).digest == gallery(ann=0.0).digest

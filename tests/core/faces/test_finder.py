"""Real faces in frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from autotag_core.faces.detector import FaceDetector
from autotag_core.faces.embedder import FaceEmbedder
from autotag_core.faces.finder import FaceFinder
from autotag_core.faces.gallery import Gallery, empty_gallery
from autotag_core.faces.looker import FaceLooker
from tests.core.faces.conftest import picture

ENROLLED = ("s1", "s2", "s3")


@pytest.fixture(scope="module")
def finder(faces_folder: Path, embedder: FaceEmbedder) -> FaceFinder:
    """Knows three people by two pictures each."""
    detector = FaceDetector()
    frames = np.stack([picture(faces_folder, person, number) for person in ENROLLED for number in (1, 2)])
    chips = [embedder.chip(frames[faces[0].frame], faces[0]) for faces in detector.detect(frames)]
    people = tuple((person, person.upper()) for person in ENROLLED)
    return FaceFinder(Gallery(people, np.repeat(np.arange(3), 2), embedder.embed(chips), 0), FaceLooker(20, embedder))


def beside(*pictures: np.ndarray) -> np.ndarray:
    return np.concatenate(pictures, axis=1)


def test_people_are_named_and_strangers_are_unknown(finder: FaceFinder, faces_folder: Path) -> None:
    both = [beside(picture(faces_folder, "s2", number), picture(faces_folder, "s9", number)) for number in (5, 6, 7)]
    alone = [beside(picture(faces_folder, "s1", number), np.full((224, 184, 3), 90, np.uint8)) for number in (8, 9)]
    found = finder.find(np.stack(both + alone))
    assert [(one.name, len(one.person.frames)) for one in found.people] == [("S2", 3), (None, 3), ("S1", 2)]
    best = found.people[0].person.best
    assert 0 < best.box[0] < best.box[2] < 184  # the left half


def test_a_person_who_comes_back_elsewhere_is_named_once(finder: FaceFinder, faces_folder: Path) -> None:
    empty = np.full((224, 184, 3), 90, np.uint8)
    left = [beside(picture(faces_folder, "s3", number), empty) for number in (5, 6)]
    right = [beside(empty, picture(faces_folder, "s3", number)) for number in (7, 8)]
    found = finder.find(np.stack([*left, beside(empty, empty), beside(empty, empty), *right]))
    assert [(one.name, len(one.person.frames)) for one in found.people] == [("S3", 4)]


@pytest.mark.parametrize("shape", [(1, 1, 1, 3), (3, 8, 400, 3), (2, 64, 64, 3), (1, 900, 700, 3)])
def test_frames_without_faces_show_nobody(shape: tuple[int, ...], embedder: FaceEmbedder) -> None:
    noise = np.random.default_rng(0).integers(0, 255, shape, dtype=np.uint8)
    found = FaceFinder(empty_gallery(), FaceLooker(20, embedder)).find(noise)
    assert found.people == ()
    assert found.num_frames == shape[0]

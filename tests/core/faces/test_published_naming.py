"""The published way to name people, with literal embeddings in few dimensions."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.mixture import GaussianMixture

from autotag_core.faces.gallery import Gallery, empty_gallery
from autotag_core.faces.persons import SeenFace
from autotag_core.faces.published_naming import PublishedRule, group_faces, log_probabilities, name_as_published

ANN, BOB, EVE = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)


def face(frame: int, *embeddings: tuple[float, ...]) -> SeenFace:
    boxes, landmarks = np.array([[0, 0, 9, 9]], np.float32), np.zeros((1, 5, 2), np.float32)
    one = np.ones(1, np.float32)
    return SeenFace((frame,), boxes, landmarks, one, one, np.array(embeddings, np.float32))


def gallery(*pictures: tuple[str, tuple[float, ...]]) -> Gallery:
    names = sorted({name for name, _ in pictures})
    owners = np.array([names.index(name) for name, _ in pictures])
    embeddings = np.array([embedding for _, embedding in pictures], np.float32)
    return Gallery(tuple((name, name.title()) for name in names), owners, embeddings, 0)


KNOWN = gallery(("ann", ANN), ("bob", BOB), ("eve", EVE))
RULE = PublishedRule(scale=10.0, known_score=0.8)


def near(center: tuple[float, ...], *moved: float) -> tuple[float, ...]:
    return tuple(number + move for number, move in zip(center, moved, strict=True))


def test_a_center_is_the_mean_of_a_persons_pictures() -> None:
    known = gallery(("ann", (1.0, 0.0)), ("bob", (0.0, 4.0)), ("ann", (3.0, 2.0)))
    assert known.centers.tolist() == [[2.0, 1.0], [0.0, 4.0]]


def test_probabilities_are_the_softmax_of_minus_scaled_squared_distances() -> None:
    points, centers = np.array([[0.0, 0.0], [3.0, 0.0]]), np.array([[1.0, 0.0], [0.0, 2.0]])
    squares = np.array([[1.0, 4.0], [4.0, 13.0]])
    wanted = np.exp(-0.5 * squares) / np.exp(-0.5 * squares).sum(axis=1, keepdims=True)
    assert np.exp(log_probabilities(points, centers, 0.5)) == pytest.approx(wanted)


def test_faces_are_grouped_as_scikit_learns_mixture_groups_them() -> None:
    chance = np.random.default_rng(3)
    points = np.concatenate([chance.normal(center, 0.05, (6, 3)) for center in (ANN, BOB)])
    best = np.repeat([0, 1], 6)
    mixture = GaussianMixture(
        2, covariance_type="tied", means_init=np.array([ANN, BOB]), weights_init=[0.5, 0.5], random_state=1000
    )
    assert group_faces(points, best, np.array([ANN, BOB, EVE])) == pytest.approx(
        mixture.fit(points).predict_proba(points)
    )


def test_each_group_gets_the_likeliest_name() -> None:
    faces = [face(0, near(ANN, 0, 0.1, 0), near(ANN, 0, -0.1, 0)), face(0, near(BOB, 0.1, 0, 0)), face(1, BOB)]
    found = name_as_published(faces, KNOWN, RULE)
    assert [(one.name, sorted(one.person.frames)) for one in found] == [("Bob", [0, 1]), ("Ann", [0])]


def test_a_group_between_people_is_unknown_and_its_product_still_names_the_likeliest() -> None:
    (one,) = name_as_published([face(0, (0.55, 0.45, 0.0)), face(1, (0.55, 0.45, 0.0))], KNOWN, RULE)
    assert one.name is None and one.named is not None
    assert one.named.name == "Ann"
    # squared distances 0.405 and 0.605: each face gives e^2 to 1, both together e^4 to 1
    assert one.named.probability == pytest.approx(1 / (1 + np.exp(-4)), abs=1e-4)


def test_a_product_of_many_small_probabilities_does_not_underflow() -> None:
    # at this scale each face has a probability of about e^-400 for everybody but Ann
    (one,) = name_as_published([face(at, ANN) for at in range(40)], KNOWN, PublishedRule(scale=200.0))
    assert one.name == "Ann" and one.named is not None and one.named.probability == pytest.approx(1.0)


def test_somebody_far_away_in_the_direction_of_a_person_is_named_as_the_cosine_can_not_tell() -> None:
    (one,) = name_as_published([face(0, (9.0, 0.0, 0.0))], KNOWN, RULE)
    assert one.name == "Ann"


def test_two_groups_of_one_name_are_one_person(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autotag_core.faces.published_naming.group_faces", lambda *_: np.eye(3))
    found = name_as_published([face(0, ANN), face(1, BOB), face(2, near(ANN, 0, 0.1, 0))], KNOWN, RULE)
    assert [(one.name, sorted(one.person.frames)) for one in found] == [("Ann", [0, 2]), ("Bob", [1])]


def test_all_embeddings_of_a_face_go_to_one_group() -> None:
    """Its second embedding alone would be Bob's."""
    found = name_as_published([face(0, ANN, near(ANN, 0, 0.1, 0), (0.45, 0.55, 0.0)), face(1, BOB)], KNOWN, RULE)
    assert [(one.name, sorted(one.person.frames)) for one in found] == [("Ann", [0]), ("Bob", [1])]


def test_without_faces_or_enrolled_people_nobody_is_named() -> None:
    assert name_as_published([], KNOWN) == []
    assert [one.named for one in name_as_published([face(0, ANN), face(1, BOB)], empty_gallery())] == [None, None]

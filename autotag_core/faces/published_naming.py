"""Followed faces of a GIF in; its persons out, named as celeb-detection-oss did (GIPHY 2019).

Kept as a setting so that the two ways can be compared. Each face is classified, a Gaussian mixture groups the faces,
and each group is named by the product of its faces' probabilities.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autotag_core.faces.gallery import Gallery, Named
from autotag_core.faces.naming import FoundPerson, in_order
from autotag_core.faces.persons import Person, SeenFace

_SEED = 1000
"""Of the mixture, as published."""


@dataclass(frozen=True)
class PublishedRule:
    """The two numbers of the published way that depend on the network."""

    scale: float = 15.0
    """Probabilities are the softmax of minus the squared distance to each person's centre, times this.

    It stands in for the published classifier, which knows only those it was trained with. A gallery grows without
    training.
    """
    known_score: float = 0.5
    """A group is known from this mean of best probability x cosine to the centre on."""


RULE = PublishedRule()
"""Chosen on GIFs of which no figure is reported: `python -m benchmarks.faces_rule`."""


def name_as_published(faces: Sequence[SeenFace], gallery: Gallery, rule: PublishedRule = RULE) -> list[FoundPerson]:
    """The persons of a GIF whose faces have embeddings, each enrolled person once. Ordered as by `name_people`.

    In an empty gallery there are no classes to group by: each followed face is somebody unknown. Cost: embeddings
    x people, and a mixture in as many dimensions as an embedding has.
    """
    if not faces:
        return []
    if not gallery.people:
        return in_order([FoundPerson(Person((face,)), None) for face in faces])
    points = np.concatenate([face.embeddings for face in faces]).astype(np.float64)  # (n, d)
    owners = np.repeat(np.arange(len(faces)), [len(face.embeddings) for face in faces])  # (n,)
    logs = log_probabilities(points, gallery.centers, rule.scale)  # (n, people)
    best = logs.argmax(axis=1)
    scores = np.exp(logs.max(axis=1)) * _cosines(points, gallery.centers[best])
    groups = _of_faces(group_faces(points, best, gallery.centers), owners, len(faces))
    found: dict[tuple[str, int], FoundPerson] = {}
    for group in np.unique(groups):
        members = tuple(face for face, at in zip(faces, groups, strict=True) if at == group)
        mine = groups[owners] == group
        named = _named(points[mine], logs[mine].sum(axis=0), float(scores[mine].mean()), (gallery, rule))
        key = (named.person_id, -1) if named.is_known else ("", int(group))
        if key in found:  # two groups of one name are one person
            members, named = found[key].person.faces + members, found[key].named or named
        found[key] = FoundPerson(Person(members), named)
    return in_order(list(found.values()))


def log_probabilities(points: np.ndarray, centers: np.ndarray, scale: float) -> np.ndarray:
    """(n, people): logs of how likely each of the points (n, d) is each person, who has a center (people, d)."""
    squares = (points**2).sum(axis=1)[:, None] + (centers**2).sum(axis=1) - 2 * points @ centers.T
    logits = -scale * np.maximum(squares, 0)
    logits -= logits.max(axis=1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def group_faces(points: np.ndarray, best: np.ndarray, centers: np.ndarray) -> np.ndarray:
    """(n, groups): how likely each of the points (n, d) belongs to each group.

    A Gaussian mixture with tied covariance. It has one component for each distinct class among `best` (n,), which
    starts at that class's center with its share of the faces.
    """
    classes, counts = np.unique(best, return_counts=True)
    if len(classes) == 1:
        return np.ones((len(points), 1))
    from sklearn.mixture import GaussianMixture

    mixture = GaussianMixture(
        len(classes),
        covariance_type="tied",
        means_init=centers[classes],
        weights_init=counts / counts.sum(),
        random_state=_SEED,
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # few points in many dimensions do not always settle
            likely: np.ndarray = mixture.fit(points).predict_proba(points)
    except ValueError:  # a covariance that can't be inverted
        likely = (best[:, None] == classes).astype(np.float64)
    return likely


def _of_faces(likely: np.ndarray, owners: np.ndarray, count: int) -> np.ndarray:
    """(faces,): the group of each face, the likeliest for all its embeddings together."""
    logs = np.zeros((count, likely.shape[1]))
    np.add.at(logs, owners, np.log(np.maximum(likely, 1e-300)))
    return logs.argmax(axis=1)


def _named(points: np.ndarray, logs: np.ndarray, score: float, by: tuple[Gallery, PublishedRule]) -> Named:
    """The likeliest person of a group: the product of its probabilities, as a sum of logs, since products underflow."""
    gallery, rule = by
    top = int(logs.argmax())
    probability = 1 / np.exp(logs - logs[top]).sum()
    distance = np.linalg.norm(points - gallery.centers[top], axis=1).mean()
    return Named(*gallery.people[top], float(distance), float(probability), score >= rule.known_score)


def _cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(n,): of each row of a and the same row of b."""
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return np.asarray((a * b).sum(axis=1) / np.maximum(lengths, 1e-12))

"""People who look like one, with literal embeddings."""

from __future__ import annotations

import numpy as np

from autotag_core.faces.gallery import Gallery
from autotag_core.faces.look_alikes import look_alikes

PEOPLE = (("a", "Ann"), ("b", "Bob"), ("c", "Cid"))


def gallery(*places: float) -> Gallery:
    """Each person's only picture at its place on a line."""
    rows = np.array([[place, *[0.0] * 127] for place in places], np.float32)
    return Gallery(PEOPLE[: len(places)], np.arange(len(places)), rows, 0)


def test_who_was_enrolled_is_named_beside_the_nearest_person_each_pair_once() -> None:
    ((one, other, distance),) = look_alikes(gallery(0.0, 0.25, 0.45), {"a", "b"})[:1]
    assert (one, other, distance) == (PEOPLE[0], PEOPLE[1], 0.25)
    found = look_alikes(gallery(0.0, 0.25, 0.45), {"a", "b", "c"})
    assert [(one[0], other[0]) for one, other, _ in found] == [("a", "b"), ("b", "c")]


def test_who_is_too_far_or_alone_or_was_not_asked_about_is_not_named() -> None:
    assert look_alikes(gallery(0.0, 0.54), {"a", "b"}) == []
    assert look_alikes(gallery(0.0), {"a"}) == []
    assert look_alikes(gallery(0.0, 0.1), set()) == []

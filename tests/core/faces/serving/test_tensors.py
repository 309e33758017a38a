"""People as tensors."""

from __future__ import annotations

import numpy as np
import pytest

from autotag_core.faces.finder import FoundPeople
from autotag_core.faces.gallery import Named
from autotag_core.faces.naming import FoundPerson
from autotag_core.faces.persons import Person, SeenFace

pytest.importorskip("mlserver", reason="no mlserver: it does not run on this Python")


def person(named: Named | None) -> FoundPerson:
    face = SeenFace(
        (4,),
        np.array([[1, 2, 30, 40]], np.float32),
        np.zeros((1, 5, 2), np.float32),
        np.ones(1, np.float32),
        np.ones(1, np.float32),
        np.zeros((1, 128), np.float32),
    )
    return FoundPerson(Person((face,)), named)


def test_each_gif_has_rows_for_twenty_people() -> None:
    from autotag_core.faces.serving.tensors import encoded

    people = (
        person(Named("ann", "Ännchen", 0.3, 0.99, True)),
        person(Named("bob", "Bob", 0.7, 0.1, False)),
        person(None),
    )
    found = encoded(
        [FoundPeople("", people, 9), FoundPeople("", (person(None),) * 25, 9), FoundPeople("", error="gone")]
    )
    data = {one.name: getattr(one.data, "root", one.data) for one in found}
    assert {one.name: one.shape for one in found} == {
        "num_people": [3], "names": [3, 20], "person_ids": [3, 20], "probabilities": [3, 20], "frames": [3, 20],
        "boxes": [3, 20, 4], "error": [3],
    }  # fmt: skip
    assert {one.name: len(data[one.name]) for one in found} == {one.name: int(np.prod(one.shape)) for one in found}
    assert data["num_people"] == [3, 20, 0]
    assert data["names"][:4] == ["Ännchen".encode(), b"", b"", b""]
    assert data["person_ids"][:2] == [b"ann", b""]
    assert data["probabilities"][:4] == [0.99, 0.1, 0.0, 0.0]
    assert data["frames"][:4] == [4, 4, 4, -1]
    assert data["boxes"][8:16] == [1, 2, 30, 40, -1, -1, -1, -1]
    assert data["error"] == [b"", b"", b"gone"]

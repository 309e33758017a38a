"""People who are drawn: each is a pattern under noise."""

from __future__ import annotations

import numpy as np
import pytest

from autotag_core.faces.network.face_pictures import FacePictures
from autotag_core.faces.network.face_record import FacePerson


@pytest.fixture(scope="session")
def drawn() -> FacePictures:
    """Six people with ten pictures each, blocks of colour that are a person's own with noise over them."""
    chance = np.random.default_rng(5)
    patterns = chance.integers(0, 255, (6, 4, 4, 3)).repeat(8, 1).repeat(8, 2)
    chips = patterns.repeat(10, 0) + chance.normal(0, 20, (60, 32, 32, 3))
    people = tuple(FacePerson(person_id=f"p{at}", name=f"Person {at}") for at in range(6))
    return FacePictures(people, chips.clip(0, 255).astype(np.uint8), np.repeat(np.arange(6), 10))

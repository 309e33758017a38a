"""Enrolled people who look like one person, perhaps because two names of somebody were enrolled."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from autotag_core.faces.gallery import KNOWN_DISTANCE, Gallery

_Person = tuple[str, str]
"""(person_id, name)."""


def look_alikes(gallery: Gallery, person_ids: Collection[str]) -> list[tuple[_Person, _Person, float]]:
    """Each of these people with the other one who looks most like them, if a name would be given at that distance.

    By person_id, each pair once. Cost: people that are asked about times the gallery's pictures.
    """
    found: dict[tuple[int, int], float] = {}
    for at, (person_id, _) in enumerate(gallery.people):
        if person_id not in person_ids or len(gallery.people) < 2:
            continue
        distances = gallery.distances(gallery.embeddings[gallery.owners == at])
        distances[at] = np.inf
        nearest = int(distances.argmin())
        if distances[nearest] < KNOWN_DISTANCE:
            found[min(at, nearest), max(at, nearest)] = float(distances[nearest])
    return [(gallery.people[one], gallery.people[other], apart) for (one, other), apart in sorted(found.items())]

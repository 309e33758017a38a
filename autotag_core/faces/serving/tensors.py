"""The people of GIFs as tensors of the Open Inference Protocol V2. Requests are those of the tagger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlserver.types import MetadataTensor, Parameters, ResponseOutput

from autotag_core.faces.finder import FoundPeople

MAX_PEOPLE = 20
"""Of a GIF that are given, those in the most frames first."""
_BOX = 4
_NONE = -1
"""Where a GIF has fewer people."""
_SHAPES: dict[str, tuple[str, list[int]]] = {
    "num_people": ("INT32", [-1]),
    "names": ("BYTES", [-1, MAX_PEOPLE]),
    "person_ids": ("BYTES", [-1, MAX_PEOPLE]),
    "probabilities": ("FP32", [-1, MAX_PEOPLE]),
    "frames": ("INT32", [-1, MAX_PEOPLE]),
    "boxes": ("FP32", [-1, MAX_PEOPLE, _BOX]),
    "error": ("BYTES", [-1]),
}
OUTPUTS = [MetadataTensor(name=name, datatype=kind, shape=shape) for name, (kind, shape) in _SHAPES.items()]
"""What `encoded` gives."""


def encoded(found: Sequence[FoundPeople]) -> list[ResponseOutput]:
    """The tensors of n GIFs, by _SHAPES.

    Of each person: name and person_id, empty for somebody unknown; the probability that it is the nearest enrolled
    person; the number of the best frame, and the face's box in it: left, top, right, bottom, pixels of the file. Rows
    past num_people are empty, 0 and -1. A GIF that could not be read has nobody and says why.
    """
    data: dict[str, list[Any]] = {name: [] for name in _SHAPES}
    for one in found:
        people = one.people[:MAX_PEOPLE]
        missing = MAX_PEOPLE - len(people)
        data["num_people"].append(len(people))
        named = [person.named if person.name is not None else None for person in people]
        data["names"] += [*((by.name if by else "").encode() for by in named), *[b""] * missing]
        data["person_ids"] += [*((by.person_id if by else "").encode() for by in named), *[b""] * missing]
        data["probabilities"] += [person.named.probability if person.named else 0.0 for person in people]
        data["probabilities"] += [0.0] * missing
        data["frames"] += [*(person.person.best.frame for person in people), *[_NONE] * missing]
        data["boxes"] += [side for person in people for side in person.person.best.box]
        data["boxes"] += [float(_NONE)] * (missing * _BOX)
        data["error"].append((one.error or "").encode())
    return [
        ResponseOutput(
            name=name,
            datatype=kind,
            shape=[len(found), *shape[1:]],
            data=data[name],
            parameters=Parameters(content_type="str") if kind == "BYTES" else None,
        )
        for name, (kind, shape) in _SHAPES.items()
    ]

"""GIFs and predictions as tensors of the Open Inference Protocol V2."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

from mlserver.errors import InferenceError
from mlserver.types import InferenceRequest, MetadataTensor, Parameters, RequestInput, ResponseOutput

from autotag_core.tagger.predictor import NUM_SPEAKING, Prediction

GIF, URI = "gif", "uri"
MAX_GIFS = 32
"""GIFs of one request, and of one batch."""
INPUTS = [
    MetadataTensor(name=GIF, datatype="BYTES", shape=[-1]),
    MetadataTensor(name=URI, datatype="BYTES", shape=[-1]),
]
"""One of both: files, raw or in base64, or where they are."""
NO_FRAME = -1
"""Where fewer than NUM_SPEAKING frames speak for a tag."""


def outputs_metadata(num_tags: int) -> list[MetadataTensor]:
    """What `encoded` gives."""
    shapes: dict[str, tuple[str, list[int]]] = {
        "tags": ("BYTES", [-1, num_tags]),
        "probabilities": ("FP32", [-1, num_tags]),
        "accepted": ("BOOL", [-1, num_tags]),
        "frames": ("INT32", [-1, num_tags, NUM_SPEAKING]),
        "error": ("BYTES", [-1]),
    }
    return [MetadataTensor(name=name, datatype=kind, shape=shape) for name, (kind, shape) in shapes.items()]


def checked(request: InferenceRequest) -> InferenceRequest:
    """The request with its GIFs as bytes and its URIs as texts. InferenceError where it is none that can be answered.

    It is checked alone, before it becomes part of a batch, so that a wrong one spoils no other.
    """
    if len(request.inputs) != 1 or request.inputs[0].name not in (GIF, URI):
        named = ", ".join(one.name for one in request.inputs) or "none"
        raise InferenceError(f"inputs are {named}: give one, `{GIF}` with files or `{URI}` with their places")
    given = request.inputs[0]
    if given.datatype != "BYTES":
        raise InferenceError(f"{given.name}: datatype is {given.datatype}, it must be BYTES")
    data = getattr(given.data, "root", given.data)
    if not isinstance(data, list) or not 1 <= len(data) <= MAX_GIFS:
        raise InferenceError(f"{given.name}: data must be a list of 1 to {MAX_GIFS} items")
    items: list[Any] = [_file(one) if given.name == GIF else _text(one) for one in data]
    tensor = RequestInput(name=given.name, datatype="BYTES", shape=[len(items)], data=items)
    return InferenceRequest(id=request.id, inputs=[tensor], parameters=request.parameters)


def _file(item: object) -> bytes:
    """The bytes of a file. No image is text of base64 alone, so that both can be told apart."""
    data = item.encode() if isinstance(item, str) else item
    if not isinstance(data, bytes):
        raise InferenceError(f"{GIF}: an item is {type(item).__name__}, it must be a file's bytes or their base64")
    try:
        return base64.b64decode(data, validate=True)
    except binascii.Error:
        if isinstance(item, str):
            raise InferenceError(f"{GIF}: a text is no base64") from None
        return data


def _text(item: object) -> str:
    try:
        return item.decode() if isinstance(item, bytes) else str(item)
    except UnicodeDecodeError:
        raise InferenceError(f"{URI}: an item is no text in UTF-8") from None


def items_of(request: InferenceRequest) -> list[str | bytes]:
    """The files and URIs of a checked request, or of several that were made one."""
    return [item for one in request.inputs for item in getattr(one.data, "root", one.data)]


def encoded(predictions: Sequence[Prediction], num_tags: int) -> list[ResponseOutput]:
    """tags, probabilities, accepted (n, num_tags), frames (n, num_tags, NUM_SPEAKING) and error (n).

    A GIF that could not be read has empty tags and says why; `error` is empty for the others.
    """
    num = len(predictions)
    tags: list[bytes] = []
    probabilities, accepted, frames = [], [], []
    for one in predictions:
        missing = num_tags - len(one.tags)
        tags += [*(tag.tag.encode() for tag in one.tags), *[b""] * missing]
        probabilities += [*(tag.probability for tag in one.tags), *[0.0] * missing]
        accepted += [*(tag.accepted for tag in one.tags), *[False] * missing]
        for tag in one.tags:
            frames += [*tag.frames, *[NO_FRAME] * (NUM_SPEAKING - len(tag.frames))]
        frames += [NO_FRAME] * (missing * NUM_SPEAKING)
    errors = [(one.error or "").encode() for one in predictions]
    text = Parameters(content_type="str")
    found: list[tuple[str, str, list[int], list[Any], Parameters | None]] = [
        ("tags", "BYTES", [num, num_tags], tags, text),
        ("probabilities", "FP32", [num, num_tags], probabilities, None),
        ("accepted", "BOOL", [num, num_tags], accepted, None),
        ("frames", "INT32", [num, num_tags, NUM_SPEAKING], frames, None),
        ("error", "BYTES", [num], errors, text),
    ]
    return [
        ResponseOutput(name=name, datatype=kind, shape=shape, data=data, parameters=parameters)
        for name, kind, shape, data, parameters in found
    ]

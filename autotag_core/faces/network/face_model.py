"""A network for faces in its folder: written after a training or a conversion, read as an embedder."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import ValidationError

from autotag_core import storage
from autotag_core.errors import InputError
from autotag_core.experts.weight_files import fetch_weights, filled, weights_as_bytes
from autotag_core.faces.network.face_network import FaceNetwork
from autotag_core.faces.network.face_record import FaceRecord

if TYPE_CHECKING:
    import torch

MODEL = "model.safetensors"
_RECORD = "record"


def write_face_model(
    uri: str, record: FaceRecord, tensors: Mapping[str, torch.Tensor], others: Mapping[str, bytes]
) -> str:
    """Write a folder: config.json, labels.csv, the other files, the model last. Gives the model's sha256."""
    data = weights_as_bytes(tensors, {_RECORD: record.model_dump_json()})
    sha256 = hashlib.sha256(data).hexdigest()
    files = {
        "config.json": record.model_dump_json(indent=1, exclude={"people"}).encode(),
        "labels.csv": _labels(record),
        **others,
        f"{MODEL}.sha256": f"{sha256}  {MODEL}\n".encode(),
        MODEL: data,
    }
    for name, content in files.items():
        storage.write_bytes(storage.join(uri, name), content)
    return sha256


def _labels(record: FaceRecord) -> bytes:
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["index", "person_id", "name"])
    writer.writerows([at, one.person_id, one.name] for at, one in enumerate(record.people))
    return file.getvalue().encode()


def read_face_model(uri: str) -> tuple[FaceNetwork, FaceRecord, str]:
    """(network, record, sha256) of a folder, or of the model.safetensors in it.

    InputError where there is none, or where it is damaged or something else.
    """
    file = uri if uri.endswith(".safetensors") else storage.join(uri, MODEL)
    if not storage.is_file(file):
        raise InputError(f"{uri}: no {MODEL} there: train one with `autotag faces train`")
    fetched = fetch_weights(file)
    try:
        record = FaceRecord.model_validate_json(fetched.metadata[_RECORD])
    except (KeyError, ValidationError):
        raise InputError(f"{file}: not a network for faces of `autotag faces train` or `convert`") from None
    network = filled(lambda: FaceNetwork(record.stem, len(record.people)), fetched.tensors, f"{record.stem} for faces")
    return network, record, fetched.sha256

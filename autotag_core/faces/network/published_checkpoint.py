"""A checkpoint of celeb-detection-oss (GIPHY 2019) in; the tensors and people of a network for faces out."""

from __future__ import annotations

import csv
import io
import pickle
import re
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch

from autotag_core.errors import InputError
from autotag_core.experts.weight_files import filled
from autotag_core.faces.gallery import KNOWN_DISTANCE
from autotag_core.faces.network.face_network import DIMENSION, FaceNetwork
from autotag_core.faces.network.face_pictures import MARGIN
from autotag_core.faces.network.face_record import FacePerson, FaceRecord, Stem

_SIDE = 224
_STATE, _MODEL, _CENTERS = "model_state", "model.", "center_loss_criterion.centers"
_NEEDED = ("model.stem.0.weight", "model.fc1.weight", "model.fc1.bias", "model.fc2.weight", "model.fc2.bias", _CENTERS)
_STEMS: dict[tuple[tuple[int, ...], bool], Stem] = {
    ((2, 2, 2, 2), False): "resnet18",
    ((3, 4, 6, 3), False): "resnet34",
    ((3, 4, 6, 3), True): "resnet50",
    ((3, 4, 23, 3), True): "resnet101",
}
"""By blocks of each of the four layers, and whether a block has three convolutions."""
_LABEL = re.compile(r"(.+?)_*\[([^\[\]]+)\]")


def read_checkpoint(path: Path) -> tuple[dict[str, torch.Tensor], Stem]:
    """(tensors of a FaceNetwork by name, its stem) of a file with the keys model.* and center_loss_criterion.centers.

    They may be under the key model_state, as published. Only tensors and plain values are unpickled. InputError for
    a file that is damaged, that holds code, or in which a key is missing.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # of a newer pickle, which the error says too
            loaded = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise InputError(f"checkpoint {path}: {error.strerror or error}") from None
    except (RuntimeError, EOFError, ValueError, KeyError, IndexError, AttributeError, pickle.UnpicklingError):
        # torch's own words advise to run the code
        raise InputError(
            f"checkpoint {path}: it is damaged or holds code: only tensors and plain values are read"
        ) from None
    state = loaded.get(_STATE, loaded) if isinstance(loaded, Mapping) else None
    if not isinstance(state, Mapping):
        raise InputError(f"checkpoint {path}: it must map names to tensors")
    missing = [key for key in _NEEDED if not isinstance(state.get(key), torch.Tensor)]
    if missing:
        raise InputError(f"checkpoint {path}: {missing[0]} is missing ({len(missing)} of {len(_NEEDED)} keys)")
    tensors = {
        key.removeprefix(_MODEL): tensor.float() if tensor.is_floating_point() else tensor
        for key, tensor in state.items()
        if isinstance(key, str) and key.startswith(_MODEL) and isinstance(tensor, torch.Tensor)
    }
    tensors["centers"] = state[_CENTERS].float()
    for key in [key for key in tensors if key.endswith("running_var")]:  # torch of 2018 did not count batches
        tensors.setdefault(f"{key.removesuffix('running_var')}num_batches_tracked", torch.tensor(0))
    return tensors, _stem_of(path, tensors)


def _stem_of(path: Path, tensors: Mapping[str, torch.Tensor]) -> Stem:
    blocks = tuple(len({key.split(".")[2] for key in tensors if key.startswith(f"stem.{at}.")}) for at in range(4, 8))
    has_three = any(".conv3." in key for key in tensors)
    if (blocks, has_three) not in _STEMS:
        raise InputError(
            f"checkpoint {path}: its layers have {', '.join(map(str, blocks))} blocks; ResNet-50 has 3, 4, 6, 3"
        )
    return _STEMS[blocks, has_three]


def read_labels(path: Path) -> tuple[FacePerson, ...]:
    """The people by class, of a CSV file with a heading and lines `First_Last_[m.id],index`.

    Where the indices are not 0 to n - 1, they are the publisher's ids of tags: classes are then in the order of the
    labels, as the published code has it. InputError for a line of another form, and for two people with one id.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeError) as error:
        raise InputError(f"labels {path}: {getattr(error, 'strerror', None) or 'not UTF-8'}") from None
    rows = [(number, row) for number, row in enumerate(csv.reader(io.StringIO(text)), 1) if row]
    if rows and not rows[0][1][-1].strip().isdigit():
        rows = rows[1:]
    found = []
    for number, row in rows:
        if len(row) != 2 or not row[0].strip() or not row[1].strip().isdigit():
            raise InputError(f"labels {path}, line {number}: write Name_[m.id],index")
        found.append((int(row[1]), row[0].strip()))
    has_classes = sorted(index for index, _ in found) == list(range(len(found)))
    labels = [label for _, label in (sorted(found) if has_classes else sorted(found, key=lambda one: one[1]))]
    people = tuple(map(_person, labels))
    if len({one.person_id for one in people}) < len(people):
        raise InputError(f"labels {path}: two lines have one id")
    return people


def _person(label: str) -> FacePerson:
    found = _LABEL.fullmatch(label)
    name, person_id = found.groups() if found else (label, label)
    return FacePerson(person_id=person_id, name=name.replace("_", " ").strip())


def convert_checkpoint(checkpoint: Path, labels: Path) -> tuple[FaceRecord, dict[str, torch.Tensor]]:
    """What write_face_model needs. InputError where labels and tensors don't fit each other or the network.

    The checkpoint says nothing about distances of pictures. So the limit is half the distance, in the middle, of a
    person's center to the nearest other one: a stand-in, until `autotag faces evaluate` says how good it is.
    """
    tensors, stem = read_checkpoint(checkpoint)
    people = read_labels(labels)
    count = len(tensors["fc2.bias"])
    if len(people) != count:
        raise InputError(f"labels {labels}: {len(people)} people, but {checkpoint} tells {count} apart")
    filled(lambda: FaceNetwork(stem, len(people)), tensors, f"{stem} with {DIMENSION} numbers for {len(people)} people")
    centers = torch.nn.functional.normalize(tensors["centers"].double(), dim=1)
    apart = torch.cdist(centers, centers)
    apart.fill_diagonal_(torch.inf)
    limit = float(apart.min(dim=1).values.median()) / 2 if len(people) > 1 else 1.0
    scale = KNOWN_DISTANCE / max(limit, 1e-6)
    return FaceRecord(stem=stem, side=_SIDE, margin=MARGIN, scale=scale, people=people, source="converted"), tensors

"""A trained tagger in one file: its tensors, and the record of what it is and how it was made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from autotag_core import storage
from autotag_core.errors import InputError
from autotag_core.experts.weight_files import fetch_weights, filled, weights_as_bytes
from autotag_core.tagger.experiment import Experiment
from autotag_core.tagger.temperature import scaled_probabilities

if TYPE_CHECKING:
    import torch

    from autotag_core.tagger.tagger_head import TaggerHead

_RECORD, _BASE = "record", "base."


class TaggerRecord(BaseModel):
    """What a tagger is. It is saved as JSON beside the tensors."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    labels: tuple[str, ...]
    """The tag of each logit."""
    thresholds: tuple[float, ...]
    """Of each tag: the probability from which on it is accepted; 2 where none reaches the wanted precision."""
    temperature: Annotated[float, Field(gt=0)]
    dimension: Annotated[int, Field(ge=1)]
    """How many numbers of a frame the head takes."""
    experiment: Experiment
    config: str
    """Of the release, JSON: it says how frames are made and which backbone sees them."""
    model_version: str
    """Of that backbone. The features of any other version mean something else."""
    base: str | None = None
    """The architecture of a fine-tuned base, whose weights are in the file. None: the release's backbone."""
    run_id: str
    """The release that it was trained on."""

    @model_validator(mode="after")
    def _one_each(self) -> TaggerRecord:
        if len(self.labels) != len(self.thresholds):
            raise ValueError(f"{len(self.thresholds)} thresholds for {len(self.labels)} labels")
        return self


@dataclass(frozen=True, eq=False)
class TaggerModel:
    """A head and its record."""

    record: TaggerRecord
    head: TaggerHead
    sha256: str
    """Of its file."""
    base: dict[str, torch.Tensor] | None
    """The weights of a fine-tuned base."""
    name: str
    """What predictions call it: its run folder's name, or its file's, and 8 hex digits of sha256."""

    def probabilities(self, features: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Calibrated probabilities (n, c) float64 of features (n, t, d) and mask (n, t)."""
        import torch

        with torch.inference_mode():
            logits = self.head(torch.from_numpy(features).float(), torch.from_numpy(mask)).double().numpy()
        return scaled_probabilities(logits, self.record.temperature)

    def frame_probabilities(self, features: np.ndarray) -> np.ndarray:
        """Probabilities (t, c) that a GIF of each frame alone would have, of one GIF's features (t, d)."""
        import torch

        with torch.inference_mode():
            given = torch.from_numpy(features).float()[None]
            logits = self.head.frame_logits(given, torch.ones(given.shape[:2], dtype=torch.bool))[0].double().numpy()
        return scaled_probabilities(logits, self.record.temperature)

    def embedding(self, features: np.ndarray) -> np.ndarray:
        """The layer before the classes (e,) float32 of one GIF's features (t, d)."""
        import torch

        with torch.inference_mode():
            given = torch.from_numpy(features).float()[None]
            return self.head.embed(given, torch.ones(given.shape[:2], dtype=torch.bool))[0].numpy()


def model_bytes(record: TaggerRecord, head: TaggerHead, base: Mapping[str, torch.Tensor] | None = None) -> bytes:
    """The tagger as a .safetensors file: equal ones give equal bytes."""
    tensors = {**head.state_dict(), **{f"{_BASE}{name}": one for name, one in (base or {}).items()}}
    return weights_as_bytes(tensors, {_RECORD: record.model_dump_json()})


def below(tensors: Mapping[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    """The tensors whose names begin with the prefix, named without it."""
    return {name.removeprefix(prefix): one for name, one in tensors.items() if name.startswith(prefix)}


def load_tagger(uri: str) -> TaggerModel:
    """The tagger of a run folder, or of a model.safetensors. InputError where it is missing, damaged or another file.

    A file with its sha256 beside it, as in a run folder, must have that one.
    """
    file = uri if uri.endswith(".safetensors") else storage.join(uri, "model.safetensors")
    fetched = fetch_weights(file)
    tensors, metadata = fetched.tensors, fetched.metadata
    if _RECORD not in metadata:
        raise InputError(f"{file}: no tagger: there is no record in it; `autotag train` writes models/tagger/RUN")
    try:
        record = TaggerRecord.model_validate_json(metadata[_RECORD])
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InputError(f"{file}: its record is wrong: {where} {first['msg']}".strip()) from None
    from autotag_core.tagger.tagger_head import TaggerHead

    base = below(tensors, _BASE) if record.base is not None else None
    tensors = {name: one for name, one in tensors.items() if base is None or not name.startswith(_BASE)}
    head = filled(
        lambda: TaggerHead(record.dimension, len(record.labels), record.experiment), tensors, f"tagger {file}"
    )
    stem = uri.removesuffix(".safetensors").rstrip("/").removesuffix("/model").rpartition("/")[2]
    return TaggerModel(record, head, fetched.sha256, base, f"{stem}-{fetched.sha256[:8]}")

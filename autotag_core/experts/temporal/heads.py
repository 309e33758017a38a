"""A trained temporal relation network in one file: its tensors, and the record of its training."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from autotag_core import storage
from autotag_core.errors import InputError
from autotag_core.experts.vectors import l2_normalised
from autotag_core.experts.weight_files import fetch_weights, filled, weights_as_bytes

if TYPE_CHECKING:
    import torch

    from autotag_core.experts.temporal.relations import MultiScaleRelations

_RECORD, _SHA256, _PROJECTION = "record", "sha256", "projection"

Size = Annotated[int, Field(ge=1)]


class HeadRecord(BaseModel):
    """What a head is and where it comes from. It is saved as JSON beside the tensors."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    feature_dim: Size
    """How many numbers of a frame the network takes."""
    num_segments: Annotated[int, Field(ge=2, le=16)]
    """How many frames of a GIF the network takes."""
    bottleneck: Size
    """Numbers of the embedding per scale."""
    num_classes: Size
    """Number of logits in training."""
    max_relations: Size = 3
    """Relations that are looked at per scale."""
    tags: tuple[str, ...] = ()
    """The class of each logit; empty where they are not known."""
    backbone: str
    """The key in BACKBONES of the network whose frame features it was trained on."""
    backbone_version: str
    """That network's model version. The features of any other version mean something else."""
    centered: bool = False
    """Whether the mean over a GIF's frames is subtracted, so that only changes remain."""
    projected_from: Size | None = None
    """Numbers of a frame before the projection. None: there is no projection."""
    seed: int = 0
    """The seed of its training."""
    metrics: dict[str, float] = {}
    """What training measured, by name."""

    @model_validator(mode="after")
    def _a_tag_for_each_class(self) -> HeadRecord:
        if self.tags and len(self.tags) != self.num_classes:
            raise ValueError(f"{len(self.tags)} tags for {self.num_classes} classes")
        return self


@dataclass(frozen=True, eq=False)
class RelationHead:
    """A network, its record and the matrix (projected_from, feature_dim) that projects frames.

    It stays on the CPU: computing a GIF's few segments is less work than sending them to a GPU.
    """

    record: HeadRecord
    relations: MultiScaleRelations
    projection: np.ndarray | None = None
    file_sha256: str | None = None
    """Of the file it was loaded from."""

    @property
    def dimension(self) -> int:
        """Length of an embedding."""
        return (self.record.num_segments - 1) * self.record.bottleneck

    @property
    def input_dim(self) -> int:
        """How many numbers of a frame `embed` takes."""
        return self.record.projected_from or self.record.feature_dim

    @cached_property
    def version(self) -> str:
        """`trn-<backbone>-<first 12 hex digits of its file's sha256>-fp32`. Unsaved: of the file it would become."""
        sha256 = self.file_sha256 or hashlib.sha256(self.to_bytes()).hexdigest()
        return f"trn-{self.record.backbone}-{sha256[:12]}-fp32"

    def check_backbone(self, backbone_version: str) -> None:
        """InputError unless the head was trained on features of this very network."""
        if backbone_version != self.record.backbone_version:
            raise InputError(
                f"temporal: the head {self.version} was trained on features of {self.record.backbone_version}, "
                f"not of {backbone_version}: train it again, or set that backbone"
            )

    def embed(self, features: np.ndarray) -> np.ndarray | None:
        """A GIF's embedding (dimension,) float32, L2-normalised, of its frames' features (n, input_dim) in order.

        None where nothing happens, that is one frame or all alike: the expert abstains.
        """
        import torch

        from autotag_core.experts.temporal.relations import segment_features

        if features.shape[1] != self.input_dim:
            raise InputError(f"temporal: frames of {features.shape[1]} numbers, {self.version} takes {self.input_dim}")
        if len(features) < 2 or bool((features == features[0]).all()):
            return None
        segments = segment_features(features, self.record.num_segments, self.record.centered, self.projection)
        with torch.inference_mode():
            return l2_normalised(self.relations.fused(torch.from_numpy(segments)[None])[0].numpy())

    def to_bytes(self) -> bytes:
        """The head as a .safetensors file: equal heads give equal bytes."""
        import torch

        tensors = dict(self.relations.state_dict())
        if self.projection is not None:
            tensors[_PROJECTION] = torch.from_numpy(np.ascontiguousarray(self.projection, dtype=np.float32))
        record = self.record.model_dump_json()
        return weights_as_bytes(tensors, {_RECORD: record, _SHA256: _content_sha256(record, tensors)})


def _content_sha256(record: str, tensors: Mapping[str, torch.Tensor]) -> str:
    """Hex sha256 of the record and of each tensor in the order of names: name, type, shape, numbers."""
    import torch

    content = hashlib.sha256(record.encode())
    for name, tensor in sorted(tensors.items()):
        content.update(f"\n{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        content.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return content.hexdigest()


def save_head(head: RelationHead, uri: str) -> str:
    """Write the head as one file, local or S3. Gives the file's sha256."""
    data = head.to_bytes()
    storage.write_bytes(uri, data)
    return hashlib.sha256(data).hexdigest()


def load_head(uri: str) -> RelationHead:
    """The head that save_head wrote; InputError for a missing or damaged file, or one that does not fit its own record.

    A file also counts as damaged if its numbers or record don't match the sha256 that was saved with them.
    """
    fetched = fetch_weights(uri)
    tensors, metadata = fetched.tensors, fetched.metadata
    if _RECORD not in metadata:
        raise InputError(f"weights {uri}: not a head of a temporal relation network: there is no record in it")
    try:
        record = HeadRecord.model_validate_json(metadata[_RECORD])
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(f"weights {uri}: its record is wrong: {where} {first['msg']}".strip()) from None
    head = assemble_head(record, tensors, uri, fetched.sha256)
    found, wanted = _content_sha256(metadata[_RECORD], tensors), metadata.get(_SHA256)
    if found != wanted:
        raise InputError(f"weights {uri}: damaged: the sha256 of its content is {found}, when it was saved {wanted}")
    return head


def assemble_head(record: HeadRecord, tensors: dict[str, torch.Tensor], shown: str, sha256: str) -> RelationHead:
    """A head of these tensors, the network's and the projection. InputError where they don't fit the record."""
    from autotag_core.experts.temporal.relations import MultiScaleRelations

    tensors = dict(tensors)
    projection = tensors.pop(_PROJECTION, None)
    found = None if projection is None else tuple(projection.shape)
    wanted = None if record.projected_from is None else (record.projected_from, record.feature_dim)
    if found != wanted:
        raise InputError(f"weights {shown}: its projection is {found}, its record says {wanted}")
    network: MultiScaleRelations = filled(
        lambda: MultiScaleRelations(
            record.feature_dim, record.num_segments, record.bottleneck, record.num_classes, record.max_relations
        ),
        tensors,
        f"the network in the record of {shown}",
    )
    return RelationHead(record, network, None if projection is None else projection.float().numpy(), sha256)

"""What a network for faces is, without its tensors."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Stem = Literal["resnet18", "resnet34", "resnet50", "resnet101"]


class FacePerson(BaseModel):
    """A class of the network."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    person_id: str
    name: str


class FaceRecord(BaseModel):
    """It is saved as JSON in model.safetensors and, to be read, in config.json."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    stem: Stem
    """torchvision's name of the network below the embedding."""
    side: Annotated[int, Field(ge=32, le=512)]
    """Pixels of a chip's side."""
    margin: Annotated[float, Field(ge=0, le=1)]
    """By which share of its size a face's box is made larger before it is cut out."""
    scale: Annotated[float, Field(gt=0)]
    """Embeddings have this length. It makes KNOWN_DISTANCE the distance at which a name is as likely right as wrong,
    as it is of the default network: all limits of distances then hold for both."""
    people: tuple[FacePerson, ...]
    """Whom the network was trained to tell apart. A gallery may hold others."""
    source: str
    """How it was made: `trained`, or `converted` from a published checkpoint."""

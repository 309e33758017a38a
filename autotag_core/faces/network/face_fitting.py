"""Trains a network for faces on chips in memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field

from autotag_core.config.section import PositiveCount, Seed
from autotag_core.errors import InputError, NotTrainedError
from autotag_core.experts.weight_files import read_weights
from autotag_core.faces.gallery import KNOWN_DISTANCE
from autotag_core.faces.network.face_network import FaceNetwork
from autotag_core.faces.network.face_pictures import FacePictures, split_pictures
from autotag_core.faces.network.face_record import Stem
from autotag_core.faces.network.trained_embedder import embed_chips
from autotag_core.tagger.fitting import quiet


class FaceExperiment(BaseModel):
    """Every choice of a training. The defaults are as published."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    stem: Stem = "resnet50"
    """torchvision's name of the network below the embedding."""
    weights: str | None = None
    """A .safetensors state dict of that network, to start from. None: drawn at random. Nothing is downloaded."""
    side: Annotated[int, Field(ge=32, le=512)] = 224
    """Pixels of a chip's side."""
    epochs: PositiveCount = 100
    """Passes over the pictures."""
    seed: Seed = 7
    """Of first weights, split, order and changes of the pictures."""


@dataclass(frozen=True, eq=False)
class FittedFaces:
    """A network as it was in its best epoch, what each epoch measured, and how long its embeddings are made."""

    network: FaceNetwork
    epochs: list[dict[str, float]]
    best_epoch: int
    scale: float
    num_watched: int


def fit_faces(pictures: FacePictures, experiment: FaceExperiment) -> FittedFaces:
    """A network that tells the people apart, kept where the loss on watched pictures was lowest.

    Equal pictures and seeds give equal networks on one machine. InputError: a package is missing, weights don't fit.
    NotTrainedError: the loss is no number.
    """
    is_watched = split_pictures(pictures.owners, experiment.seed)
    with quiet():
        import pytorch_lightning as lightning

        from autotag_core.faces.network.face_learning import FaceLearning, batches

        torch.manual_seed(experiment.seed)
        network = _new_network(len(pictures.people), experiment)
        learning = FaceLearning(network)
        trainer = lightning.Trainer(
            accelerator="auto",
            devices=1,
            max_epochs=experiment.epochs,
            logger=False,
            num_sanity_val_steps=0,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            deterministic="warn",
        )
        parts = (
            batches(pictures, ~is_watched, experiment.seed),
            batches(pictures, is_watched, None),
        )
        try:
            trainer.fit(learning, *parts)
        except SystemExit as stop:
            if stop.code == 1:  # what the training library makes of Ctrl-C
                raise KeyboardInterrupt from None
            raise
    if not learning.best_weights:
        raise NotTrainedError("in no epoch the loss was a number: give more pictures a person")
    network.load_state_dict(learning.best_weights)
    network.cpu().eval().requires_grad_(False)
    limit = limit_of(network, pictures, is_watched)
    return FittedFaces(network, learning.rows, learning.best_epoch, KNOWN_DISTANCE / limit, int(is_watched.sum()))


def _new_network(num_people: int, experiment: FaceExperiment) -> FaceNetwork:
    network = FaceNetwork(experiment.stem, num_people)
    if experiment.weights is not None:
        network.stem = torch.nn.Sequential(*list(_weighted_stem(experiment.stem, experiment.weights).children())[:-1])
    return network


def check_weights(stem: Stem, weights: str) -> None:
    """InputError where the file is not there, is damaged, or holds weights of another network."""
    _weighted_stem(stem, weights)


def _weighted_stem(name: Stem, weights: str) -> torch.nn.Module:
    """torchvision's network with the weights of the file, but for its last layer."""
    import torchvision

    tensors = read_weights(Path(weights))
    stem: torch.nn.Module = getattr(torchvision.models, name)(weights=None)
    own = {key: tensor for key, tensor in tensors.items() if not key.startswith("fc.")}
    try:
        found = stem.load_state_dict(own, strict=False)
    except RuntimeError as error:
        raise InputError(f"weights {weights}: {str(error).splitlines()[-1].strip()}") from None
    missing = [key for key in (*found.missing_keys, *found.unexpected_keys) if not key.startswith("fc.")]
    if missing:
        raise InputError(f"weights {weights}: not those of {name}: {missing[0]}")
    return stem


def limit_of(network: FaceNetwork, pictures: FacePictures, is_watched: np.ndarray) -> float:
    """The distance of embeddings of length 1 at which a name is as likely right as wrong, on watched pictures.

    Each has two mean distances to pictures that were learned: to its own person, and to the nearest other one. The
    limit is where the fewest are on the wrong side; of several such places, the middle one.
    """
    vectors = embed_chips(network, list(pictures.chips)).astype(np.float64)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    learned, owners = vectors[~is_watched], pictures.owners[~is_watched]
    counts = np.bincount(owners, minlength=len(pictures.people))
    own, others = [], []
    for at in np.flatnonzero(is_watched):
        distances = np.linalg.norm(learned - vectors[at], axis=1)  # (learned,)
        means = np.bincount(owners, distances, len(pictures.people)) / counts
        own.append(means[pictures.owners[at]])
        others.append(np.delete(means, pictures.owners[at]).min())
    places = np.sort(np.concatenate([own, others]))
    middles = (places[1:] + places[:-1]) / 2
    wrong = [(np.array(own) > at).sum() + (np.array(others) <= at).sum() for at in middles]
    best = middles[np.flatnonzero(np.array(wrong) == min(wrong))]
    return max(float(best[len(best) // 2]), 1e-6)

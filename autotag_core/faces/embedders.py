"""The embedder that a command or a night asks for: the default, or a network of one's own."""

from __future__ import annotations

import functools

from autotag_core.faces.embedder import Embedder, FaceEmbedder


@functools.lru_cache(maxsize=2)
def load_embedder(model: str | None) -> Embedder:
    """The network in the folder `model`, or the default. Loaded once per process.

    InputError where a package is missing, or where there is no such network.
    """
    if model is None:
        return FaceEmbedder()
    from autotag_core.faces.network.trained_embedder import load_trained

    return load_trained(model)

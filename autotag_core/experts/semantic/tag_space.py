"""Vectors of tags and GIF tokens, and the weighted mean that places a GIF among them."""

from __future__ import annotations

import functools
import hashlib
import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autotag_core import storage
from autotag_core.config import Config
from autotag_core.errors import InputError
from autotag_core.experts.vectors import l2_normalised

# Tags and GIF ids share one vocabulary. Both have a prefix, so that no tag can be taken for a GIF.
TAG_PREFIX, GIF_PREFIX = "tag:", "gif:"
RECIPE = 2
"""Goes up whenever a space is fitted in another way. A space of another recipe is not used again."""


def tokens_of(gif_id: str, tags: Sequence[str] | None) -> list[str]:
    """A GIF's tokens: one for each tag, then its own. Only GIFs of enough sessions have a vector for their own."""
    return [TAG_PREFIX + tag for tag in tags or []] + [GIF_PREFIX + gif_id]


def sif_weights(counts: np.ndarray, total: int, a: float) -> np.ndarray:
    """a / (a + p) of tokens with counts (V,), p their share of total: common tokens count less.

    Arora, Liang, Ma 2017, "A simple but tough-to-beat baseline for sentence embeddings", without its removal of the
    first principal component.
    """
    weights: np.ndarray = a / (a + counts / max(total, 1))
    return weights


@dataclass(frozen=True, eq=False)
class TagSpace:
    """A vector and a weight for each of V distinct tokens: vectors (V, d) float32, weights (V,) float64."""

    vocabulary: tuple[str, ...]
    vectors: np.ndarray
    weights: np.ndarray

    def __post_init__(self) -> None:
        if not len(self.vocabulary) == len(self.vectors) == len(self.weights):
            counts = f"{len(self.vocabulary)} tokens, {len(self.vectors)} vectors, {len(self.weights)} weights"
            raise ValueError(f"{counts}: there must be as many of each")

    @functools.cached_property
    def rows(self) -> dict[str, int]:
        """Row of each token."""
        return {token: row for row, token in enumerate(self.vocabulary)}

    @functools.cached_property
    def version(self) -> str:
        """`word2vec-<dimension>-<first 12 hex digits of the content's sha256>`."""
        content = hashlib.sha256(json.dumps(self.vocabulary).encode())
        content.update(np.ascontiguousarray(self.vectors).tobytes())
        content.update(np.ascontiguousarray(self.weights).tobytes())
        return f"word2vec-{self.vectors.shape[1]}-{content.hexdigest()[:12]}"

    def embed(self, tokens: Sequence[str]) -> np.ndarray | None:
        """The weighted mean (d,) float32 of the known tokens, L2-normalised; None where none is known.

        A token counts once. The sum is in float64 in vocabulary order, so any order of the tokens gives the same bits.
        """
        rows = sorted({self.rows[token] for token in tokens if token in self.rows})
        if not rows:
            return None
        weighted = self.vectors[rows].astype(np.float64) * self.weights[rows, None]  # (n, d)
        return l2_normalised(weighted.sum(axis=0) / self.weights[rows].sum())

    def to_bytes(self) -> bytes:
        """The space as an .npz of plain arrays: nothing in it is pickled."""
        file = io.BytesIO()
        vocabulary = np.frombuffer(json.dumps(self.vocabulary).encode(), np.uint8)
        np.savez(file, vocabulary=vocabulary, vectors=self.vectors, weights=self.weights)
        return file.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> TagSpace:
        """What to_bytes wrote; ValueError for anything else."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
                vocabulary = json.loads(arrays["vocabulary"].tobytes())
                return cls(tuple(vocabulary), arrays["vectors"], arrays["weights"])
        except (KeyError, OSError, EOFError, TypeError, AttributeError, zipfile.BadZipFile) as error:
            raise ValueError(f"not a tag space ({error})") from None


def tag_space_name(config: Config) -> str:
    """`semantic-<12 hex digits>`: a hash of all that a space depends on but tags and sessions."""
    settings = config.semantic.values(
        *("vector_size", "window", "min_count", "min_gif_count", "max_vocabulary"),
        *("num_iterations", "step_size", "threads", "common_tag_weight"),
    )
    wanted = json.dumps([settings, config.seed, RECIPE], sort_keys=True)
    return f"semantic-{hashlib.sha256(wanted.encode()).hexdigest()[:12]}"


def save_tag_space(space: TagSpace, uri: str) -> None:
    """Write the space as one file, local or S3."""
    storage.write_bytes(uri, space.to_bytes())


def load_tag_space(uri: str) -> TagSpace:
    """The space that save_tag_space wrote; InputError where it is missing or damaged."""
    try:
        return TagSpace.from_bytes(storage.read_bytes(uri))
    except ValueError as error:
        raise InputError(f"{uri}: {error}") from None

"""What each GIF is taught: a number 0..1 for each class, and of which classes anything was said at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from autotag_core.tables import CATALOG, TRAINING_EXAMPLES, TRAINING_LABELS, VOTED_TAGS
from autotag_core.tagger.experiment import Targets
from autotag_core.warehouse import RunRecord, read_table

ROWS = pa.schema([("gif_id", pa.string()), ("tag", pa.string()), ("value", pa.float32())])
"""A tag of a GIF, and how sure it is, 0..1."""


@dataclass(frozen=True, eq=False)
class TargetMatrix:
    """Targets of n GIFs and c classes."""

    values: NDArray[np.float32]  # (n, c), 0..1; 0 where nothing was said
    is_known: NDArray[np.bool_]  # (n, c): something was said


def train_targets(warehouse: str, release: RunRecord, kind: Targets) -> pa.Table:
    """ROWS of every GIF that the release says something of.

    `probability`: all tags that the vote considered, also those it would not publish; where none is calibrated, the
    confidence. `published`: the labels of the examples. `raw`: the uploaders' tags.
    """
    if kind == "raw":
        catalog = read_table(warehouse, CATALOG.name, release, ["gif_id", "tags"])
        ones = [[1.0] * len(tags) for tags in catalog["tags"].to_pylist()]
        return _long(catalog["gif_id"], catalog["tags"], pa.chunked_array([pa.array(ones, pa.list_(pa.float32()))]))
    if kind == "published":
        return label_rows(warehouse, release)
    voted = read_table(warehouse, VOTED_TAGS.name, release, ["gif_id", "tag", "probability", "confidence"])
    values = pc.coalesce(voted["probability"], voted["confidence"]).cast(pa.float32())
    return pa.table([voted["gif_id"], voted["tag"], values], schema=ROWS)


def label_rows(warehouse: str, release: RunRecord) -> pa.Table:
    """ROWS of the examples' labels: published confidences of train GIFs, the editor's or reviewers' tags of others."""
    labels = read_table(warehouse, TRAINING_LABELS.name, release, ["label_id", "label"])
    names = dict(zip(labels["label_id"].to_pylist(), labels["label"].to_pylist(), strict=True))
    examples = read_table(warehouse, TRAINING_EXAMPLES.name, release, ["gif_id", "label_ids", "confidences"])
    tags = [[names[label_id] for label_id in row] for row in examples["label_ids"].to_pylist()]
    return _long(examples["gif_id"], pa.chunked_array([pa.array(tags, pa.list_(pa.string()))]), examples["confidences"])


def _long(gif_ids: pa.ChunkedArray, tags: pa.ChunkedArray, values: pa.ChunkedArray) -> pa.Table:
    ids, tags, values = gif_ids.combine_chunks(), tags.combine_chunks(), values.combine_chunks()
    owners = ids.take(pc.list_parent_indices(tags))
    return pa.table([owners, tags.flatten(), values.flatten().cast(pa.float32())], schema=ROWS)


def target_matrix(rows: pa.Table, gif_ids: Sequence[str], classes: Sequence[str]) -> TargetMatrix:
    """The matrix of these GIFs and classes. Rows of others are left out; of equal pairs the greatest value counts."""
    at_gif = pc.index_in(rows["gif_id"], pa.array(gif_ids, pa.string())).combine_chunks()
    at_class = pc.index_in(rows["tag"], pa.array(classes, pa.string())).combine_chunks()
    kept = pc.and_(pc.is_valid(at_gif), pc.is_valid(at_class))
    at = (at_gif.filter(kept).to_numpy(), at_class.filter(kept).to_numpy())
    values = np.zeros((len(gif_ids), len(classes)), np.float32)
    is_known = np.zeros(values.shape, bool)
    np.maximum.at(values, at, rows["value"].combine_chunks().filter(kept).to_numpy(zero_copy_only=False))
    is_known[at] = True
    return TargetMatrix(values, is_known)

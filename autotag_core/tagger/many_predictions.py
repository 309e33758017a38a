"""Predictions of many GIFs at once, as rows of the table predictions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from autotag_core.tables import PREDICTIONS
from autotag_core.tagger.tagger_model import TaggerModel

TOP = 5
"""Tags of a GIF that have a row even if the tagger is too unsure to accept them."""


def prediction_rows(
    model: TaggerModel, gif_ids: Sequence[str], versions: Sequence[str], features: Sequence[np.ndarray]
) -> pa.RecordBatch:
    """Rows of PREDICTIONS for GIFs with features (t, d): the TOP likeliest tags, and all that are accepted.

    In the order of the GIFs, likeliest first, ties in the order of labels.
    """
    longest = max(map(len, features))
    given = np.zeros((len(features), longest, features[0].shape[1]), np.float32)
    mask = np.zeros(given.shape[:2], bool)
    for row, one in enumerate(features):
        given[row, : len(one)], mask[row, : len(one)] = one, True
    probabilities = model.probabilities(given, mask)  # (n, c)
    accepted = probabilities >= np.array(model.record.thresholds)
    order = np.argsort(-probabilities, axis=1, kind="stable")
    kept = np.take_along_axis(accepted, order, axis=1)
    kept[:, :TOP] = True
    rows, ranks = np.nonzero(kept)
    tags = order[rows, ranks]
    return pa.RecordBatch.from_arrays(
        [
            pa.array(np.array(gif_ids, object)[rows], pa.string()),
            pa.array(np.array(model.record.labels, object)[tags], pa.string()),
            pa.array(probabilities[rows, tags].astype(np.float32)),
            pa.array(accepted[rows, tags]),
            pa.array([model.name] * len(rows), pa.string()),
            pa.array(np.array(versions, object)[rows], pa.string()),
        ],
        schema=PREDICTIONS.plain_schema,
    )

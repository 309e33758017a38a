"""Tables of the training examples."""

from __future__ import annotations

import pyarrow as pa

from autotag_core.tables.table import Table, column

TRAINING_EXAMPLES = Table(
    "training_examples",
    "a GIF that a model is trained, validated or tested on",
    pa.schema(
        [
            column("gif_id", pa.string(), "key"),
            column("split", pa.string(), "train, validation or test; no GIF of one has a copy in a later one"),
            column("uri", pa.string(), "where the GIF is"),
            column("version", pa.string(), "sha256 of its bytes, first 32 hex digits: what the labels are about"),
            column("label_ids", pa.list_(pa.int32()), "of training_labels, ascending, at least one"),
            column("confidences", pa.list_(pa.float32()), "of the same labels, 0..1 by the published rule"),
            column("has_text", pa.bool_(), "something is written in it: it must not be mirrored"),
            column("num_frames", pa.int32(), "frames in the file"),
            column("duration_ms", pa.int64(), "playing time of one loop, milliseconds"),
            column(
                "frames",
                pa.list_(pa.binary()),
                "the sampled frames in order, as training.frames says, of frames.size pixels; null: fetch uri",
            ),
        ]
    ),
    ("gif_id",),
    is_ordered=True,
)

TRAINING_LABELS = Table(
    "training_labels",
    "a label of training_examples",
    pa.schema(
        [
            column("label_id", pa.int32(), "key, from 0 in the order of the labels, of this run alone"),
            column("label", pa.string(), "a tag of voted_tags"),
            column("num_examples", pa.int64(), "train examples with it"),
            column("num_held_out", pa.int64(), "validation and test examples with it"),
        ]
    ),
    ("label_id",),
)

TRAINING_FUNNEL = Table(
    "training_funnel",
    "a step from the catalog to the examples, in a split",
    pa.schema(
        [
            column("position", pa.int32(), "key: order of the steps, from 0"),
            column("step", pa.string(), "catalog, frames, length, label_before_voting, label, leak or example"),
            column("split", pa.string(), "key: train, validation or test"),
            column(
                "num_gifs",
                pa.int64(),
                "GIFs that are left after this step; label_before_voting only says how many had one, none leaves there",
            ),
            column("num_left_by_reason", pa.map_(pa.string(), pa.int64()), "GIFs that left at this step, by reason"),
        ]
    ),
    ("position", "split"),
)

"""Tables of embeddings, neighbors and near duplicates."""

from __future__ import annotations

import pyarrow as pa

from autotag_core.tables.table import STRINGS, Table, column

EMBEDDINGS = Table(
    "embeddings",
    "a GIF seen by an expert",
    pa.schema(
        [
            column("gif_id", pa.string(), "key"),
            column("expert", pa.string(), "key: imagenet, temporal, semantic, text"),
            column("embedding", pa.list_(pa.float32()), "L2-normalised"),
            column("model_version", pa.string(), "names the model, its weights and precision"),
            column("version", pa.string(), "of what was embedded: hash of the bytes, of the tags or of the text"),
        ]
    ),
    ("gif_id", "expert"),
    ("expert",),
)

NEIGHBORS = Table(
    "neighbors",
    "a GIF's nearest train GIFs in an expert's space",
    pa.schema(
        [
            column("gif_id", pa.string(), "key"),
            column("expert", pa.string(), "key"),
            column("neighbor_ids", STRINGS, "nearest first, ties by gif_id, never the GIF itself"),
            column("distances", pa.list_(pa.float32()), "1 - cosine, 0..2, ascending"),
        ]
    ),
    ("gif_id", "expert"),
    ("expert",),
)

DUPLICATES = Table(
    "duplicates",
    "a GIF that has near duplicates",
    pa.schema(
        [
            column("gif_id", pa.string(), "key"),
            column("group_id", pa.string(), "the group's smallest gif_id"),
            column("group_size", pa.int64(), "GIFs in the group, 2 or more"),
        ]
    ),
    ("gif_id",),
)

"""Tables of the tagger. A training or a server adds rows to them; of these tables a run names predictions alone."""

from __future__ import annotations

import pyarrow as pa

from autotag_core.tables.table import STRINGS, Table, column

FRAME_FEATURES = Table(
    "frame_features",
    "a file whose frames went through a backbone; kept once computed, for every later training",
    pa.schema(
        [
            column("version", pa.string(), "key, sha256 of the bytes, first 32 hex digits"),
            column("model_version", pa.string(), "key, names the backbone, its weights and precision"),
            column("frames_version", pa.string(), "key, names how frames are sampled, composited and resized"),
            column("num_frames", pa.int32(), "frames that were sampled"),
            column("features", pa.binary(), "float16, num_frames x dimension, row by row, frames in order"),
        ]
    ),
    ("version", "model_version", "frames_version"),
    ("model_version",),
)

TAGGER_MODELS = Table(
    "tagger_models",
    "a trained tagger",
    pa.schema(
        [
            column("model", pa.string(), "key, starts with the UTC time"),
            column("uri", pa.string(), "its run folder"),
            column("sha256", pa.string(), "of its model.safetensors"),
            column("run_id", pa.string(), "the release that it was trained on"),
            column("trained", pa.timestamp("us", tz="UTC"), "when the training ended"),
            column("seconds", pa.float64(), "from the release to the metrics"),
            column("model_version", pa.string(), "of the backbone whose features it takes"),
            column("experiment", pa.string(), "every choice of the training, JSON"),
            column("num_classes", pa.int32(), "tags it knows"),
            column("num_examples", pa.int64(), "GIFs that it was trained on"),
            column("metrics", pa.map_(pa.string(), pa.float64()), "on test GIFs, or validation GIFs where none are"),
            column("measured_on", pa.string(), "test or validation"),
        ]
    ),
    ("model",),
)

PREDICTIONS = Table(
    "predictions",
    "a tag that a tagger suggests for a GIF: its likeliest ones and all that it accepts",
    pa.schema(
        [
            column("gif_id", pa.string(), "key"),
            column("tag", pa.string(), "key"),
            column("probability", pa.float32(), "calibrated chance that the tag is right"),
            column("accepted", pa.bool_(), "probability reaches the tag's threshold"),
            column("model", pa.string(), "the tagger: its run folder's name and 8 hex digits of its file's sha256"),
            column("version", pa.string(), "of the GIF, sha256 of the bytes, first 32 hex digits"),
        ]
    ),
    ("gif_id", "tag"),
)

CHOICES = Table(
    "choices",
    "what a person took, refused and added of the tags that were offered for a GIF",
    pa.schema(
        [
            column("gif", pa.string(), "sha256 of the bytes, first 32 hex digits, as media.version"),
            column("gif_id", pa.string(), "where the page was told it, else null"),
            column("offered", pa.map_(pa.string(), pa.float32()), "probability by tag"),
            column("taken", STRINGS, "of the offered ones"),
            column("refused", STRINGS, "the other offered ones"),
            column("added", STRINGS, "tags of the person's own"),
            column("model", pa.string(), "the tagger that offered them, as in predictions"),
            column("time", pa.timestamp("us", tz="UTC"), "when it was stored"),
        ]
    ),
    (),
)

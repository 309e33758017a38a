"""Tables of the vocabulary."""

from __future__ import annotations

import pyarrow as pa

from autotag_core.tables.table import STRINGS, Table, column

LABELS = Table(
    "labels",
    "a label of the vocabulary; versions of its own, written by `autotag labels` and by no nightly run",
    pa.schema(
        [
            column("label_id", pa.int32(), "key; a label keeps it as long as it keeps its name"),
            column("label", pa.string(), "the most common member, or the editor's name for it"),
            column("members", STRINGS, "normalised tags that count as it, alphabetical"),
            column("num_gifs", pa.int64(), "GIFs with at least one member among their uploaders' tags"),
            column("origin", pa.string(), "grouped, or editorial: an editor has decided on it"),
        ]
    ),
    ("label_id",),
)

LABEL_DECISIONS = Table(
    "label_decisions",
    "a normalised tag of the catalog, and what became of it",
    pa.schema(
        [
            column("tag", pa.string(), "key, normalised"),
            column("num_gifs", pa.int64(), "GIFs whose uploaders gave it"),
            column("stage", pa.string(), "that decided: language, spelling, entities, grouping, vocabulary or editor"),
            column("decision", pa.string(), "out, corrected, grouped, or founder of a group"),
            column("why", pa.string(), "the evidence; empty where nothing was to decide"),
            column("spelled", pa.string(), "its right spelling, mostly itself"),
            column("grouped", pa.string(), "the tag that names its group; null where it is foreign or a name"),
            column("label", pa.string(), "null where it is out of the vocabulary"),
        ]
    ),
    ("tag",),
)

LABEL_EDITS = Table(
    "label_edits",
    "a tag that an editor has decided on; his word holds in every later build",
    pa.schema(
        [
            column("tag", pa.string(), "key, normalised"),
            column("label", pa.string(), "the label it counts as; null: none"),
        ]
    ),
    ("tag",),
)

"""Tables of what is related to a tag, a GIF or a search."""

from __future__ import annotations

import pyarrow as pa

from autotag_core.tables.table import STRINGS, Table, column

_RELATED = [
    column("related", STRINGS, "nearest first, ties alphabetical, never the key itself"),
    column("similarities", pa.list_(pa.float32()), "of each, cosine, -1..1, descending"),
]

RELATED_TAGS = Table(
    "related_tags",
    "a tag of the semantic space, and the tags that are used like it",
    pa.schema([column("tag", pa.string(), "key, as uploaders write it"), *_RELATED]),
    ("tag",),
)

RELATED_GIFS = Table(
    "related_gifs",
    "a GIF, and the GIFs that people look at like it",
    pa.schema(
        [
            column("gif_id", pa.string(), "key"),
            *_RELATED,
            column("source", pa.string(), "sessions, or tags: too few sessions hold it, these are train GIFs"),
        ]
    ),
    ("gif_id",),
)

RELATED_SEARCHES = Table(
    "related_searches",
    "a search, and the searches that people make in the same sessions; only with semantic.search_sessions",
    pa.schema([column("query", pa.string(), "key, in lower case with single spaces"), *_RELATED]),
    ("query",),
)

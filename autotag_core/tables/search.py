"""The table of search documents."""

from __future__ import annotations

import pyarrow as pa

from autotag_core.tables.table import STRINGS, Table, column

_SEARCH_TAG = pa.struct(
    [
        pa.field("tag", pa.string()),
        pa.field("weight", pa.float32()),
        pa.field("confidence", pa.float32()),
        pa.field("accepted", pa.bool_()),
    ]
)

SEARCH_DOCUMENTS = Table(
    "search_documents",
    "a GIF as Elasticsearch holds it",
    pa.schema(
        [
            column("gif_id", pa.string(), "key, the document's _id"),
            column(
                "tags",
                pa.list_(_SEARCH_TAG),
                "highest weight first, ties alphabetical; weight: 1 by editors, else probability, confidence or score",
            ),
            column("caption", pa.string(), "null if none"),
            column("text", pa.string(), "what is written in the GIF, null if nothing or unknown"),
            column("popularity", pa.int64(), "0 if unknown"),
            column("uri", pa.string(), "where the GIF is"),
            column("related_gifs", STRINGS, "gif_ids, nearest first; empty where none are known"),
            column("people", STRINGS, "names of known people who are seen in it, longest seen first; else empty"),
            column("written_tags", STRINGS, "as uploaders wrote them, where `tags` are labels; else empty"),
            column("trend", pa.float32(), "doublings above its usual views, as in trends; null where it does not rise"),
            column("meaning", pa.list_(pa.int8()), "of tags, caption and text: 127 x a vector of length 1; else null"),
        ]
    ),
    ("gif_id",),
)

"""Tables of what editors decide in their queue."""

from __future__ import annotations

import pyarrow as pa

from autotag_core.tables.table import STRINGS, Table, column

EDITORIAL_DECISIONS = Table(
    "editorial_decisions",
    "an editor's decision on a tag of a GIF; versions of its own, written by `autotag review apply` and by no night",
    pa.schema(
        [
            column("gif_id", pa.string(), "of a train GIF of the catalog at that time"),
            column("tag", pa.string(), "as the release had it, trimmed"),
            column("decision", pa.string(), "accepted: the tag is the GIF's; refused: it is not"),
            column("by", pa.string(), "the editor's name"),
            column("at", pa.timestamp("us", tz="UTC"), "when they decided; the last word on a GIF's tag holds"),
            column(
                "number", pa.int64(), "order in which rows were applied, from 1; it decides between words of one time"
            ),
            column("run_id", pa.string(), "the run whose tag was shown; null where the file does not say"),
            column("probability", pa.float32(), "of the tag as it was shown; null where none was"),
        ]
    ),
    (),
)

DECIDED_TAGS = Table(
    "decided_tags",
    "a train GIF on which editors have decided: its row of `catalog` has their word",
    pa.schema(
        [
            column("gif_id", pa.string(), "key"),
            column("accepted", STRINGS, "tags that are among its editorial_tags by this word"),
            column("refused", STRINGS, "tags that it has not: neither among its tags nor published for it"),
            column("given", STRINGS, "of all these, those that its uploader gave"),
        ]
    ),
    ("gif_id",),
)

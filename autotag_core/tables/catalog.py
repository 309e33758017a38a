"""Tables of the input: catalog, media, and tags as they were written."""

from __future__ import annotations

import pyarrow as pa

from autotag_core.tables.table import STRINGS, Table, column

CATALOG = Table(
    "catalog",
    "a GIF",
    pa.schema(
        [
            column("gif_id", pa.string(), "key, not empty"),
            column("uri", pa.string(), "absolute: s3a://bucket/key or a local path"),
            column("tags", STRINGS, "uploaders' tags, trimmed, distinct, in their order"),
            column("editorial_tags", STRINGS, "tags by an editor, same form; empty if none"),
            column("caption", pa.string(), "text shown with the GIF, null if none"),
            column("popularity", pa.int64(), "views or the like, 0 if unknown"),
            column("version", pa.string(), "etag or content hash as the catalog gives it, null if it gives none"),
            column("uploader", pa.string(), "who uploaded it, as the catalog says it; null where it does not"),
            column("renditions", STRINGS, "files that show it better, best first, absolute like uri; empty if none"),
            column("split", pa.string(), "train, validation or test"),
        ]
    ),
    ("gif_id",),
)

WRITTEN_TAGS = Table(
    "written_tags",
    "a GIF of a run that voted on labels: in its catalog `tags` are labels, here they are as uploaders wrote them",
    pa.schema(
        [
            column("gif_id", pa.string(), "key"),
            column("tags", STRINGS, "trimmed, distinct, in their order"),
            column("other_tags", STRINGS, "those of them that are no member of a label: they took no part"),
        ]
    ),
    ("gif_id",),
)

CHOSEN_TAGS = Table(
    "chosen_tags",
    "a GIF of a run with catalog.choices whose uploader chose: in its catalog `tags` are also taken and added ones",
    pa.schema(
        [
            column("gif_id", pa.string(), "key"),
            column("taken", STRINGS, "offered tags that the uploader took"),
            column("added", STRINGS, "tags of the uploader's own"),
            column("refused", STRINGS, "offered tags that the uploader left: evidence against them"),
            column("model", pa.string(), "the tagger that offered them"),
            column("time", pa.string(), "of the choice, the uploader's newest, UTC as ISO 8601"),
        ]
    ),
    ("gif_id",),
)

_TEXT_LINE = pa.struct(
    [pa.field("text", pa.string()), pa.field("confidence", pa.float32()), pa.field("num_frames", pa.int32())]
)

MEDIA = Table(
    "media",
    "a GIF whose frames were read",
    pa.schema(
        [
            column("gif_id", pa.string(), "key"),
            column("version", pa.string(), "sha256 of the bytes, first 32 hex digits"),
            column("width", pa.int32(), "canvas, pixels"),
            column("height", pa.int32(), "canvas, pixels"),
            column("num_frames", pa.int32(), "frames in the file"),
            column("num_sampled", pa.int32(), "distinct frames that were embedded"),
            column("duration_ms", pa.int64(), "playing time of one loop, milliseconds"),
            column("num_bytes", pa.int64(), "size of the file"),
            column("format", pa.string(), "gif, png, jpeg, webp, avif, mp4 or webm"),
            column(
                "notes",
                STRINGS,
                "unusual: still_image, single_frame, truncated, text_skipped, text_unread, rendition_unread",
            ),
            column(
                "frame_hashes",
                pa.list_(pa.int64()),
                "perceptual hashes of the pictures in it, null for one with too little in it to tell",
            ),
            column("frame_colors", pa.binary(), "of the same pictures the quarters' mean RGB, n x 2 x 2 x 3 bytes"),
            column("text", pa.string(), "what is written in it, lines joined with newlines; null where nothing is"),
            column("text_lines", pa.list_(_TEXT_LINE), "in reading order; null where the GIF was not read: see notes"),
            column("rendition", pa.string(), "the file that was looked at, one of its renditions; null: its uri's"),
        ]
    ),
    ("gif_id",),
)

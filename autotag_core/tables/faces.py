"""Tables of people's faces."""

from __future__ import annotations

import pyarrow as pa

from autotag_core.tables.table import Table, column

GALLERY = Table(
    "gallery",
    "an enrolled picture of a person; a table of its own, which `autotag faces enroll` writes and no nightly run",
    pa.schema(
        [
            column("person_id", pa.string(), "key, who is shown"),
            column("picture", pa.string(), "key, sha256 of the file's bytes, first 32 hex digits"),
            column("name", pa.string(), "what the person is called"),
            column("file", pa.string(), "where the picture was read, without its folder"),
            column("embedding", pa.list_(pa.float32()), "of the face"),
            column("sharpness", pa.float32(), "variance of the Laplacian of the face in grey levels: low is blurred"),
            column("model_version", pa.string(), "names the networks that made the embedding"),
            column("enrolled", pa.timestamp("us", tz="UTC"), "when it was enrolled"),
        ]
    ),
    ("person_id", "picture"),
)

"""Search documents of the tags that GIFs came with, before any night looked at them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from autotag_core.tables import CATALOG, WRITTEN_TAGS
from autotag_core.warehouse import RunRecord, read_table

_COLUMNS = ("gif_id", "uri", "tags", "editorial_tags", "caption", "popularity")


def raw_documents(warehouse: str, release: RunRecord, with_editors: bool = False) -> Iterator[dict[str, Any]]:
    """A document for each GIF of the release's catalog, with the tags that it came with, each with weight 1.

    `with_editors`: and its editorial tags. They are in the index after a night too, so part of what a night seems to
    gain over uploaders' tags is an editor's work. Of a release that voted on labels, the tags are as uploaders wrote
    them. What only a night knows (text, people) is not there. Memory: the columns of the catalog that a document has.
    """
    written: dict[str, list[str]] = {}
    if WRITTEN_TAGS.name in release.table_versions:
        rows = read_table(warehouse, WRITTEN_TAGS.name, release, ["gif_id", "tags"])
        written = dict(zip(rows["gif_id"].to_pylist(), rows["tags"].to_pylist(), strict=True))
    for batch in read_table(warehouse, CATALOG.name, release, list(_COLUMNS)).to_batches(max_chunksize=10_000):
        for row in batch.to_pylist():
            editors = row["editorial_tags"] if with_editors else []
            tags = dict.fromkeys([*written.get(row["gif_id"], row["tags"]), *editors])
            yield {
                "gif_id": row["gif_id"],
                "tags": [{"tag": tag, "weight": 1.0, "confidence": 1.0} for tag in tags],
                "caption": row["caption"],
                "popularity": row["popularity"],
                "uri": row["uri"],
            }

"""Followed faces of GIFs in, rows of the tables faces and people out. No frame is decoded here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema, from_arrow_type

from autotag_core.config.faces import Grouping
from autotag_core.faces.face_rows import SEEN_FACE, as_rows, from_struct
from autotag_core.tables import FACES, PEOPLE, Table

if TYPE_CHECKING:
    from pyspark import Broadcast

    from autotag_core.faces.gallery import Gallery

GIFS_PER_BATCH = 256
"""GIFs whose faces a task holds: at most 40 of 20 KB each."""


def _item(table: Table) -> pa.StructType:
    """The columns of a table that differ between the rows of one GIF."""
    shared = ("gif_id", "version", "model_version", "gallery_version")
    return pa.struct([pa.field(item.name, item.type) for item in table.schema if item.name not in shared])


NAMED = pa.schema(
    [
        pa.field("gif_id", pa.string()),
        pa.field("version", pa.string()),
        pa.field("faces", pa.list_(_item(FACES))),
        pa.field("people", pa.list_(_item(PEOPLE))),
    ]
)
"""One row per GIF with a face."""


def seen_faces(outcomes_df: DataFrame) -> DataFrame:
    """(gif_id, version, faces) of the outcomes that have a face."""
    return outcomes_df.where(F.size("faces") > 0).select("gif_id", "version", "faces")


def kept_faces(faces_df: DataFrame) -> DataFrame:
    """The same of rows of the table faces. Cost: a shuffle by gif_id."""
    names = [field.name for field in SEEN_FACE]
    ordered = F.sort_array(F.collect_list(F.struct("face", *names)))
    grouped_df = faces_df.groupBy("gif_id").agg(F.first("version").alias("version"), ordered.alias("faces"))
    item = F.transform("faces", lambda face: F.struct(*(face[name].alias(name) for name in names)))
    return grouped_df.select("gif_id", "version", item.alias("faces"))


def name_people(seen_df: DataFrame, gallery: Gallery, grouping: Grouping, keep_unknown: bool) -> DataFrame:
    """NAMED for each row of seen_faces or kept_faces, whose faces must all have embeddings.

    The gallery is sent as a broadcast variable: 6 MB for 2,300 people with five pictures each. Cost: faces x pictures.
    """
    shared = seen_df.sparkSession.sparkContext.broadcast(gallery)

    def name_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return name_batches(batches, shared, grouping, keep_unknown)

    return seen_df.mapInArrow(name_partition, from_arrow_schema(NAMED))


def name_batches(
    batches: Iterable[pa.RecordBatch], shared: Broadcast[Gallery], grouping: Grouping, keep_unknown: bool
) -> Iterator[pa.RecordBatch]:
    """The work of one task, GIFS_PER_BATCH at a time, in the same order."""
    from autotag_core.faces.grouping import name_faces

    for batch in batches:
        for start in range(0, batch.num_rows, GIFS_PER_BATCH):
            rows = []
            for gif in batch.slice(start, GIFS_PER_BATCH).to_pylist():
                faces = [from_struct(row, shared.value.embeddings.shape[1]) for row in gif["faces"]]
                face_rows, people_rows = as_rows(faces, name_faces(faces, shared.value, grouping), keep_unknown)
                rows.append(gif | {"faces": face_rows, "people": people_rows})
            yield pa.RecordBatch.from_pylist(rows, schema=NAMED)


def face_rows(named_df: DataFrame, model_version: str) -> DataFrame:
    """Rows of the table faces."""
    return _rows(named_df, "faces", FACES, model_version=model_version)


def people_rows(named_df: DataFrame, gallery_version: str) -> DataFrame:
    """Rows of the table people."""
    return _rows(named_df, "people", PEOPLE, gallery_version=gallery_version)


def _rows(named_df: DataFrame, column: str, table: Table, **same: str) -> DataFrame:
    items_df = named_df.select("gif_id", "version", F.explode(column).alias("item"))
    rows_df = items_df.select("gif_id", "version", "item.*").withColumns(
        {name: F.lit(value) for name, value in same.items()}
    )
    return rows_df.select(*(F.col(item.name).cast(from_arrow_type(item.type)) for item in table.schema))

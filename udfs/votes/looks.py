"""An expert's vectors in; out, each GIF's look, and the mean looks of tags, for the judge's linear classifier.

Cost: of about 20,000 vectors (5 KB each) one task makes axes. All vectors are read once, and 256 bytes a GIF are kept.
These are read twice, once to sum them: each partition gives 1 KB for each of its tags, which are shuffled by tag. One
task writes their means.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from autotag_core.config import Config
from autotag_core.votes import TagTable
from autotag_core.votes.discriminant.axes import FEWEST_GIFS, MOST_FITTED, looks_of, packed, write_axes
from autotag_core.votes.discriminant.sums import LOOK_SUMS, LOOKS, add_sums, sum_looks, write_means
from udfs.neighbors.rows import drawn_vectors
from udfs.tasks.local_folder import local_folder
from udfs.tasks.one_task import written

VISUAL = "imagenet"
"""The expert whose vectors are looked at, if it takes part."""


def looking_expert(config: Config) -> str | None:
    """The expert whose vectors tell how GIFs look: VISUAL or, without it, the first that knows nothing of tags."""
    left = sorted({*config.experts} - {*config.vote.from_own_tags, *config.vote.trained_on_tags})
    return VISUAL if VISUAL in left else next(iter(left), None)


def look(embeddings_df: DataFrame, config: Config, num_gifs: int, folder: str) -> DataFrame | None:
    """LOOKS, from EMBEDDINGS of about num_gifs GIFs. Readers need the folder, which has the axes.

    None where no expert has any, and for too few GIFs.
    """
    expert = looking_expert(config)
    if expert is None or num_gifs < FEWEST_GIFS:
        return None
    fitted_df = drawn_vectors(embeddings_df, expert, num_gifs, MOST_FITTED)
    axes = written(fitted_df.repartition(1), lambda batches: write_axes(batches, folder, local_folder()))
    if not axes:
        return None

    def look_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            if batch.num_rows:
                looks = packed(looks_of(batch["embedding"], axes, local_folder()))
                yield pa.RecordBatch.from_arrays([batch["gif_id"], looks], schema=LOOKS)

    vectors_df = embeddings_df.where(F.col("expert") == expert).select("gif_id", "embedding")
    return vectors_df.mapInArrow(look_partition, from_arrow_schema(LOOKS))


def write_mean_looks(looks_df: DataFrame, tags: TagTable, folder: str) -> str:
    """The URI of the mean looks by tag."""

    def sum_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        yield from sum_looks(batches, tags, local_folder())

    def add_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        yield from add_sums(batches, tags.num_tags)

    schema = from_arrow_schema(LOOK_SUMS)
    parts_df = looks_df.mapInArrow(sum_partition, schema)
    sums_df = parts_df.repartition("tag").mapInArrow(add_partition, schema)
    return written(sums_df, lambda batches: write_means(batches, tags.num_tags, folder, local_folder()))

"""How often each expert is right, judged on GIFs whose tags are known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from autotag_core.splits import TRAIN, VALIDATION
from autotag_core.votes import gif_blocks, open_tag_table, strings_of
from udfs.tasks.local_folder import local_folder
from udfs.votes.ballots import Ballots

if TYPE_CHECKING:
    from autotag_core.config import VoteConfig

BLOCK_ROWS = 32_768
_COUNTS = pa.schema(
    [
        pa.field("expert", pa.string()),
        pa.field("num_evaluated", pa.int64()),
        pa.field("num_correct", pa.int64()),
        pa.field("num_lacking", pa.int64()),
        pa.field("num_new_correct", pa.int64()),
    ]
)


class Truth(NamedTuple):
    """The GIFs that experts are judged on."""

    gifs_df: DataFrame
    """(gif_id, truth, own), at most max_evaluation_gifs."""
    split: str
    """Which they are of."""
    num_gifs: int


def evaluation_truth(catalog_df: DataFrame, config: VoteConfig) -> Truth:
    """The GIFs that experts are judged on, with their true tags.

    These are validation GIFs with editorial tags. If they are fewer than min_evaluation_gifs, they are train GIFs with
    their uploaders' tags (leave-one-out, as a GIF is never its own neighbor). At most max_evaluation_gifs are taken, by
    a hash of the id. `own` are the uploader's tags that an expert may have been given. Of a train GIF they are the
    truth, so `own` is empty. Cost: the catalog is scanned for their number, and again when they are read.
    """
    is_validation = (F.col("split") == VALIDATION) & (F.size("editorial_tags") > 0)
    is_train = (F.col("split") == TRAIN) & (F.size("tags") > 0)
    counted = catalog_df.agg(F.count_if(is_validation), F.count_if(is_train)).first()
    assert counted is not None
    num_validation, num_train = counted
    if num_validation >= config.min_evaluation_gifs:
        truth, own = F.col("editorial_tags"), F.col("tags")
        chosen_df, split, num_gifs = catalog_df.where(is_validation), VALIDATION, num_validation
    else:
        truth, own = F.col("tags"), F.array().cast("array<string>")
        chosen_df, split, num_gifs = catalog_df.where(is_train), TRAIN, num_train
    truth_df = chosen_df.select("gif_id", truth.alias("truth"), own.alias("own"))
    first_df = truth_df.orderBy(F.xxhash64("gif_id"), "gif_id").limit(config.max_evaluation_gifs)
    return Truth(first_df, split, min(num_gifs, config.max_evaluation_gifs))


def weigh_experts(ballots: Ballots, truth: Truth, experts: Sequence[str], config: VoteConfig) -> DataFrame:
    """EXPERT_WEIGHTS rows: the share of the GIFs with a truth for which an expert predicted at least one right tag.

    An expert predicts its `predicted_tags` most frequent tags among the GIF's neighbors, ties alphabetical. GIFs for
    which it has no neighbors (it abstains) do not count against its weight. They do in weight_of_all, the published
    way. Intervals are Wilson's, 95%.

    An expert that is given a GIF's tags must not be rewarded for repeating them. So weight_on_new_tags is the same
    share without the uploader's tags in truth and prediction, over the GIFs that lack a true tag. It is null where the
    truth is the uploaders' tags themselves.

    Cost: rows about GIFs and lists are read once. Those of the GIFs with a truth, at most max_evaluation_gifs, are
    shuffled by GIF and judged in compiled loops.
    """
    names, tags = sorted(experts), ballots.tags

    def count_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from autotag_core.votes.published.prediction_loops import count_right

        table = open_tag_table(tags, local_folder())
        strings = strings_of(table.names)
        for block in gif_blocks(batches, names, BLOCK_ROWS):
            found = table.as_written(table.find(block.items, block.is_neighbor))
            counts = count_right(
                block.lists,
                found,
                block.abouts(table),
                strings,
                config.neighbors,
                config.predicted_tags,
                len(names),
            )
            yield pa.RecordBatch.from_arrays([pa.array(names, pa.string()), *map(pa.array, counts.T)], _COUNTS.names)

    parts_df = ballots.rows(names, truth.gifs_df).mapInArrow(count_partition, from_arrow_schema(_COUNTS))
    sums = [F.sum(name).alias(name) for name in _COUNTS.names[1:]]
    counts_df = parts_df.groupBy("expert").agg(*sums).where("num_evaluated > 0")
    low, high = _wilson("num_correct", "num_evaluated")
    new_low, new_high = _wilson("num_new_correct", "num_lacking")
    on_validation = F.lit(truth.split == VALIDATION) & (F.col("num_lacking") > 0)
    return counts_df.select(
        "expert",
        (F.col("num_correct") / F.col("num_evaluated")).alias("weight"),
        low.alias("weight_low"),
        high.alias("weight_high"),
        (F.col("num_correct") / F.lit(truth.num_gifs)).alias("weight_of_all"),
        "num_evaluated",
        "num_correct",
        F.when(on_validation, F.col("num_new_correct") / F.col("num_lacking")).alias("weight_on_new_tags"),
        F.when(on_validation, new_low).alias("weight_on_new_tags_low"),
        F.when(on_validation, new_high).alias("weight_on_new_tags_high"),
        F.when(on_validation, F.col("num_lacking")).otherwise(F.lit(0)).alias("num_lacking"),
        F.lit(truth.split).alias("evaluated_on"),
    )


def _wilson(num_right: str, num: str) -> tuple[Column, Column]:
    """Ends of the 95% interval of a share (Wilson 1927)."""
    z = 1.959964
    n = F.col(num).cast("double")
    share = F.col(num_right) / n
    centre = (share + F.lit(z * z) / (2 * n)) / (1 + F.lit(z * z) / n)
    half = F.lit(z) / (1 + F.lit(z * z) / n) * F.sqrt(share * (1 - share) / n + F.lit(z * z) / (4 * n * n))
    return F.greatest(centre - half, F.lit(0.0)), F.least(centre + half, F.lit(1.0))

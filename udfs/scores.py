"""Evidence on (GIF, tag) pairs in, its score, probability and acceptance by a judge out: one Arrow UDF over columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from autotag_core.voting import Judge, evidence_of, evidence_schema

SCORES = pa.schema(
    [
        pa.field("gif_id", pa.string()),
        pa.field("tag", pa.string()),
        pa.field("split", pa.string()),
        pa.field("is_own", pa.bool_()),
        pa.field("score", pa.float64()),
        pa.field("probability", pa.float64()),
        pa.field("accepted", pa.bool_()),
    ]
)
"""probability and accepted are null where nothing was learned."""


def judged_pairs(evidence_df: DataFrame, truth_df: DataFrame) -> DataFrame:
    """The evidence on the pairs of GIFs with a truth (gif_id, truth, own), with is_right and lacks.

    is_right: whether the truth has the tag; lacks: whether it has any tag that the GIF did not come with.
    """
    lacks = F.size(F.array_except("truth", "own")) > 0
    pairs_df = evidence_df.join(truth_df.select("gif_id", "truth", lacks.alias("lacks")), "gif_id")
    return pairs_df.withColumn("is_right", F.array_contains("truth", F.col("tag"))).drop("truth")


def score_pairs(evidence_df: DataFrame, judge: Judge) -> DataFrame:
    """SCORES of every pair: rows as they are, none is dropped. The judge travels with the tasks, a few KB."""
    experts = sorted(judge.weights.experts)
    needs_whole_gifs = judge.config.rule == "published" and judge.config.normalise == "max"
    if needs_whole_gifs:
        evidence_df = evidence_df.repartition("gif_id").sortWithinPartitions("gif_id")

    def score_batches(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in _whole_gifs(batches) if needs_whole_gifs else batches:
            evidence = evidence_of(batch, experts)
            scores = judge.scores(evidence)
            probabilities = judge.probabilities(evidence, scores)
            accepted = judge.accepts(batch["tag"], probabilities)
            columns = [
                *(batch[name] for name in ("gif_id", "tag", "split", "is_own")),
                pa.array(scores),
                pa.array(probabilities, from_pandas=True),
                pa.nulls(len(scores), pa.bool_()) if accepted is None else pa.array(accepted),
            ]
            yield pa.RecordBatch.from_arrays(columns, schema=SCORES)

    wanted = [field.name for field in evidence_schema(experts)]
    return evidence_df.select(*wanted).mapInArrow(score_batches, from_arrow_schema(SCORES))


def _whole_gifs(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The rows, sorted by gif_id, in batches none of which ends within a GIF."""
    rest: pa.Table | None = None
    for batch in batches:
        table = pa.Table.from_batches([batch] if rest is None else [*rest.to_batches(), batch]).combine_chunks()
        num = table.num_rows - pc.sum(pc.equal(table["gif_id"], table["gif_id"][-1])).as_py() if len(table) else 0
        yield from table.slice(0, num).to_batches()
        rest = table.slice(num)
    if rest is not None:
        yield from rest.to_batches()

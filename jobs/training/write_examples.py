"""catalog, media, failures, voted_tags and duplicates -> training_examples, training_labels and training_funnel."""

from __future__ import annotations

import pyarrow as pa
from pyspark.sql import DataFrame

from autotag_core.tables import (
    CATALOG,
    DUPLICATES,
    FAILURES,
    MEDIA,
    TRAINING_EXAMPLES,
    TRAINING_FUNNEL,
    TRAINING_LABELS,
    VOTED_TAGS,
)
from autotag_core.training.funnel import Outcome, funnel_rows
from jobs.run.run import Run
from jobs.run.stages import stage
from udfs.training import examples as training

_GIFS_PER_FILE = {"reference": 500_000, "jpeg": 2_000, "webp": 2_000}
"""GIFs in one file. The stored frames of 2,000 GIFs are a quarter of a gigabyte."""
_ROW_GROUP_BYTES = {"reference": 128 * 1024, "jpeg": 8 * 1024 * 1024, "webp": 8 * 1024 * 1024}
"""Bytes of a row group, which training reads at once: about a thousand references, or 60 GIFs with 16 stored frames."""


@stage(
    "examples",
    reads=(CATALOG, MEDIA, FAILURES, VOTED_TAGS, DUPLICATES),
    writes=(TRAINING_EXAMPLES, TRAINING_LABELS, TRAINING_FUNNEL),
    cost="GIFs, with frames their bytes",
)
def write_examples(run: Run) -> None:
    """Write the voted dataset as training reads it, and how the catalog became it. Leaks are noted in the gates."""
    config, num_gifs = run.config, run.facts.rows_out["catalog"]
    num_files = -(-num_gifs // _GIFS_PER_FILE[config.training.frames])
    duplicates_df = run.tables.read(DUPLICATES) if run.tables.has(DUPLICATES) else None
    voted_tags_df = run.tables.read(VOTED_TAGS)
    sources = training.Sources(
        run.tables.read(CATALOG), run.tables.read(MEDIA), run.tables.read(FAILURES), voted_tags_df, duplicates_df
    )
    run.expect(num_gifs)
    labels_df = training.number_labels(voted_tags_df).persist()
    gifs_df = training.judge_gifs(sources, labels_df, config.training).persist()
    try:
        examples_df = training.example_rows(gifs_df, config, num_files)
        num_examples = run.tables.write(TRAINING_EXAMPLES, examples_df, _ROW_GROUP_BYTES[config.training.frames])
        outcomes = _outcomes(gifs_df)
        written_df = gifs_df
        if num_examples < sum(outcome.num_gifs for outcome in outcomes if outcome.left_at is None):
            written_df = training.with_lost(gifs_df, run.tables.read(TRAINING_EXAMPLES))
            outcomes = _outcomes(written_df)
        run.tables.write(TRAINING_LABELS, training.label_rows(labels_df, written_df))
        rows = funnel_rows(outcomes, training.STEPS, training.SPLITS, training.BEFORE_VOTING)
        pairs = [row._asdict() | {"num_left_by_reason": list(row.num_left_by_reason.items())} for row in rows]
        run.tables.write_here(TRAINING_FUNNEL, pa.Table.from_pylist(pairs, schema=TRAINING_FUNNEL.plain_schema))
    finally:
        gifs_df.unpersist()
        labels_df.unpersist()
    run.facts.rows_out["examples"] = num_examples
    run.facts.gates["training_leaks"] = _leaks(outcomes, duplicates_df is not None)


def _outcomes(gifs_df: DataFrame) -> list[Outcome]:
    return [Outcome(*row) for row in training.count_outcomes(gifs_df).collect()]


def _leaks(outcomes: list[Outcome], knows_duplicates: bool) -> str:
    """What the checks found, in words, for the record of the run."""
    found = {
        (split, reason): sum(one.num_gifs for one in outcomes if (one.split, one.reason) == (split, reason))
        for reason in (training.SAME_BYTES, training.NEAR_DUPLICATE, training.SAME_UPLOADER)
        for split in training.SPLITS[:-1]
    }
    parts = [f"{count} {split} GIFs by {reason}" for (split, reason), count in found.items() if count]
    skipped = "" if knows_duplicates else ", near duplicates not looked for"
    return f"left out: {', '.join(parts) or 'none'}{skipped}, {_uploaders(outcomes)}"


def _uploaders(outcomes: list[Outcome]) -> str:
    if all(one.shares_uploader is None for one in outcomes):
        return "uploaders not known to the catalog"
    num_gifs = sum(one.num_gifs for one in outcomes if one.left_at is None and one.shares_uploader)
    return f"{num_gifs} examples by uploaders with GIFs in a more protected split"

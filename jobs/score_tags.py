"""neighbors, catalog and expert_weights -> evidence, its scores by vote.rule, probabilities and tag_thresholds."""

from __future__ import annotations

import json

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import from_arrow_schema

from autotag_core.config import VoteConfig
from autotag_core.tables import CATALOG, EXPERT_WEIGHTS, TAG_THRESHOLDS
from autotag_core.voting import ExpertWeight, Judge, fit_judge
from jobs.run import Run
from udfs import evidence, votes


def score_tags(run: Run, neighbors_df: DataFrame, copied_df: DataFrame | None) -> DataFrame:
    """Judge every tag that a GIF or a neighbor of it has; returns evidence.SCORES rows, staged for this run."""
    config = run.config.vote
    with run.stage("scores", run.rows_out["catalog"]):
        catalog_df = run.read(CATALOG)
        weights = read_weights(run.read(EXPERT_WEIGHTS))
        slips_df, _ = run.stage_rows("slips", evidence.slips(catalog_df))
        shares_df, _ = run.stage_rows(
            "shares", evidence.share_votes(neighbors_df, catalog_df, slips_df, sorted(weights), config)
        )
        gathered_df = evidence.gather_evidence(
            shares_df, neighbors_df, catalog_df, slips_df, copied_df, sorted(weights), config
        )
        evidence_df, run.rows_out["scores"] = run.stage_rows("evidence", gathered_df)
        judge = learn_judge(evidence_df, catalog_df, weights, config, run.config.seed)
        run.calibration = _as_json(judge)
        _write_thresholds(run, judge)
        scores_df, _ = run.stage_rows("scores", evidence.score_pairs(evidence_df, judge))
    return scores_df


def read_weights(weights_df: DataFrame) -> dict[str, ExpertWeight]:
    """Each expert's weights; on new tags the published one where there is no other."""
    return {
        row["expert"]: ExpertWeight(
            row["weight"], row["weight"] if row["weight_on_new_tags"] is None else row["weight_on_new_tags"]
        )
        for row in weights_df.orderBy("expert").collect()
    }


def learn_judge(
    evidence_df: DataFrame, catalog_df: DataFrame, weights: dict[str, ExpertWeight], config: VoteConfig, seed: int
) -> Judge:
    """Learn from validation GIFs, of which the driver gets vote.max_calibration_gifs and no more."""
    limits = {"max_evaluation_gifs": min(config.max_evaluation_gifs, config.max_calibration_gifs)}
    truth_df, split = votes.evaluation_truth(catalog_df, config.model_copy(update=limits))
    pairs = evidence.judged_pairs(evidence_df, truth_df).toArrow() if split == votes.VALIDATION else None
    return fit_judge(pairs, weights, config, seed)


def _as_json(judge: Judge) -> str:
    """What a reader of `runs` gets: the weights on own tags, and the calibration with its reliability, or why not."""
    learned = json.loads(judge.calibration.to_json()) if judge.calibration else {"reason": judge.reason}
    factors = {name: round(weight.on_own_tags, 6) for name, weight in sorted(judge.weights.experts.items())}
    return json.dumps(learned | {"rule": judge.config.rule, "on_own_tags": factors}, sort_keys=True)


def _write_thresholds(run: Run, judge: Judge) -> None:
    schema = pa.schema([pa.field(item.name, item.type) for item in TAG_THRESHOLDS.schema])
    rows = judge.thresholds.to_rows() if judge.thresholds else []
    table = pa.Table.from_pylist(rows, schema=schema)
    run.write(TAG_THRESHOLDS, run.spark.createDataFrame(table, from_arrow_schema(schema)))

"""neighbors, catalog and expert_weights -> what judges every tag: statistics of the evidence, and tag_thresholds."""

from __future__ import annotations

import json
import statistics
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from autotag_core.config import VoteConfig
from autotag_core.splits import VALIDATION
from autotag_core.tables import CATALOG, DECIDED_TAGS, EXPERT_WEIGHTS, NEIGHBORS, TAG_THRESHOLDS
from autotag_core.votes import ExpertWeight, Judge, TagStatistics, fit_judge, open_statistics
from autotag_core.votes.judge.learned import OWN_FEATURES
from jobs.run.run import Run
from jobs.run.stages import stage
from udfs.tasks.local_folder import local_folder
from udfs.votes import evidence, expert_weights, tag_tables
from udfs.votes.ballots import Ballots
from udfs.votes.decided import decided_pairs


@dataclass(frozen=True)
class Learned:
    """The statistics on tags, and the judge of what neighbors say of tags."""

    statistics: TagStatistics
    judge: Judge


@stage(
    "scores",
    reads=(CATALOG, NEIGHBORS, EXPERT_WEIGHTS, DECIDED_TAGS),
    writes=(TAG_THRESHOLDS,),
    cost="GIFs x k x experts",
)
def learn_to_score(run: Run, ballots: Ballots) -> Learned:
    """What judges every tag that a GIF or a neighbor of it has, learned from the catalog. Writes tag_thresholds."""
    config = run.config.vote
    run.expect(run.facts.rows_out["catalog"])
    weights, guessed = read_weights(run.tables.read(EXPERT_WEIGHTS), config)
    if guessed:
        run.note(weights_guessed=", ".join(guessed))
        run.log.warning("experts that know a GIF's tags were judged by these: weighed like the others", **guessed)
    folder = run.staging.place("statistics")
    known = tag_tables.write_statistics(ballots, sorted(weights), config, folder)
    decided_df = run.tables.read(DECIDED_TAGS) if run.tables.has(DECIDED_TAGS) else None
    pairs = teaching_pairs(ballots, run.tables.read(CATALOG), known, config, decided_df)
    run.facts.rows_out["scores"] = 0 if pairs is None else pairs.num_rows
    judge = fit_judge(pairs, weights, config, run.config.seed, taught_excess(known))
    run.facts.calibration = _as_json(judge)
    _write_thresholds(run, judge)
    return Learned(known, judge)


def read_weights(weights_df: DataFrame, config: VoteConfig) -> tuple[dict[str, ExpertWeight], dict[str, float]]:
    """Each expert's weights, and the weights on new tags that were guessed for experts which know tags.

    Experts may have been judged on train GIFs by these GIFs' own tags. Then nothing tells how good they are at new
    ones. For an expert that knows no tags, its weight is a fair guess. An expert that was made of the tags or trained
    on them repeats them. It is guessed to be no better than the mean of the others.
    """
    rows = sorted(weights_df.collect(), key=lambda row: row["expert"])
    knowing = {*config.from_own_tags, *config.trained_on_tags}
    others = [row["weight"] for row in rows if row["expert"] not in knowing]
    mean = statistics.fmean(others) if others else 1.0
    weights, guessed = {}, {}
    for row in rows:
        name, on_new_tags = row["expert"], row["weight_on_new_tags"]
        if on_new_tags is None:
            on_new_tags = row["weight"]
            if name in knowing:
                on_new_tags = guessed[name] = min(row["weight"], mean)
        weights[name] = ExpertWeight(row["weight"], on_new_tags)
    return weights, guessed


def taught_excess(known: TagStatistics) -> dict[str, float]:
    """By expert: how far shares of train GIFs' own tags are above chance (OpenStatistics.excess)."""
    return {known.experts[place]: mean for place, mean in open_statistics(known, local_folder()).excess().items()}


def teaching_pairs(
    ballots: Ballots,
    catalog_df: DataFrame,
    known: TagStatistics,
    config: VoteConfig,
    decided_df: DataFrame | None = None,
) -> pa.Table | None:
    """What a judge learns from: at most 5,000 validation GIFs (max_calibration_gifs), and what editors have decided.

    None where validation GIFs are too few and so are decided tags (each min_evaluation_gifs). Of decided GIFs at most
    5,000 teach, by a hash of the id.
    """
    pairs = _validation_pairs(ballots, catalog_df, known, config)
    if decided_df is None:
        return pairs
    first_df = decided_df.orderBy(F.xxhash64("gif_id"), "gif_id").limit(config.max_calibration_gifs)
    evidence_df = evidence.gather_evidence(ballots, first_df, known, config)
    decided = decided_pairs(evidence_df, first_df, known.table.num_gifs).toArrow()
    if pairs is None:
        return decided if decided.num_rows >= config.min_evaluation_gifs else None
    pairs = pairs.append_column("is_decided", pa.array(np.zeros(pairs.num_rows, bool)))
    return pa.concat_tables([pairs, decided.select(pairs.column_names).cast(pairs.schema)])


def _validation_pairs(
    ballots: Ballots, catalog_df: DataFrame, known: TagStatistics, config: VoteConfig
) -> pa.Table | None:
    limits = {"max_evaluation_gifs": min(config.max_evaluation_gifs, config.max_calibration_gifs)}
    truth = expert_weights.evaluation_truth(catalog_df, config.model_copy(update=limits))
    if truth.split != VALIDATION:
        return None
    evidence_df = evidence.gather_evidence(ballots, truth.gifs_df, known, config)
    return evidence.judged_pairs(evidence_df, truth.gifs_df).toArrow()


def _as_json(judge: Judge) -> str:
    """The column `calibration` of `runs`: weights on own tags, and the calibration with its reliability, or why not.

    `taught` is what vote.rule=learned has of own tags, by kind of evidence, with the share that editors leave out. It
    is null where nothing was learned of them and `reliability` judges, and by the published rule.
    """
    learned = json.loads(judge.calibration.to_json()) if judge.calibration else {"reason": judge.reason}
    factors = {name: round(weight.on_own_tags, 6) for name, weight in sorted(judge.weights.experts.items())}
    own_tags = {name: round(getattr(judge.weights, name), 6) for name in ("together", "as_new", "own_log_odds")}
    own = judge.weights.learned.own if judge.weights.learned else None
    taught = None if own is None else dict(zip(OWN_FEATURES, own.weights, strict=True)) | {"left_out": own.left_out}
    found = learned | own_tags | {"rule": judge.config.rule, "on_own_tags": factors, "taught": taught}
    return json.dumps(found, sort_keys=True)


def _write_thresholds(run: Run, judge: Judge) -> None:
    rows = judge.thresholds.to_rows() if judge.thresholds else []
    run.tables.write_here(TAG_THRESHOLDS, pa.Table.from_pylist(rows, schema=TAG_THRESHOLDS.plain_schema))

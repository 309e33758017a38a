"""Gates on what a run made of a catalog, held against the last release: experts, weights, probabilities, tags."""

from __future__ import annotations

import json
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from autotag_core import warehouse
from autotag_core.errors import AutotagError
from autotag_core.tables import CATALOG, EXPERT_WEIGHTS, VOTED_TAGS, WRITTEN_TAGS
from autotag_core.warehouse import RunRecord
from jobs.release.gates import hold_gate, last_release, pass_gate
from jobs.run.delta_tables import read_version, spark_schema
from jobs.run.run import Run

SEEN_BY = {"frames": "imagenet", "temporal": "temporal", "texts": "text", "tags": "semantic"}
"""Stage whose rows are the GIFs that an expert has embedded -> the expert."""
MIN_PAIRS, MIN_TAGS = 1000, 1000
"""Probabilities of fewer pairs of a GIF and a tag are off by chance, and in a catalog of fewer tags one GIF moves many.
What a person tries with a few hundred GIFs is not held back."""
READ_TAGS = ("confirmed", "voted", "editorial", "original")
"""Sources of the tags that readers take for a GIF's own: not those that are demoted or only proposed."""


def check_quality_gates(run: Run) -> None:
    """Hold experts, weights, probabilities and tags of the run against the last release, where there is one.

    Cost: one shuffle of the tags of both by gif_id.
    """
    last = last_release(run)
    if last is None:
        return
    _check_coverage(run, last)
    if EXPERT_WEIGHTS.name in last.table_versions:
        _check_weights(run, last)
    _check_calibration(run, last)
    if VOTED_TAGS.name in last.table_versions and CATALOG.name in last.table_versions:
        _check_churn(run, last)


def coverage_drops(now: RunRecord, before: RunRecord) -> dict[str, float]:
    """By expert that saw GIFs in both runs' catalogs: the share that it saw before, less the share that it sees now."""
    shares = [
        {name: run.rows_out[name] / run.rows_out["catalog"] for name in SEEN_BY if name in run.rows_out}
        for run in (now, before)
        if run.rows_out.get("catalog")
    ]
    if len(shares) < 2:
        return {}
    return {SEEN_BY[name]: shares[1][name] - shares[0][name] for name in SEEN_BY if all(name in one for one in shares)}


def _check_coverage(run: Run, last: RunRecord) -> None:
    drops = coverage_drops(run.to_record(warehouse.PUBLISHED), last)
    if drops:
        expert = max(drops, key=lambda name: drops[name])
        lost = max(0.0, drops[expert])
        hold_gate(
            run,
            "coverage_drop",
            lost,
            f"the expert {expert} sees {lost:.0%} of the GIFs less than in release {last.run_id}: is its model or "
            "reader the same?",
        )


def weight_shifts(now: list[dict[str, Any]], before: list[dict[str, Any]]) -> dict[str, float]:
    """By expert of both lists of rows of expert_weights: how far the weight moved, where its intervals do not meet.

    An expert that was evaluated on another split is left out: it was asked something else.
    """
    earlier = {row["expert"]: row for row in before}
    pairs = [(row, earlier[row["expert"]]) for row in now if row["expert"] in earlier]
    return {
        new["expert"]: abs(new["weight"] - old["weight"])
        if new["weight_low"] > old["weight_high"] or new["weight_high"] < old["weight_low"]
        else 0.0
        for new, old in pairs
        if new["evaluated_on"] == old["evaluated_on"]
    }


def _check_weights(run: Run, last: RunRecord) -> None:
    now = [row.asDict() for row in run.tables.read(EXPERT_WEIGHTS).collect()]
    try:
        before = warehouse.read_table(run.warehouse, EXPERT_WEIGHTS.name, last).to_pylist()
    except AutotagError as error:  # columns of another version of autotag
        run.log.info("weights not compared", reason=str(error))
        return
    shifts = weight_shifts(now, before)
    if shifts:
        expert = max(shifts, key=lambda name: shifts[name])
        said = f"the weight of the expert {expert} is {shifts[expert]:.2f} away from that of release {last.run_id}"
        hold_gate(run, "weight_shift", shifts[expert], f"{said}: is its model, or what editors say, another one?")


def calibration_error(found: str | None) -> float | None:
    """The error in the column `calibration` of `runs`. None where there is none, or where it rests on too few pairs."""
    known = json.loads(found or "{}")
    num_pairs = sum(one["num"] for one in known.get("reliability") or [])
    return known.get("ece") if num_pairs >= MIN_PAIRS else None


def _check_calibration(run: Run, last: RunRecord) -> None:
    now, before = (calibration_error(found) for found in (run.facts.calibration, last.calibration))
    if now is not None and before is not None:
        said = f"probabilities are {now:.3f} off on validation GIFs, {before:.3f} in release {last.run_id}"
        hold_gate(run, "calibration", max(0.0, now - before), said)


def _check_churn(run: Run, last: RunRecord) -> None:
    """Of the tags that readers saw on GIFs which are still in the catalog: how many are gone.

    Nothing is held where one of both voted on labels and the other on tags as written: all are meant to differ. Nor in
    a catalog of fewer than MIN_TAGS.
    """
    if (WRITTEN_TAGS.name in last.table_versions) != run.tables.has(WRITTEN_TAGS):
        return
    uri = warehouse.table_uri(run.warehouse, VOTED_TAGS.name)
    released_df = read_version(run.spark, uri, last.table_versions[VOTED_TAGS.name], spark_schema(VOTED_TAGS))
    before_df = _read_tags(released_df).join(run.tables.read(CATALOG).select("gif_id"), "gif_id", "left_semi")
    now_df = _read_tags(run.tables.read(VOTED_TAGS)).withColumn("is_there", F.lit(True))
    counted = (
        before_df.join(now_df, ["gif_id", "tag"], "left")
        .agg(F.count("*").alias("tags"), F.count_if(F.col("is_there").isNull()).alias("gone"))
        .collect()[0]
    )
    if counted["tags"] >= MIN_TAGS:
        what = f"tags of release {last.run_id} are gone from their GIFs"
        pass_gate(run, "tag_churn", counted["gone"], counted["tags"], what)


def _read_tags(voted_df: DataFrame) -> DataFrame:
    return voted_df.where(F.col("source").isin(*READ_TAGS)).select("gif_id", "tag")

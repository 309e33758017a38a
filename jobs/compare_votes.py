"""A release voted anew, with other rules and other experts, and each held against a known truth.

Runs Spark on the release's tables and changes none of them. The driver gets the evidence on the GIFs that the truth
names and on the validation GIFs: about 150 rows of 200 bytes a GIF.
"""

from __future__ import annotations

import itertools
import json
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from autotag_core import storage
from autotag_core.config import Config, VoteConfig
from autotag_core.errors import InputError
from autotag_core.evaluation import Comparison, ablation_json, ablation_text, compare
from autotag_core.tables import CATALOG, DUPLICATES, EXPERT_WEIGHTS, NEIGHBORS, Table
from autotag_core.voting import RULES, ExpertWeight, Judge, evidence_of, fit_judge
from autotag_core.warehouse import RunRecord, read_table, table_uri
from jobs.score_tags import read_weights
from jobs.session import spark_session
from udfs import duplicates, evidence, votes
from udfs.components import Keep


@dataclass(frozen=True)
class Pairs:
    """Evidence of a release: on GIFs with a truth, and on validation GIFs with is_right by their editors."""

    known: pa.Table
    validation: pa.Table | None


@dataclass(frozen=True)
class Release:
    """What a comparison starts from."""

    config: Config
    weights: Mapping[str, ExpertWeight]
    catalog: pa.Table
    pairs: Pairs
    counting_copies: Pairs | None
    """The same with every copy of a GIF counted; None where the release has no copies or counts them anyway."""


def compare_rules(warehouse: str, record: RunRecord, truth: pa.Table, num_resamples: int = 1000) -> Comparison:
    """Every rule on the release's neighbors, its own also with copies counted if there are any; baseline: published."""
    release = read_release(warehouse, record, truth)
    variants = {name: _voted(release, release.pairs, rule=name) for name in RULES}
    if release.counting_copies is not None:
        rule = release.config.vote.rule
        variants[f"{rule}, copies counted"] = _voted(release, release.counting_copies, rule=rule)
    return compare(variants, release.catalog, truth, "published", num_resamples, release.config.seed)


def ablate_experts(
    warehouse: str, record: RunRecord, truth: pa.Table, num_resamples: int = 1000
) -> dict[str, Comparison]:
    """Without each expert and with each alone: by the published rule, which is nothing but votes, and by vote.rule."""
    release = read_release(warehouse, record, truth)
    names = sorted(release.weights)
    if len(names) < 2:
        raise InputError(f"run {record.run_id} has one expert, {', '.join(names)}: there is nothing to leave out")
    chosen = {"all": names}
    chosen |= {f"without {name}": [other for other in names if other != name] for name in names}
    chosen |= {f"{name} alone": [name] for name in names}
    return {
        rule: compare(
            {variant: _voted(release, release.pairs, rule, experts) for variant, experts in chosen.items()},
            release.catalog,
            truth,
            "all",
            num_resamples,
            release.config.seed,
        )
        for rule in dict.fromkeys(("published", release.config.vote.rule))
    }


def ablations_as_text(found: Mapping[str, Comparison]) -> str:
    """One table a rule; the last columns are precision@1 on the tags of each factor of the truth."""
    return "\n\n".join(f"By the rule {rule}:\n{ablation_text(comparison)}" for rule, comparison in found.items())


def ablations_as_json(found: Mapping[str, Comparison]) -> str:
    """One JSON object by rule."""
    return json.dumps({rule: json.loads(ablation_json(comparison)) for rule, comparison in found.items()})


def read_release(warehouse: str, record: RunRecord, truth: pa.Table) -> Release:
    """Gather the release's evidence anew with the settings that its run recorded; leaves the Spark session running."""
    config = Config.model_validate(json.loads(record.config))
    spark = spark_session("autotag evaluate")
    tables = {table.name: _read(spark, warehouse, record, table) for table in (CATALOG, NEIGHBORS, EXPERT_WEIGHTS)}
    weights = read_weights(tables[EXPERT_WEIGHTS.name])
    groups_df = _read(spark, warehouse, record, DUPLICATES) if DUPLICATES.name in record.table_versions else None
    if groups_df is not None and (not config.duplicates.count_once or groups_df.isEmpty()):
        groups_df = None
    every = _pairs(warehouse, tables, None, sorted(weights), config, truth)
    once = every if groups_df is None else _pairs(warehouse, tables, groups_df, sorted(weights), config, truth)
    catalog = read_table(warehouse, CATALOG.name, record, ["gif_id", "tags", "split"])
    return Release(config, weights, catalog, once, None if groups_df is None else every)


def _pairs(
    warehouse: str,
    tables: Mapping[str, DataFrame],
    groups_df: DataFrame | None,
    experts: list[str],
    config: Config,
    truth: pa.Table,
) -> Pairs:
    catalog_df, neighbors_df, copied_df = tables[CATALOG.name], tables[NEIGHBORS.name], None
    spark, vote = catalog_df.sparkSession, config.vote
    if groups_df is not None:
        neighbors_df = duplicates.distinct_neighbors(neighbors_df, groups_df, config.neighbors.k)
        copied_df = duplicates.flow_tags(catalog_df, groups_df)
    with _kept(catalog_df.sparkSession, warehouse) as keep:
        slips_df = keep(evidence.slips(catalog_df))
        neighbors_df = keep(neighbors_df)
        shares_df = keep(evidence.share_votes(neighbors_df, catalog_df, slips_df, experts, vote))
        evidence_df = keep(
            evidence.gather_evidence(shares_df, neighbors_df, catalog_df, slips_df, copied_df, experts, vote)
        )
        known_df = spark.createDataFrame(pa.table({"gif_id": pc.unique(truth["gif_id"])}), "gif_id string")
        known = evidence_df.where(F.col("split") == votes.TRAIN).join(F.broadcast(known_df), "gif_id").toArrow()
        limits = {"max_evaluation_gifs": vote.max_calibration_gifs}
        truth_df, split = votes.evaluation_truth(catalog_df, vote.model_copy(update=limits))
        validation = evidence.judged_pairs(evidence_df, truth_df).toArrow() if split == votes.VALIDATION else None
    return Pairs(known, validation)


@contextmanager
def _kept(spark: SparkSession, warehouse: str) -> Iterator[Keep]:
    """Something that writes rows that several steps need once, and deletes them with the context.

    To local files where Spark runs on this machine, so that a reader of the warehouse need not be able to write it.
    """
    is_local = (spark.sparkContext.master or "").startswith("local[")
    folder = tempfile.mkdtemp(prefix="autotag-") if is_local else storage.join(warehouse, "_staging", uuid.uuid4().hex)
    numbers = itertools.count()

    def keep(rows_df: DataFrame) -> DataFrame:
        path = storage.join(folder, str(next(numbers)))
        rows_df.write.parquet(path)
        return spark.read.schema(rows_df.schema).parquet(path)

    try:
        yield keep
    finally:
        storage.delete_prefix(folder)


def _voted(release: Release, pairs: Pairs, rule: str, experts: list[str] | None = None) -> pa.Table:
    """(gif_id, tag, score, confidence) of the known pairs, judged by the rule with what these experts teach."""
    weights = {name: release.weights[name] for name in experts or sorted(release.weights)}
    judge = _learned(pairs, weights, release.config.vote.model_copy(update={"rule": rule, "target_precision": None}))
    scores = judge.scores(evidence_of(pairs.known, sorted(weights)))
    confidence = pa.array(np.ones(len(scores)))
    return pa.table(
        {"gif_id": pairs.known["gif_id"], "tag": pairs.known["tag"], "score": scores, "confidence": confidence}
    )


def _learned(pairs: Pairs, weights: dict[str, ExpertWeight], config: VoteConfig) -> Judge:
    return replace(fit_judge(pairs.validation, weights, config, seed=0), calibration=None)


def _read(spark: SparkSession, warehouse: str, record: RunRecord, table: Table) -> DataFrame:
    if table.name not in record.table_versions:
        raise InputError(f"{warehouse}: run {record.run_id} has no table {table.name}")
    reader = spark.read.format("delta").option("versionAsOf", record.table_versions[table.name])
    return reader.load(table_uri(warehouse, table.name))

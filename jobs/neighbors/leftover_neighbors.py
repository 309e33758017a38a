"""Neighbors that a run which did not end has found already, expert by expert. The next run takes them over."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from autotag_core import storage
from autotag_core.tables import NEIGHBORS
from autotag_core.warehouse import table_uri
from jobs.run.delta_tables import has_its_files, read_version, spark_schema
from jobs.run.leftovers import left_notes
from jobs.run.run import Run
from udfs.reuse.row_digests import digest_columns

_NOTE = "neighbors.json"


def fingerprints(run: Run, embeddings_df: DataFrame, references_df: DataFrame) -> dict[str, str]:
    """By expert, a hash of what its neighbors are made of: embeddings, ids of references, and settings.

    Cost: both are read once, and three numbers an expert and partition are shuffled.
    """
    settings = run.config.neighbors.model_dump_json()
    rows_df = embeddings_df.select("expert", "gif_id", "embedding").unionByName(references_df, allowMissingColumns=True)
    rows = rows_df.groupBy("expert").agg(*digest_columns(["gif_id", "embedding"])).collect()
    digests = {row["expert"]: tuple(row)[1:] for row in rows}
    references = digests.pop(None, None)  # they belong to no expert
    return {
        expert: hashlib.sha256(repr((digest, references, settings)).encode()).hexdigest()
        for expert, digest in digests.items()
    }


def note_neighbors(run: Run, made_of: dict[str, str]) -> None:
    """Note in the staging what the neighbors that this run has just written are made of."""
    shards = run.facts.inputs.shards_of(made_of)
    note = {"made_of": made_of, "version": run.tables.versions[NEIGHBORS.name], "shards": shards}
    storage.write_bytes(run.staging.place(_NOTE), json.dumps(note).encode())


@dataclass(frozen=True)
class Leftover:
    """What an earlier run has found for some experts."""

    experts: list[str]
    neighbors_df: DataFrame
    shards: dict[str, str]
    """By expert, the run that built its index shards."""


def find_leftover(run: Run, made_of: dict[str, str]) -> Leftover | None:
    """What an earlier run has left that this one can take over. None: there is nothing.

    It is from the newest run that has neighbors of some expert made of the same, if their files are still there.
    """
    for _, note, _ in left_notes(run, _NOTE):
        same = sorted(expert for expert, what in made_of.items() if note["made_of"].get(expert) == what)
        uri, version = table_uri(run.warehouse, NEIGHBORS.name), int(note["version"])
        if same and has_its_files(uri, version):
            rows_df = read_version(run.spark, uri, version, spark_schema(NEIGHBORS))
            shards = {expert: run_id for expert, run_id in note.get("shards", {}).items() if expert in same}
            return Leftover(same, rows_df.where(F.col("expert").isin(same)), shards)
    return None

"""embeddings -> neighbors, among train GIFs only."""

from __future__ import annotations

import json

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from autotag_core.splits import TRAIN
from autotag_core.tables import CATALOG, EMBEDDINGS, NEIGHBORS
from jobs.neighbors import leftover_neighbors
from jobs.neighbors.shard_store import keep_shards, save_shards, saved_shards, shard_folders
from jobs.run.run import Run
from jobs.run.stages import GPUS, stage
from udfs.neighbors import search as neighbors
from udfs.neighbors.update import Space, update_neighbors


@stage(
    "neighbors",
    reads=(EMBEDDINGS, CATALOG),
    writes=(NEIGHBORS,),
    runs_on=GPUS,
    cost="GIFs x references, or x log",
    unit="embeddings",
)
def find_neighbors(run: Run) -> None:
    """Write the k nearest train GIFs of every GIF, in each expert's space.

    If the base searched with the same settings, its lists are brought up to date.
    """
    if run.base is not None and _searches_as_before(run):
        _update(run)
        run.facts.rows_out["neighbors"] = run.tables.num_rows(NEIGHBORS)
        return
    embeddings_df, references_df = run.tables.read(EMBEDDINGS), _references(run.tables.read(CATALOG))
    run.expect(run.tables.num_rows(EMBEDDINGS))
    made_of = leftover_neighbors.fingerprints(run, embeddings_df, references_df)
    left = leftover_neighbors.find_leftover(run, made_of)
    if left is not None:
        run.note(neighbors_taken_up=", ".join(left.experts))
        run.facts.inputs.shards |= left.shards
        embeddings_df = embeddings_df.where(~F.col("expert").isin(left.experts))
    folders = shard_folders(run)
    found = neighbors.find_neighbors(embeddings_df, references_df, run.config.neighbors, folders)
    found_df = found.neighbors_df if left is None else found.neighbors_df.unionByName(left.neighbors_df)
    run.facts.rows_out["neighbors"] = run.tables.replace(NEIGHBORS, found_df, run.config.experts)
    save_shards(run, found.lasting, Space(run.tables.read(EMBEDDINGS), references_df).references())
    leftover_neighbors.note_neighbors(run, made_of)


def _searches_as_before(run: Run) -> bool:
    assert run.base is not None
    return bool(json.loads(run.base.config).get("neighbors") == run.config.neighbors.model_dump(mode="json"))


def _update(run: Run) -> None:
    """Bring the base's lists up to date. Only what changed is searched for; nothing is written where nothing did."""
    keep_shards(run)
    if run.tables.is_adopted(EMBEDDINGS) and run.tables.is_adopted(CATALOG):
        return
    now = Space(run.tables.read(EMBEDDINGS), _references(run.tables.read(CATALOG)))
    before = Space(run.tables.read_base(EMBEDDINGS), _references(run.tables.read_base(CATALOG)))
    lists_df, settings, folders = run.tables.read_base(NEIGHBORS), run.config.neighbors, shard_folders(run)
    found, changed = update_neighbors(
        now, before, lists_df, settings, folders, run.staging.keeper("neighbors"), saved_shards(run)
    )
    run.log.info("neighbors updated", experts=",".join(changed) or None)
    if changed:
        run.tables.replace(NEIGHBORS, found.neighbors_df, changed)
    save_shards(run, found.lasting, now.references())


def _references(catalog_df: DataFrame) -> DataFrame:
    return catalog_df.where(F.col("split") == TRAIN).select("gif_id")

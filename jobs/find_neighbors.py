"""embeddings -> neighbors, among train GIFs only."""

from __future__ import annotations

from pyspark.sql import functions as F

from autotag_core import storage
from autotag_core.tables import CATALOG, EMBEDDINGS, NEIGHBORS
from jobs.run import Run
from udfs import neighbors
from udfs.votes import TRAIN


def find_neighbors(run: Run) -> None:
    """The k nearest train GIFs of every GIF, in each expert's space."""
    embeddings_df = run.read(EMBEDDINGS)
    reference_ids_df = run.read(CATALOG).where(F.col("split") == TRAIN).select("gif_id")
    with run.stage("neighbors", embeddings_df.count(), unit="embeddings"):
        folder = storage.join(run.staging, "shards")
        neighbors_df = neighbors.find_neighbors(embeddings_df, reference_ids_df, run.config.neighbors, folder)
        run.rows_out["neighbors"] = run.write(NEIGHBORS, neighbors_df)

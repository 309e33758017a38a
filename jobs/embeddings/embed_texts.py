"""media -> embeddings of the text expert."""

from __future__ import annotations

from pyspark.sql import functions as F

from autotag_core.tables import EMBEDDINGS, MEDIA
from jobs.embeddings.base_embeddings import num_embedded
from jobs.release.choose_base import kept_experts
from jobs.run.run import Run
from udfs.embeddings import texts


def embed_texts(run: Run) -> None:
    """Embed what is written in GIFs, each distinct text once, unless the base knows it; GIFs without words abstain."""
    with run.stage("texts", run.rows_out["frames"]):
        is_kept = texts.EXPERT in kept_experts(run)
        if is_kept and run.is_adopted(MEDIA):
            run.rows_out["texts"] = num_embedded(run, texts.EXPERT)
            return
        known_df = run.read_base(EMBEDDINGS).where(F.col("expert") == texts.EXPERT) if is_kept else None
        rows_df = texts.embed_texts(run.read(MEDIA), run.config, known_df)
        run.rows_out["texts"] = run.replace(EMBEDDINGS, rows_df, [texts.EXPERT])

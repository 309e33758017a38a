"""media -> embeddings of the text expert."""

from __future__ import annotations

from pyspark.sql import functions as F

from autotag_core.tables import EMBEDDINGS, MEDIA
from jobs.embeddings.base_embeddings import num_embedded
from jobs.release.choose_base import kept_experts
from jobs.run.run import Run
from jobs.run.stages import GPUS, stage
from udfs.embeddings import texts


@stage("texts", reads=(MEDIA,), writes=(EMBEDDINGS,), runs_on=GPUS, cost="distinct new texts")
def embed_texts(run: Run) -> None:
    """Embed what is written in GIFs: each distinct text once, unless the base knows it.

    A GIF without words has no embedding: the expert abstains.
    """
    run.expect(run.facts.rows_out["frames"])
    is_kept = texts.EXPERT in kept_experts(run)
    if is_kept and run.tables.is_adopted(MEDIA):
        run.facts.rows_out["texts"] = num_embedded(run, texts.EXPERT)
        return
    known_df = run.tables.read_base(EMBEDDINGS).where(F.col("expert") == texts.EXPERT) if is_kept else None
    rows_df = texts.embed_texts(run.tables.read(MEDIA), run.config, known_df)
    run.facts.rows_out["texts"] = run.tables.replace(EMBEDDINGS, rows_df, [texts.EXPERT])

"""media -> embeddings of the text expert."""

from __future__ import annotations

from autotag_core.tables import EMBEDDINGS, MEDIA
from jobs.run import Run
from udfs import texts


def embed_texts(run: Run) -> None:
    """Embed what is written in GIFs, each distinct text once; GIFs without words abstain."""
    with run.stage("texts", run.rows_out["frames"]):
        run.rows_out["texts"] = run.write(EMBEDDINGS, texts.embed_texts(run.read(MEDIA), run.config))

"""catalog -> media and embeddings of the experts that look at frames; what could not be read -> failures."""

from __future__ import annotations

from autotag_core.tables import CATALOG, EMBEDDINGS, MEDIA
from jobs.run import Run
from udfs import embeddings


def embed_gifs(run: Run) -> None:
    """Fetch, decode and embed every GIF in one pass; each GIF ends as a row of media or of failures."""
    num_gifs = run.rows_out["catalog"]
    with run.stage("frames", num_gifs):
        outcomes_df = embeddings.embed_frames(run.read(CATALOG), run.config)
        outcomes_df, _ = run.stage_rows("frames", outcomes_df)
        num_read = run.write(MEDIA, embeddings.media_rows(outcomes_df))
        run.write(EMBEDDINGS, embeddings.embedding_rows(outcomes_df))
        run.add_failures(embeddings.failure_rows(outcomes_df))
        run.rows_out["frames"] = num_read

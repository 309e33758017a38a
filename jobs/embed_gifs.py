"""catalog -> media and embeddings of the experts that look at frames; what could not be read -> failures."""

from __future__ import annotations

from autotag_core.errors import AutotagError
from autotag_core.tables import CATALOG, EMBEDDINGS, MEDIA
from jobs.run import Run
from udfs import embeddings


def embed_gifs(run: Run) -> int:
    """Fetch, decode and embed every GIF in one pass; each ends as a row of media or of failures.

    Returns how many failed: a GIF that was read but not embedded has both rows, and failed.
    """
    num_gifs = run.rows_out["catalog"]
    with run.stage("frames", num_gifs):
        outcomes_df = embeddings.embed_frames(run.read(CATALOG), run.config)
        outcomes_df, num_outcomes = run.stage_rows("frames", outcomes_df)
        if num_outcomes != num_gifs:
            raise AutotagError(f"frames: {num_outcomes} outcomes of {num_gifs} GIFs: each must have one")
        num_read = run.write(MEDIA, embeddings.media_rows(outcomes_df))
        run.write(EMBEDDINGS, embeddings.embedding_rows(outcomes_df))
        num_failed = run.add_failures(embeddings.failure_rows(outcomes_df))
        run.rows_out["frames"] = num_read
    return num_failed

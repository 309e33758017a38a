"""catalog -> media and embeddings of the experts that look at frames; what could not be read -> failures."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from autotag_core import outages, storage
from autotag_core.errors import AutotagError
from autotag_core.experts import chosen_experts
from autotag_core.frames.guard import POISONOUS, poison_of
from autotag_core.tables import CATALOG, EMBEDDINGS, FAILURES, MEDIA
from jobs.embeddings.base_embeddings import write_embeddings
from jobs.embeddings.leftover_frames import FRAMES, find_leftover, note_frames
from jobs.release.choose_base import kept_experts
from jobs.run.delta_tables import no_rows
from jobs.run.run import Run
from jobs.run.stages import GPUS, stage
from udfs.embeddings import frames as embeddings
from udfs.embeddings.frames import FACES, OUTCOMES
from udfs.reuse.row_digests import compare_gifs, embedded_gifs

_MAX_POISON = 10_000
_NUM_ASKED = 50
"""GIFs that speak for all: few enough to know, and too many to be broken by chance."""


@dataclass(frozen=True)
class SeenGifs:
    """What a run knows of its GIFs once it has looked at their frames."""

    outcomes_df: DataFrame
    """OUTCOMES, staged: a row for each GIF that was fetched, with frame features where an expert is made of them."""
    same_df: DataFrame | None
    """(gif_id): GIFs whose bytes and catalog row are those that the base's rows are about. None without a base."""
    num_failed: int
    """How many have a row of failures. A GIF that was read but not embedded has one of media too, and counts."""


@stage("frames", reads=(CATALOG,), writes=(MEDIA, EMBEDDINGS, FAILURES), runs_on=GPUS, cost="new GIFs x frames")
def embed_gifs(run: Run, again: Collection[str] = (), faces_of: DataFrame | None = None) -> SeenGifs:
    """Fetch, decode and embed every GIF in one pass. With a base, only GIFs that it does not know.

    Each ends as a row of media or of failures, or both. GIFs that the base knows are looked at again only by experts
    whose model, or text reader, is another one now, and by the experts named in `again`. FACES may be one of these: it
    looks for faces in all GIFs again, and `faces_of` (gif_id) in some.
    """
    num_gifs = run.facts.rows_out["catalog"]
    run.expect(num_gifs)
    same_df, num_same = None, 0
    if run.base is None:
        outcomes_df = _outcomes(run, run.tables.read(CATALOG), num_gifs)
    else:
        outcomes_df, same_df, num_same = _changed_outcomes(run, again, faces_of)
        if num_same == num_gifs:
            return _as_before(run, outcomes_df, same_df, num_same)
    outcomes_df, num_outcomes = run.staging.write(FRAMES, outcomes_df)
    if num_outcomes + num_same != num_gifs:
        raise AutotagError(f"frames: {num_outcomes + num_same} outcomes of {num_gifs} GIFs: each must have one")
    busy = embeddings.busy_seconds(outcomes_df)
    run.facts.seconds |= {f"frames:{part}": round(seconds, 3) for part, seconds in busy.items()}
    failures_df = embeddings.failure_rows(outcomes_df)
    if same_df is None:
        run.facts.rows_out["frames"] = _write_all(run, outcomes_df)
    else:
        same_df = same_df.join(failures_df.select("gif_id"), "gif_id", "left_anti")  # a second look may fail
        run.facts.rows_out["frames"] = _write_changed(run, outcomes_df, same_df)
    return SeenGifs(outcomes_df, same_df, run.failures.add(failures_df))


@contextmanager
def gifs_watched(run: Run) -> Iterator[None]:
    """For the block, a store that answers for none of the catalog's GIFs for too long ends the run.

    A single GIF that is refused is a row of failures. Cost: one short query; each request reads a byte.
    """
    # Spark's lower() would first spend three seconds on tables of all letters
    s3_df = run.tables.read(CATALOG).select("uri").where(F.col("uri").rlike("^(?i:s3[an]?):"))
    uris = [row["uri"] for row in s3_df.limit(_NUM_ASKED).collect()]
    with outages.watched(lambda: storage.ask_any(uris)) if uris else nullcontext():
        yield


def _outcomes(run: Run, catalog_df: DataFrame, num_gifs: int) -> DataFrame:
    """One outcome of each of these GIFs by all experts. Outcomes that a killed run has left are taken as they are."""
    experts = [expert.name for expert in chosen_experts(run.config) if expert.source in ("frames", "frame_features")]
    leftover = find_leftover(run, experts)
    note_frames(run, experts)
    if leftover is None:
        return embeddings.embed_frames(catalog_df, run.config, _poison(run), num_gifs)
    known_df = leftover.outcomes_df.select("gif_id", "version", "rendition")
    compared_df, num_gifs = run.staging.write(
        "compared_leftovers", compare_gifs(catalog_df, leftover.catalog_df, known_df, run.config)
    )
    done_df = compared_df.where("is_same").select("gif_id")
    num_done = done_df.count()
    run.note(taken_up=f"{num_done} of {num_gifs} GIFs were seen by a run that did not end")
    run.log.info("work of a run that did not end taken up", gifs=num_done, of=num_gifs)
    todo_df = embeddings.embed_frames(compared_df.where("not is_same"), run.config, _poison(run), num_gifs - num_done)
    return todo_df.unionByName(leftover.outcomes_df.join(done_df, "gif_id", "left_semi").select(*OUTCOMES.names))


def _poison(run: Run) -> dict[str, tuple[str, str]]:
    """The files that the base knows to kill or hold up whoever reads them."""
    if run.base is None or not run.tables.num_base_rows(FAILURES):
        return {}
    failures_df = run.tables.read_base(FAILURES).where(F.col("reason").isin([str(reason) for reason in POISONOUS]))
    rows = failures_df.select("reason", "message").limit(_MAX_POISON).collect()
    return poison_of((row["reason"], row["message"]) for row in rows)


def _write_all(run: Run, outcomes_df: DataFrame) -> int:
    num_read = run.tables.write(MEDIA, embeddings.media_rows(outcomes_df))
    run.tables.write(EMBEDDINGS, embeddings.embedding_rows(outcomes_df))
    return num_read


def _changed_outcomes(run: Run, also: Collection[str], faces_of: DataFrame | None) -> tuple[DataFrame, DataFrame, int]:
    """(outcomes, (gif_id) of the same GIFs, how many GIFs have no outcome).

    New and changed GIFs have outcomes by all experts. The same GIFs have outcomes by experts that look again. Others of
    them have no outcome, since nothing about them has changed.
    """
    known_df = embedded_gifs(run.tables.read_base(MEDIA), run.tables.read_base(FAILURES))
    compared_df = compare_gifs(run.tables.read(CATALOG), run.tables.read_base(CATALOG), known_df, run.config)
    compared_df, num_gifs = run.staging.write("compared_gifs", compared_df)
    same_df = compared_df.where("is_same")
    num_same = same_df.count()
    run.note(same_gifs=str(num_same))
    run.log.info("gifs compared", same=num_same, others=num_gifs - num_same, base=run.facts.inputs.notes["base"])
    again, again_df, num_again = _looking_again(run) | set(also), same_df, num_same
    if faces_of is not None and again:
        again |= {FACES}
    elif faces_of is not None:
        again_df = same_df.join(faces_of, "gif_id", "left_semi")
        num_again = again_df.count()
        again |= {FACES} if num_again else set()
    if num_same == num_gifs and not again:
        return no_rows(run.spark, from_arrow_schema(OUTCOMES)), same_df.select("gif_id"), num_same
    others_df = run.tables.read(CATALOG).join(compared_df.where("not is_same").select("gif_id"), "gif_id", "left_semi")
    outcomes_df = _outcomes(run, others_df, num_gifs - num_same)
    if not again:
        run.progress.expect(num_gifs - num_same)
        return outcomes_df, same_df.select("gif_id"), num_same
    again_df = embeddings.embed_frames(again_df, embeddings.only_experts(run.config, again), num_gifs=num_again)
    return outcomes_df.unionByName(again_df), same_df.select("gif_id"), num_same - num_again


def _looking_again(run: Run) -> set[str]:
    """Names of the experts that need the frames of GIFs that the base knows."""
    over_frames = [*chosen_experts(run.config, "frames"), *chosen_experts(run.config, "frame_features")]
    again = {expert.name for expert in over_frames} - set(kept_experts(run))
    return again | ({expert.name for expert in chosen_experts(run.config, "texts")} if _reads_again(run) else set())


def _reads_again(run: Run) -> bool:
    """Whether texts were read otherwise for the base than this run would read them."""
    assert run.base is not None
    return run.base.inputs.versions.get("reader") != run.facts.inputs.versions.get("reader")


def _as_before(run: Run, outcomes_df: DataFrame, same_df: DataFrame, num_same: int) -> SeenGifs:
    """No GIF has an outcome: each is as the base knows it. GIFs that have left the catalog leave the tables."""
    if num_same == run.tables.num_base_rows(MEDIA):
        run.tables.adopt(MEDIA)
        run.facts.rows_out["frames"] = num_same
    else:
        run.facts.rows_out["frames"] = _write_changed(run, outcomes_df, same_df)
    return SeenGifs(outcomes_df, same_df, 0)


def _write_changed(run: Run, outcomes_df: DataFrame, same_df: DataFrame) -> int:
    """Write media and embeddings, with what is kept of the base. Gives how many GIFs were read."""
    media_df, rows_df = embeddings.media_rows(outcomes_df), embeddings.embedding_rows(outcomes_df)
    num_before = run.tables.num_base_rows(MEDIA)
    if same_df.count() == num_before and not media_df.head(1):
        run.tables.adopt(MEDIA)
        return num_before
    if not _reads_again(run):
        kept_df = run.tables.read_base(MEDIA).join(same_df, "gif_id", "left_semi")
        media_df = media_df.join(same_df, "gif_id", "left_anti").unionByName(kept_df)
    num_read = run.tables.write(MEDIA, media_df)
    if names := [expert.name for expert in chosen_experts(run.config, "frames")]:
        write_embeddings(run, rows_df, names, same_df)
    return num_read

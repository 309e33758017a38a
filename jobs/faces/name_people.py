"""Faces that a night has seen -> faces and people: who is in each GIF, by a gallery of enrolled pictures."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from autotag_core.config import FacesConfig
from autotag_core.config.file import recorded_config
from autotag_core.faces.gallery import Gallery, empty_gallery, read_gallery
from autotag_core.tables import FACES, MEDIA, PEOPLE
from jobs.embeddings.embed_frames import SeenGifs
from jobs.run.run import Run
from jobs.run.stages import TASKS, stage
from udfs.embeddings.frames import FACES as LOOK
from udfs.faces import people

GALLERY_NAME = "gallery"
"""Key of the gallery among the versions of a run's inputs. That of the networks is LOOK."""


@dataclass(frozen=True)
class Detector:
    """What a night looks for faces with, and names them by."""

    gallery: Gallery
    version: str
    """Of the networks, and of how they look."""

    @property
    def versions(self) -> dict[str, str]:
        """What a run's inputs note."""
        return {LOOK: self.version, GALLERY_NAME: self.gallery.digest}


def find_detector(config: FacesConfig) -> Detector | None:
    """None where no faces are looked for. Loads the networks once.

    InputError where a package or the gallery is missing, or where other networks made the gallery.
    """
    if not config.enabled:
        return None
    from autotag_core.faces.looker import load_looker, looker_version

    looker = load_looker(config.max_frames, config.model)
    gallery = None if config.gallery is None else read_gallery(config.gallery, looker.model_version)
    if gallery is None or not gallery.people:
        gallery = empty_gallery(looker.dimension)
    return Detector(gallery, looker_version(looker))


@stage(
    "people", writes=(FACES, PEOPLE), runs_on=TASKS, cost="new GIFs with faces, or all with another gallery, x pictures"
)
def name_people(run: Run, detector: Detector, seen: SeenGifs) -> None:
    """Write the faces and people of every GIF. What the base says of the same GIFs by the same gallery stays.

    By another gallery or in another way, faces whose embeddings were kept are named again, and the others have been
    looked at again.
    """
    run.expect(run.facts.rows_out["frames"])
    if run.base is not None and not _is_new(run) and not _names_again(run) and run.tables.is_adopted(MEDIA):
        for table in (FACES, PEOPLE):
            run.tables.adopt(table)
        run.facts.rows_out["people"] = run.tables.num_rows(PEOPLE)
        return
    seen_df, faces_df, people_df = people.seen_faces(seen.outcomes_df), None, None
    if seen.same_df is not None and not _is_new(run):
        looked_df = seen.outcomes_df.where(F.col("faces").isNotNull()).select("gif_id")
        kept_df = seen.same_df.join(looked_df, "gif_id", "left_anti")
        faces_df, people_df = (run.tables.read_base(table) for table in (FACES, PEOPLE))
        faces_df, people_df = (rows_df.join(kept_df, "gif_id", "left_semi") for rows_df in (faces_df, people_df))
        if _names_again(run):
            unknown_df = _without_embeddings(faces_df)
            seen_df = seen_df.unionByName(people.kept_faces(faces_df.join(unknown_df, "gif_id", "left_anti")))
            faces_df, people_df = (rows_df.join(unknown_df, "gif_id", "left_semi") for rows_df in (faces_df, people_df))
    named_df = people.name_people(seen_df, detector.gallery, run.config.faces.grouping, run.config.faces.keep_unknown)
    named_df, num_gifs = run.staging.write("named_people", named_df)
    run.tables.write(FACES, _beside(people.face_rows(named_df, detector.version), faces_df))
    rows_df = people.people_rows(named_df, detector.gallery.digest)
    run.facts.rows_out["people"] = run.tables.write(PEOPLE, _beside(rows_df, people_df))
    run.log.info("people named", gifs=num_gifs, people=run.facts.rows_out["people"])


def looked_again(run: Run, detector: Detector | None) -> tuple[frozenset[str], DataFrame | None]:
    """What the frames stage looks at again among GIFs that the base knows: (LOOK for all of them or nothing, or these).

    (gif_id): GIFs with somebody unknown whose embeddings were not kept, where another gallery or another way names now.
    """
    if detector is None or run.base is None:
        return frozenset(), None
    if _is_new(run):
        return frozenset({LOOK}), None
    return frozenset(), _without_embeddings(run.tables.read_base(FACES)) if _names_again(run) else None


def _beside(new_df: DataFrame, kept_df: DataFrame | None) -> DataFrame:
    return new_df if kept_df is None else new_df.unionByName(kept_df)


def _without_embeddings(faces_df: DataFrame) -> DataFrame:
    return faces_df.where(F.col("embeddings").isNull()).select("gif_id").distinct()


def _is_new(run: Run) -> bool:
    """Whether the base, if there is one, has not looked for faces as this run does."""
    if run.base is None or FACES.name not in run.base.table_versions:
        return True
    return run.base.inputs.versions.get(LOOK) != run.facts.inputs.versions[LOOK]


def _names_again(run: Run) -> bool:
    """Whether the base has named people by another gallery or in another way, or has kept other embeddings."""
    assert run.base is not None
    before = recorded_config(run.base.config).faces
    is_other = run.base.inputs.versions.get(GALLERY_NAME) != run.facts.inputs.versions[GALLERY_NAME]
    return is_other or any(
        getattr(before, name) != getattr(run.config.faces, name) for name in ("grouping", "keep_unknown")
    )

"""catalog and sessions -> embeddings of the semantic expert."""

from __future__ import annotations

import json

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from autotag_core.errors import InputError
from autotag_core.experts import TagSpace
from autotag_core.experts.semantic.tag_space import load_tag_space, tag_space_name
from autotag_core.tables import CATALOG, EMBEDDINGS
from jobs.embeddings.base_embeddings import num_embedded
from jobs.release.choose_base import kept_experts
from jobs.run.run import Run
from jobs.run.saved_models import save_model, saved_model
from jobs.run.stages import FITTED, stage
from udfs.embeddings import tags as tag_vectors
from udfs.embeddings.tags import EXPERT

_NUM_CHECKED = 1000


@stage("tags", reads=(CATALOG,), writes=(EMBEDDINGS,), runs_on=FITTED, cost="GIFs; a fit: sentences")
def embed_tags(run: Run) -> TagSpace:
    """Place every GIF in the space of tags and sessions, and give that space. GIFs with no known token abstain.

    The space is fitted anew where no saved one knows enough of what is used now.
    """
    run.expect(run.facts.rows_out["catalog"])
    catalog_df = run.tables.read(CATALOG)
    space = _space_of_the_base(run) or _space(run, _sentences(run, catalog_df))
    run.facts.inputs.versions[EXPERT] = space.version
    if EXPERT in kept_experts(run) and run.tables.is_adopted(CATALOG):
        run.facts.rows_out["tags"] = num_embedded(run, EXPERT)
    else:
        rows_df = tag_vectors.embed_tags(catalog_df, space, run.config)
        run.facts.rows_out["tags"] = run.tables.replace(EMBEDDINGS, rows_df, [EXPERT])
    return space


def _sentences(run: Run, catalog_df: DataFrame) -> DataFrame:
    settings, sessions_df = run.config.semantic, None
    if settings.sessions:
        sessions_df, num_skipped = tag_vectors.read_sessions(run.spark, settings.sessions)
        run.note(sessions=settings.sessions, sessions_skipped=str(num_skipped))
    return tag_vectors.sentences(catalog_df, sessions_df, settings.min_gif_count)


def _space_of_the_base(run: Run) -> TagSpace | None:
    """The saved space, if the base is made by it, of the same catalog and sessions: it knows as much as it did then."""
    settings = run.config.semantic
    uri = saved_model(run, tag_space_name(run.config)) if _are_of_the_base(run) and not settings.refit else None
    if uri is None or run.base is None:
        return None
    space = load_tag_space(uri)
    as_before = json.loads(run.base.config).get("semantic") == settings.model_dump(mode="json")
    if not as_before or space.version != run.base.inputs.versions[EXPERT]:
        return None
    said = run.base.inputs.notes
    run.note(**{name: said[name] for name in ("sessions", "sessions_skipped") if name in said})
    run.note(semantic="reused: catalog and sessions are those of the base", semantic_space=uri)
    return space


def _space(run: Run, sentences_df: DataFrame) -> TagSpace:
    """The saved space of these settings if it knows enough (max_unknown_share), else a new one."""
    settings = run.config.semantic
    stem = tag_space_name(run.config)
    uri = saved_model(run, stem)
    if uri is not None and not settings.refit:
        space = load_tag_space(uri)
        share = tag_vectors.unknown_share(sentences_df, space, settings)
        run.note(semantic=f"reused: {share:.2%} of what is used is new to it", semantic_space=uri)
        if share <= settings.max_unknown_share:
            return space
        run.log.info("tag space outgrown, fitted anew", unknown_share=round(share, 4))
    space = tag_vectors.fit_space(sentences_df, settings, run.config.seed)
    uri = save_model(run, stem, ".npz", space.to_bytes())
    run.note(semantic="fitted", semantic_space=uri)
    return space


def check_sessions(run: Run) -> None:
    """InputError where the sessions are those of another catalog: asked before the hours that other experts take.

    That is where not one GIF of the first thousand sessions is in the catalog. Cost: one scan of each; none where
    both are those of the base.
    """
    uri = run.config.semantic.sessions
    if uri is None or EXPERT not in run.config.experts or _are_of_the_base(run):
        return
    sessions_df, _ = tag_vectors.read_sessions(run.spark, uri)
    viewed_df = sessions_df.limit(_NUM_CHECKED).select(F.explode("gif_ids").alias("gif_id")).persist()
    try:
        is_strange = run.tables.read(CATALOG).join(F.broadcast(viewed_df), "gif_id", "left_semi").isEmpty()
        if is_strange and not viewed_df.isEmpty():
            raise InputError(f"{uri}: not one gif_id of its sessions is in the catalog: are they of another one?")
    finally:
        viewed_df.unpersist()


def _are_of_the_base(run: Run) -> bool:
    """Whether the base was made of the same catalog and sessions, and so has passed the check."""
    if run.base is None or EXPERT not in run.base.inputs.versions:
        return False
    stamps = run.base.inputs.stamps, run.facts.inputs.stamps
    return run.tables.is_adopted(CATALOG) and stamps[0].get("sessions") == stamps[1].get("sessions")

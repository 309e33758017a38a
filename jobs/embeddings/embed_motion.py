"""Staged frame features, catalog -> embeddings of the temporal expert. Its head is trained where none is saved."""

from __future__ import annotations

from pyspark.sql import DataFrame

from autotag_core.errors import NotTrainedError
from autotag_core.experts import RelationHead, backbone_version, given_head, load_head, trained_head_name
from autotag_core.tables import CATALOG, EMBEDDINGS, MEDIA
from jobs.embeddings.base_embeddings import num_embedded, write_embeddings
from jobs.embeddings.embed_frames import SeenGifs
from jobs.release.choose_base import kept_experts
from jobs.run.run import Run
from jobs.run.saved_models import save_model, saved_model
from jobs.run.stages import FITTED, stage
from udfs.embeddings import motion as temporal
from udfs.embeddings.motion import EXPERT

OUTGROWN = 4.0
"""A warning comes where the job could train on so many times as many GIFs as its saved head was trained on."""
UNTRAINED = "not trained"
"""The expert's model version where there was too little to train its head on."""
_SAID = ("temporal", "temporal_head")
_SUFFIX = ".safetensors"


def settle_head(run: Run) -> None:
    """Note the expert's version where it is known before any frame is seen: that of a given or saved head.

    If this run's catalog is the base's, which was too small to train on, the version is UNTRAINED again.
    """
    head = given_head(run.config)
    if head is None and not run.config.temporal.retrain:
        uri = saved_model(run, _stem(run))
        head = load_head(uri) if uri is not None else None
    versions = run.facts.inputs.versions
    if head is not None:
        versions[EXPERT] = head.version
    elif run.base is not None and run.tables.is_adopted(CATALOG) and run.base.inputs.versions.get(EXPERT) == UNTRAINED:
        versions[EXPERT] = UNTRAINED


@stage(
    "temporal",
    reads=(CATALOG, MEDIA),
    writes=(EMBEDDINGS,),
    runs_on=FITTED,
    cost="GIFs x frames",
)
def train_temporal(run: Run, seen: SeenGifs) -> None:
    """Embed GIFs by the head that is given, saved or trained. Without a head the expert has no embeddings."""
    run.expect(run.facts.rows_out["frames"])
    if EXPERT in kept_experts(run) and run.tables.is_adopted(MEDIA):
        assert run.base is not None
        said = run.base.inputs.notes
        run.note(**{name: said[name] for name in _SAID if name in said})
        run.facts.rows_out["temporal"] = num_embedded(run, EXPERT)
        return
    head = _head(run, seen.outcomes_df)
    run.facts.inputs.versions[EXPERT] = head.version if head is not None else UNTRAINED
    if head is not None:
        rows_df = temporal.embed_relations(seen.outcomes_df, head, run.config.imagenet.threads)
        run.facts.rows_out["temporal"] = write_embeddings(run, rows_df, [EXPERT], seen.same_df)
        return
    run.facts.rows_out["temporal"] = 0
    if run.base is not None:
        write_embeddings(run, run.tables.read(EMBEDDINGS).limit(0), [EXPERT], seen.same_df)


def _stem(run: Run) -> str:
    return trained_head_name(run.config).removesuffix(_SUFFIX)


def _head(run: Run, outcomes_df: DataFrame) -> RelationHead | None:
    """The head, and a note of which one it is and why. None where there is too little to train one."""
    config = run.config
    head = given_head(config)
    if head is not None:
        weights = config.temporal.weights or config.temporal.moments_weights
        run.note(temporal="given", temporal_head=str(weights))
        return head
    uri = saved_model(run, _stem(run))
    if uri is not None and not config.temporal.retrain:
        run.note(temporal="reused", temporal_head=uri)
        head = load_head(uri)
        _warn_where_outgrown(run, head)
        return head
    try:
        data = temporal.train_head(outcomes_df, run.tables.read(CATALOG), config, backbone_version(config))
    except NotTrainedError as error:
        reason = f"not trained: {error}"
        run.note(temporal=reason)
        run.log.warning("temporal expert abstains", reason=reason)
        return None
    uri = save_model(run, _stem(run), _SUFFIX, data)
    run.note(temporal="trained", temporal_head=uri)
    return load_head(uri)


def _warn_where_outgrown(run: Run, head: RelationHead) -> None:
    learned = head.record.metrics.get("num_gifs")
    could_learn = min(run.facts.rows_out["frames"], run.config.temporal.max_training_gifs)
    if learned and could_learn >= OUTGROWN * learned:
        found = f"reused, though trained on {learned:,.0f} of now {could_learn:,} GIFs"
        run.note(temporal=found)
        run.log.warning("temporal head outgrown: temporal.retrain=true trains it anew", head=found)

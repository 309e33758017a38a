"""Staged frame features, catalog -> embeddings of the temporal expert; its head is trained where none is saved."""

from __future__ import annotations

from autotag_core.errors import NotTrainedError
from autotag_core.experts import RelationHead, backbone_version, given_head, load_head, trained_head_name
from autotag_core.tables import CATALOG, EMBEDDINGS, MEDIA
from jobs.embeddings.base_embeddings import num_embedded, write_embeddings
from jobs.release.choose_base import kept_experts
from jobs.run.run import Run
from jobs.run.saved_models import save_model, saved_model
from udfs.embeddings import motion as temporal
from udfs.embeddings.motion import EXPERT

OUTGROWN = 4.0
"""A catalog with so many times the GIFs that a head was trained on has more to teach than it knows."""
UNTRAINED = "not trained"
"""The model version of the expert where there was too little to train its head on."""
_SAID = ("temporal", "temporal_head")
_SUFFIX = ".safetensors"


def settle_head(run: Run) -> None:
    """Set run.inputs["temporal_version"] where it is known before any frame is seen: of a head that is given or saved.

    Where the base's catalog, which is this run's, was too small to train on, it still is.
    """
    head = given_head(run.config)
    if head is None and not run.config.temporal.retrain:
        uri = saved_model(run, _stem(run))
        head = load_head(uri) if uri is not None else None
    if head is not None:
        run.inputs["temporal_version"] = head.version
    elif run.base is not None and run.is_adopted(CATALOG) and run.base.inputs.get("temporal_version") == UNTRAINED:
        run.inputs["temporal_version"] = UNTRAINED


def train_temporal(run: Run) -> None:
    """Embed GIFs by the head that is given, saved or trained; without one the expert has no embeddings."""
    with run.stage("temporal", run.rows_out["frames"]):
        if EXPERT in kept_experts(run) and run.is_adopted(MEDIA):
            assert run.base is not None
            run.inputs |= {name: run.base.inputs[name] for name in _SAID if name in run.base.inputs}
            run.rows_out["temporal"] = num_embedded(run, EXPERT)
            return
        head = _head(run)
        run.inputs["temporal_version"] = head.version if head is not None else UNTRAINED
        if head is not None:
            rows_df = temporal.embed_relations(run.staged["frames"], head, run.config.imagenet.threads)
            run.rows_out["temporal"] = write_embeddings(run, rows_df, [EXPERT])
            return
        run.rows_out["temporal"] = 0
        if run.base is not None:
            write_embeddings(run, run.read(EMBEDDINGS).limit(0), [EXPERT])


def _stem(run: Run) -> str:
    return trained_head_name(run.config).removesuffix(_SUFFIX)


def _head(run: Run) -> RelationHead | None:
    """The head, and in run.inputs which one it is and why; None where there is too little to train one."""
    config = run.config
    head = given_head(config)
    if head is not None:
        weights = config.temporal.weights or config.temporal.moments_weights
        run.inputs |= {"temporal": "given", "temporal_head": str(weights)}
        return head
    uri = saved_model(run, _stem(run))
    if uri is not None and not config.temporal.retrain:
        run.inputs |= {"temporal": "reused", "temporal_head": uri}
        head = load_head(uri)
        _warn_where_outgrown(run, head)
        return head
    try:
        data = temporal.train_head(run.staged["frames"], run.read(CATALOG), config, backbone_version(config))
    except NotTrainedError as error:
        run.inputs["temporal"] = f"not trained: {error}"
        run.log.warning("temporal expert abstains", reason=run.inputs["temporal"])
        return None
    uri = save_model(run, _stem(run), _SUFFIX, data)
    run.inputs |= {"temporal": "trained", "temporal_head": uri}
    return load_head(uri)


def _warn_where_outgrown(run: Run, head: RelationHead) -> None:
    learned = head.record.metrics.get("num_gifs")
    could_learn = min(run.rows_out["frames"], run.config.temporal.max_training_gifs)
    if learned and could_learn >= OUTGROWN * learned:
        run.inputs["temporal"] = f"reused, though trained on {learned:,.0f} of now {could_learn:,} GIFs"
        run.log.warning("temporal head outgrown: temporal.retrain=true trains it anew", head=run.inputs["temporal"])

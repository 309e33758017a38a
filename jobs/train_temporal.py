"""Staged frame features, catalog -> embeddings of the temporal expert; its head is trained where none is saved."""

from __future__ import annotations

from autotag_core import storage
from autotag_core.errors import NotTrainedError
from autotag_core.experts import RelationHead, backbone_version, given_head, load_head, trained_head_name
from autotag_core.tables import CATALOG, EMBEDDINGS
from jobs.run import Run
from udfs import temporal


def train_temporal(run: Run) -> None:
    """Embed every GIF by the head that is given, saved or trained; without one the expert has no embeddings."""
    with run.stage("temporal", run.rows_out["frames"]):
        head = _head(run)
        run.rows_out["temporal"] = 0
        if head is not None:
            run.inputs["temporal_version"] = head.version
            rows_df = temporal.embed_relations(run.staged["frames"], head, run.config.imagenet.threads)
            run.rows_out["temporal"] = run.write(EMBEDDINGS, rows_df)


def _head(run: Run) -> RelationHead | None:
    """The head, and in run.inputs which one it is and why; None where there is too little to train one."""
    config = run.config
    head = given_head(config)
    if head is not None:
        weights = config.temporal.weights or config.temporal.moments_weights
        run.inputs |= {"temporal": "given", "temporal_head": str(weights)}
        return head
    uri = storage.join(run.warehouse, "models", trained_head_name(config))
    if not config.temporal.retrain and storage.is_file(uri):
        run.inputs |= {"temporal": "reused", "temporal_head": uri}
        return load_head(uri)
    try:
        data = temporal.train_head(run.staged["frames"], run.read(CATALOG), config, backbone_version(config))
    except NotTrainedError as error:
        run.inputs["temporal"] = f"not trained: {error}"
        run.log.warning("temporal expert abstains", reason=run.inputs["temporal"])
        return None
    storage.write_bytes(uri, data)
    run.inputs |= {"temporal": "trained", "temporal_head": uri}
    return load_head(uri)

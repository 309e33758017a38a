"""Staged frame features, catalog -> embeddings of the temporal expert; its head is trained where none is saved."""

from __future__ import annotations

import hashlib

from autotag_core import storage
from autotag_core.errors import NotTrainedError
from autotag_core.experts import RelationHead, backbone_version, given_head, load_head, trained_head_name
from autotag_core.tables import CATALOG, EMBEDDINGS
from jobs.run import Run
from udfs import temporal

OUTGROWN = 4.0
"""A catalog with so many times the GIFs that a head was trained on has more to teach than it knows."""


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
    uri = _saved_head(run)
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
    uri = _save_head(run, data)
    run.inputs |= {"temporal": "trained", "temporal_head": uri}
    return load_head(uri)


def _pointer(run: Run) -> str:
    """URI of the file that names the head of these settings: `models/temporal-<settings>.current`."""
    stem = trained_head_name(run.config).removesuffix(".safetensors")
    return storage.join(run.warehouse, "models", f"{stem}.current")


def _saved_head(run: Run) -> str | None:
    """URI of the head that the pointer names; None without a pointer."""
    if not storage.is_file(_pointer(run)):
        return None
    return storage.join(run.warehouse, "models", storage.read_bytes(_pointer(run)).decode().strip())


def _save_head(run: Run, data: bytes) -> str:
    """Write a head under a name that holds its content, so that none replaces another, then let the pointer name it.

    What earlier runs recorded as their temporal_head stays there.
    """
    stem = trained_head_name(run.config).removesuffix(".safetensors")
    name = f"{stem}-{hashlib.sha256(data).hexdigest()[:12]}.safetensors"
    uri = storage.join(run.warehouse, "models", name)
    storage.write_bytes(uri, data)
    storage.write_bytes(_pointer(run), f"{name}\n".encode())
    return uri


def _warn_where_outgrown(run: Run, head: RelationHead) -> None:
    learned = head.record.metrics.get("num_gifs")
    could_learn = min(run.rows_out["frames"], run.config.temporal.max_training_gifs)
    if learned and could_learn >= OUTGROWN * learned:
        run.inputs["temporal"] = f"reused, though trained on {learned:,.0f} of now {could_learn:,} GIFs"
        run.log.warning("temporal head outgrown: temporal.retrain=true trains it anew", head=run.inputs["temporal"])

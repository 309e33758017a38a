"""Features of frames that are computed once and kept in the table `frame_features`, by file, backbone and sampling."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from autotag_core.config import Config
from autotag_core.experts import embed_gifs, pack_features, unpack_features
from autotag_core.experts.loading import load_frame_models, model_versions, settled
from autotag_core.experts.registry import FrameModels
from autotag_core.failures import ItemError
from autotag_core.frames import frames_version, iter_loaded
from autotag_core.tables import FRAME_FEATURES
from autotag_core.warehouse.own_tables import append_rows, read_newest

BACKBONE = "imagenet"
_GIFS_PER_COMMIT = 2_000
"""80 MB of features; a training that is stopped loses at most the work on so many GIFs."""

_log = logging.getLogger(__name__)


class StoredGif(NamedTuple):
    """A GIF of a release."""

    gif_id: str
    uri: str
    version: str


@dataclass(frozen=True)
class FrameSource:
    """How frames become features: the config, of which only frames and backbone count, and the names that it has."""

    config: Config
    model_version: str
    frames_version: str


def frame_source(config: Config, threads: int) -> FrameSource:
    """The source of the release with this config. InputError where its backbone's weights are not here."""
    experts: tuple[str, ...] = (BACKBONE,)
    only = config.model_copy(
        update={"experts": experts, "imagenet": config.imagenet.model_copy(update={"threads": threads})}
    )
    only = settled(only)
    return FrameSource(only, model_versions(only)[BACKBONE], frames_version(only.frames))


def load_backbone_alone(source: FrameSource) -> FrameModels:
    """The backbone on this machine's GPU, or its CPU; `embed_gifs` then also gives each frame's features."""
    import torch

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return replace(load_frame_models(source.config, device), kept=BACKBONE)


def load_frame_features(
    warehouse: str, gifs: Sequence[StoredGif], source: FrameSource, on_progress: Callable[[int, int], None]
) -> dict[str, np.ndarray]:
    """Features (frames, d) float16 by version. Those that no earlier training computed are computed and stored now.

    A GIF that can't be read any more, or has other bytes now, is missing in the result; the log says which and why.
    Cost of what is new: as the night's, on all threads of the source.
    """
    found = _stored(warehouse, {gif.version for gif in gifs}, source)
    missing = {gif.version: gif for gif in gifs if gif.version not in found}
    todo = list(missing.values())
    for start in range(0, len(todo), _GIFS_PER_COMMIT):
        part = todo[start : start + _GIFS_PER_COMMIT]
        computed = _computed(part, source, lambda done, start=start: on_progress(start + done, len(todo)))  # type: ignore[misc]
        _append(warehouse, computed, source)
        found |= computed
    return found


def _stored(warehouse: str, versions: set[str], source: FrameSource) -> dict[str, np.ndarray]:
    wanted = (
        (pc.field("model_version") == source.model_version)
        & (pc.field("frames_version") == source.frames_version)
        & pc.field("version").isin(pa.array(sorted(versions), pa.string()))
    )
    rows = read_newest(warehouse, FRAME_FEATURES, ["version", "num_frames", "features"], wanted)
    if rows is None:
        return {}
    columns = (rows[0][name].to_pylist() for name in ("version", "num_frames", "features"))
    return {version: unpack_features(data, num) for version, num, data in zip(*columns, strict=True)}


def _computed(
    gifs: Sequence[StoredGif], source: FrameSource, on_progress: Callable[[int], None]
) -> dict[str, np.ndarray]:
    by_id = {gif.gif_id: gif for gif in gifs}
    loaded = iter_loaded(((gif.gif_id, gif.uri) for gif in gifs), source.config.frames)
    found: dict[str, np.ndarray] = {}
    for done, outcome in enumerate(embed_gifs(loaded, load_backbone_alone(source)), start=1):
        version = by_id[outcome.gif_id].version
        if isinstance(outcome.error, ItemError):
            _log.warning("%s: its frames teach nothing: %s", outcome.gif_id, outcome.error)
        elif outcome.media.version != version:
            _log.warning("%s: its frames teach nothing: the file has changed since it was tagged", outcome.gif_id)
        else:
            features = outcome.frame_features
            assert features is not None
            # as a later training reads them, so that both see the same bits
            found[version] = unpack_features(pack_features(features), len(features))
        on_progress(done)
    return found


def _append(warehouse: str, computed: dict[str, np.ndarray], source: FrameSource) -> None:
    rows = [
        {
            "version": version,
            "model_version": source.model_version,
            "frames_version": source.frames_version,
            "num_frames": len(features),
            "features": pack_features(features),
        }
        for version, features in computed.items()
    ]
    if rows:
        append_rows(warehouse, FRAME_FEATURES, pa.Table.from_pylist(rows, schema=FRAME_FEATURES.plain_schema))

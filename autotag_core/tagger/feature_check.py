"""Whether features of frames are those that a tagger was trained on."""

from __future__ import annotations

from autotag_core.config import Config
from autotag_core.config.file import recorded_config
from autotag_core.errors import InputError
from autotag_core.tagger.frame_store import BACKBONE
from autotag_core.tagger.tagger_model import TaggerRecord

_FRAMES = ("num_frames", "sampling", "size", "background")
"""Settings that change what a frame shows."""
RELATED = "temporal"
"""The expert for which a night keeps the features of each frame."""


def check_weights(record: TaggerRecord, model_version: str) -> None:
    """InputError where the backbone is not that of the tagger."""
    if record.base is not None:
        raise InputError(
            f"this tagger sees frames with a base of its own, {record.base}: ask it of files, or by `autotag serve`"
        )
    if _weights_of(model_version) != _weights_of(record.model_version):
        raise InputError(
            f"this tagger takes features of {record.model_version}, the backbone here is {model_version}: "
            "put the same weights at imagenet.weights of its release"
        )


def check_night(record: TaggerRecord, config: Config, model_versions: dict[str, str]) -> None:
    """InputError where a night with this config computes other features than the tagger takes, or too few."""
    if BACKBONE not in model_versions:
        raise InputError(f"the tagger takes features of the expert {BACKBONE}, which is not among `experts`")
    check_weights(record, model_versions[BACKBONE])
    trained = recorded_config(record.config).frames
    for name in _FRAMES:
        now, then = getattr(config.frames, name), getattr(trained, name)
        if now != then:
            raise InputError(f"the tagger was trained with frames.{name}={then}, here it is {now}: train another one")
    if record.experiment.needs_frames and (RELATED not in config.experts or config.temporal.backbone != BACKBONE):
        raise InputError(
            f"a tagger with aggregator={record.experiment.aggregator} looks at each frame, whose features are kept for "
            f"the expert {RELATED} with temporal.backbone={BACKBONE} alone: choose it, or train one with mean_features"
        )


def _weights_of(model_version: str) -> str:
    """The backbone and its weights. Backends differ by rounding alone, so a tagger may be asked on another one."""
    return "-".join(model_version.split("-")[:2])

"""Asks a trained tagger for the tags of files: probabilities, which are accepted, and which frames speak for each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np

from autotag_core.config import Config
from autotag_core.config.file import recorded_config
from autotag_core.experts import FrameModels, embed_gifs
from autotag_core.failures import ItemError
from autotag_core.frames import LoadedGif, iter_loaded
from autotag_core.tagger.feature_check import check_weights
from autotag_core.tagger.frame_store import frame_source, load_backbone_alone
from autotag_core.tagger.tagger_model import TaggerModel

NUM_SPEAKING = 3
"""Frames that are named for a tag, at most."""


@dataclass(frozen=True)
class SuggestedTag:
    """A tag for a GIF. `frames` are places among the sampled frames, the one that speaks loudest first."""

    tag: str
    probability: float
    accepted: bool
    """Whether the probability reaches the tag's threshold."""
    frames: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Prediction:
    """What became of one file: its best tags, or why there are none."""

    uri: str
    """Empty where it was given as bytes."""
    tags: tuple[SuggestedTag, ...] = ()
    error: str | None = None
    pictures: np.ndarray | None = field(default=None, repr=False)
    """The sampled frames (n, 3, size, size) uint8, where they were asked for."""

    def to_json(self) -> str:
        """One JSON object: uri with tags, or with error."""
        if self.error is not None:
            return json.dumps({"uri": self.uri, "error": self.error}, ensure_ascii=False)
        return json.dumps({"uri": self.uri, "tags": [asdict(tag) for tag in self.tags]}, ensure_ascii=False)

    def to_text(self) -> str:
        """One line: the tags with their probabilities, a * at each accepted one."""
        if self.error is not None:
            return f"{self.uri}: not read: {self.error}"
        tags = (f"{'*' if tag.accepted else ''}{tag.tag} {tag.probability:.2f}" for tag in self.tags)
        return f"{self.uri}: {', '.join(tags)}"


class Predictor:
    """A tagger with its backbone, loaded once. InputError where the backbone here is not the tagger's."""

    def __init__(self, model: TaggerModel, threads: int = 2) -> None:
        self.model = model
        self._config = recorded_config(model.record.config)
        if model.base is not None:
            self._backbone = _tuned(model, self._config, threads)
            return
        source = frame_source(self._config, threads)
        check_weights(model.record, source.model_version)
        self._backbone = load_backbone_alone(source)

    def predict(
        self, gifs: Iterable[str | bytes], top: int, places: Sequence[str], keep_pictures: bool = False
    ) -> Iterator[Prediction]:
        """The prediction of each file, named by its URI or given as bytes, in their order: its `top` tags.

        URIs outside of `places` are not opened. A file that can't be read has an error in place of tags; the others go
        on.
        """
        frames = self._config.frames.model_copy(update={"allowed_places": tuple(places)})
        names: dict[str, str] = {}
        pictures: dict[str, np.ndarray] = {}

        def named() -> Iterator[tuple[str, str | bytes]]:
            for number, gif in enumerate(gifs):
                names[str(number)] = gif if isinstance(gif, str) else ""
                yield str(number), gif

        def loaded() -> Iterator[tuple[str, LoadedGif | ItemError]]:
            for number, item in iter_loaded(named(), frames):
                if keep_pictures and isinstance(item, LoadedGif):
                    pictures[number] = item.frames.numpy()
                yield number, item

        for outcome in embed_gifs(loaded(), self._backbone):
            uri = names.pop(outcome.gif_id)
            if outcome.error is not None:
                yield Prediction(uri, error=f"{outcome.error.reason}: {outcome.error.message}")
                continue
            assert outcome.frame_features is not None
            tags = suggested_tags(self.model, outcome.frame_features, top)
            yield Prediction(uri, tags, pictures=pictures.pop(outcome.gif_id, None))


def suggested_tags(model: TaggerModel, features: np.ndarray, top: int) -> tuple[SuggestedTag, ...]:
    """The `top` likeliest tags of a GIF with frame features (n, d), likeliest first, ties in the order of labels."""
    # as training reads them, so that a GIF of the catalog gets what was measured
    if model.record.experiment.needs_frames and model.base is None:
        features = features.astype(np.float16).astype(np.float32)
    mask = np.ones((1, len(features)), bool)
    probabilities = model.probabilities(features[None], mask)[0]
    by_frame = model.frame_probabilities(features)
    best = np.argsort(-probabilities, kind="stable")[:top]
    return tuple(
        SuggestedTag(
            tag=model.record.labels[at],
            probability=round(float(probabilities[at]), 4),
            accepted=bool(probabilities[at] >= model.record.thresholds[at]),
            frames=tuple(np.argsort(-by_frame[:, at], kind="stable")[:NUM_SPEAKING].tolist()),
        )
        for at in best
    )


def _tuned(model: TaggerModel, config: Config, threads: int) -> FrameModels:
    from autotag_core.tagger.base.loading import frame_models
    from autotag_core.tagger.base.networks import build_base

    assert model.record.base is not None and model.base is not None
    return frame_models(build_base(model.record.base, model.base), model.sha256, config, threads)

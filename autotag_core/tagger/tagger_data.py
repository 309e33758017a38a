"""A release as a training reads it: features, masks and targets of each split, and no GIF in two of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from autotag_core.config import Config
from autotag_core.config.file import recorded_config
from autotag_core.errors import AutotagError, InputError
from autotag_core.splits import SPLITS, TEST, TRAIN, VALIDATION
from autotag_core.tables import CATALOG, DUPLICATES, EMBEDDINGS, MEDIA, TRAINING_EXAMPLES, TRAINING_LABELS
from autotag_core.tagger.example_targets import TargetMatrix, label_rows, target_matrix, train_targets
from autotag_core.tagger.experiment import Experiment
from autotag_core.tagger.frame_store import BACKBONE, StoredGif, frame_source, load_frame_features
from autotag_core.warehouse import RunRecord, current_release, read_table

UNLABELED = "unlabeled"
"""The part of the data that has no labels: a student's first lessons."""


@dataclass(frozen=True, eq=False)
class Part:
    """n GIFs with at most t frames of d numbers, and c classes."""

    gif_ids: list[str]
    features: NDArray[np.float16] | NDArray[np.float32]  # (n, t, d)
    mask: NDArray[np.bool_]  # (n, t): which of them are there
    targets: TargetMatrix  # (n, c)

    def __len__(self) -> int:
        return len(self.gif_ids)


@dataclass(frozen=True, eq=False)
class TaggerData:
    """All that one training needs of a release."""

    warehouse: str
    release: RunRecord
    config: Config
    model_version: str
    """Of the backbone."""
    classes: list[str]
    parts: dict[str, Part]
    """By split, and UNLABELED."""


def no_progress(_done: int, _total: int) -> None:
    """Say nothing."""


def open_data(
    warehouse: str,
    run_id: str | None,
    experiment: Experiment,
    on_progress: Callable[[int, int], None] = no_progress,
) -> TaggerData:
    """The data of a release. InputError where it has no examples, classes or validation GIFs."""
    release = current_release(warehouse, run_id)
    if TRAINING_EXAMPLES.name not in release.table_versions:
        raise InputError(f"{warehouse}: run {release.run_id} has no training examples: a night with training.enabled")
    examples = read_table(warehouse, TRAINING_EXAMPLES.name, release, ["gif_id", "split", "uri", "version"])
    examples = examples.sort_by("gif_id")
    check_leaks(examples, _groups(warehouse, release))
    classes = _classes(warehouse, release, experiment.min_examples)
    config = recorded_config(release.config)
    gifs = {split: _gifs(examples.filter(pc.equal(examples["split"], split))) for split in SPLITS}
    gifs[UNLABELED] = _unlabeled(warehouse, release, examples) if experiment.student else []
    if not gifs[TRAIN] or not gifs[VALIDATION]:
        raise InputError(
            f"{warehouse}: run {release.run_id} has {len(gifs[TRAIN])} train and {len(gifs[VALIDATION])} validation "
            "examples, both are needed: validation GIFs are those with editorial tags (see the table training_funnel)"
        )
    features = _features(warehouse, release, experiment, config, [gif for part in gifs.values() for gif in part])
    vectors, model_version = features(on_progress)
    taught, labels = train_targets(warehouse, release, experiment.targets), label_rows(warehouse, release)
    parts = {
        name: _part(some, vectors, taught if name in (TRAIN, UNLABELED) else labels, classes)
        for name, some in gifs.items()
    }
    return TaggerData(warehouse, release, config, model_version, classes, parts)


def check_leaks(examples: pa.Table, groups: dict[str, str]) -> None:
    """AutotagError where one file, or two near duplicates, are examples (gif_id, split, version) of two splits.

    The night leaves such GIFs out. This looks again, since a model that has seen its test measures nothing.
    """
    owner: dict[str, tuple[str, str]] = {}
    for row in examples.select(["gif_id", "split", "version"]).to_pylist():
        for kind, key in (("bytes", row["version"]), ("pictures", groups.get(row["gif_id"]))):
            if key is None:
                continue
            other, split = owner.setdefault(f"{kind} {key}", (row["gif_id"], row["split"]))
            if split != row["split"]:
                raise AutotagError(
                    f"{row['gif_id']} ({row['split']}) and {other} ({split}) have the same {kind}: one GIF in two "
                    "splits; write the examples anew with `autotag nightly`"
                )


def _groups(warehouse: str, release: RunRecord) -> dict[str, str]:
    """The group of each GIF that has near duplicates. Empty where the release did not look for them."""
    if DUPLICATES.name not in release.table_versions:
        return {}
    rows = read_table(warehouse, DUPLICATES.name, release, ["gif_id", "group_id"])
    return dict(zip(rows["gif_id"].to_pylist(), rows["group_id"].to_pylist(), strict=True))


def _classes(warehouse: str, release: RunRecord, min_examples: int) -> list[str]:
    labels = read_table(warehouse, TRAINING_LABELS.name, release, ["label", "num_examples"])
    kept = labels.filter(pc.greater_equal(labels["num_examples"], min_examples))["label"].to_pylist()
    if not kept:
        most = pc.max(labels["num_examples"]).as_py() or 0
        raise InputError(f"{warehouse}: no label has {min_examples} train examples, at most {most}: lower min_examples")
    return sorted(kept)


def _gifs(rows: pa.Table) -> list[StoredGif]:
    return [StoredGif(row["gif_id"], row["uri"], row["version"]) for row in rows.to_pylist()]


def _unlabeled(warehouse: str, release: RunRecord, examples: pa.Table) -> list[StoredGif]:
    """Train GIFs whose frames were read and that are no examples, without copies of held-out ones."""
    catalog = read_table(warehouse, CATALOG.name, release, ["gif_id", "uri", "split"])
    catalog = catalog.filter(pc.equal(catalog["split"], TRAIN)).drop_columns(["split"])
    media = read_table(warehouse, MEDIA.name, release, ["gif_id", "version", "rendition"])
    groups = _groups(warehouse, release)
    held_out = examples.filter(pc.not_equal(examples["split"], TRAIN))
    versions = set(held_out["version"].to_pylist())
    copied = {groups[gif_id] for gif_id in held_out["gif_id"].to_pylist() if gif_id in groups}
    known = set(examples["gif_id"].to_pylist())
    rows = catalog.join(media, "gif_id", join_type="inner").sort_by("gif_id")
    rows = rows.set_column(rows.schema.get_field_index("uri"), "uri", pc.coalesce(rows["rendition"], rows["uri"]))
    return [
        gif
        for gif in _gifs(rows)
        if gif.gif_id not in known and gif.version not in versions and groups.get(gif.gif_id) not in copied
    ]


Vectors = dict[str, np.ndarray]


def _features(
    warehouse: str, release: RunRecord, experiment: Experiment, config: Config, gifs: Sequence[StoredGif]
) -> Callable[[Callable[[int, int], None]], tuple[Vectors, str]]:
    """A function that gives (features (t, d) by gif_id, the backbone's model version)."""

    def of_frames(on_progress: Callable[[int, int], None]) -> tuple[Vectors, str]:
        source = frame_source(config, experiment.threads)
        found = load_frame_features(warehouse, gifs, source, on_progress)
        return {gif.gif_id: found[gif.version] for gif in gifs if gif.version in found}, source.model_version

    def of_means(_: Callable[[int, int], None]) -> tuple[Vectors, str]:
        where = (pc.field("expert") == BACKBONE) & pc.field("gif_id").isin([gif.gif_id for gif in gifs])
        rows = read_table(warehouse, EMBEDDINGS.name, release, ["gif_id", "embedding", "model_version"], where)
        if rows.num_rows == 0:
            raise InputError(f"{warehouse}: run {release.run_id} has no embeddings of the expert {BACKBONE}")
        vectors = np.stack(rows["embedding"].to_numpy())[:, None]  # (n, 1, d)
        return dict(zip(rows["gif_id"].to_pylist(), vectors, strict=True)), str(rows["model_version"][0].as_py())

    return of_frames if experiment.needs_frames else of_means


def _part(gifs: Sequence[StoredGif], vectors: Vectors, rows: pa.Table, classes: list[str]) -> Part:
    """The part of those of the GIFs that have features."""
    gif_ids = [gif.gif_id for gif in gifs if gif.gif_id in vectors]
    some = next(iter(vectors.values()))
    longest = max((len(vectors[gif_id]) for gif_id in gif_ids), default=1)
    features = np.zeros((len(gif_ids), longest, some.shape[1]), some.dtype)
    mask = np.zeros(features.shape[:2], bool)
    for row, gif_id in enumerate(gif_ids):
        features[row, : len(vectors[gif_id])] = vectors[gif_id]
        mask[row, : len(vectors[gif_id])] = True
    return Part(gif_ids, features, mask, target_matrix(rows, gif_ids, classes))


def measured_split(data: TaggerData) -> str:
    """The split that a model is measured on: test, or validation where no GIF is reviewed."""
    return TEST if len(data.parts[TEST]) else VALIDATION

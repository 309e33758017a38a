"""A trained head sees the order of frames, which their mean can't, and the same examples give the same bytes."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.metrics import log_loss
from sklearn.neighbors import KNeighborsClassifier

from autotag_core.config import Config, ImagenetConfig, TemporalConfig
from autotag_core.errors import NotTrainedError
from autotag_core.experts import RelationHead
from autotag_core.experts.temporal import training, training_gifs
from autotag_core.experts.temporal.relations import segment_features
from autotag_core.experts.temporal.training import train_head
from autotag_core.experts.temporal.training_gifs import Example

CPU = torch.device("cpu")
DIMENSION = 12
CONFIG = Config(
    imagenet=ImagenetConfig(threads=1),
    temporal=TemporalConfig(num_segments=4).model_copy(update={"bottleneck": 8, "projection": 5}),
    seed=3,
)


def ramps(count: int, split: str, seed: int) -> list[Example]:
    """Half of them rise along one direction, half fall, around what they show, and noise: their means tell nothing."""
    random = np.random.default_rng(seed)
    direction = np.random.default_rng(0).normal(size=DIMENSION)
    examples = []
    for number in range(count):
        rising = number % 2 == 0
        steps = np.linspace(-1, 1, int(random.integers(6, 13)))
        what = random.normal(size=DIMENSION) * 2  # what the frames show, which says nothing about the order
        frames = what + np.outer(steps if rising else steps[::-1], direction) + random.normal(size=DIMENSION) * 0.1
        frames = frames + random.normal(size=frames.shape) * 0.3
        tags = ("gif", "rising" if rising else "falling")
        examples.append(Example(frames.astype(np.float16), tags, split == "train"))
    return examples


TRAIN, VALIDATION, HELD_OUT = ramps(160, "train", 1), ramps(40, "validation", 2), ramps(60, "test", 4)


@pytest.fixture(scope="module")
def head() -> RelationHead:
    return train_head([*TRAIN, *VALIDATION], CONFIG, "b-1", CPU)


def right_of_held_out(train: list[np.ndarray], held_out: list[np.ndarray]) -> float:
    """Share of held-out GIFs whose direction their five nearest train GIFs tell."""
    nearest = KNeighborsClassifier(5, metric="cosine").fit(train, [gif.tags[1] for gif in TRAIN])
    return float(nearest.score(held_out, [gif.tags[1] for gif in HELD_OUT]))


def embedded(head: RelationHead, gifs: list[Example]) -> list[np.ndarray]:
    found = [head.embed(gif.features) for gif in gifs]
    return [embedding for embedding in found if embedding is not None]


def test_the_embedding_tells_rising_from_falling_and_the_mean_of_frames_does_not(head: RelationHead) -> None:
    means = [[gif.features.astype(np.float32).mean(axis=0) for gif in gifs] for gifs in (TRAIN, HELD_OUT)]
    assert right_of_held_out(embedded(head, TRAIN), embedded(head, HELD_OUT)) >= 0.9
    assert right_of_held_out(*means) <= 0.65


def test_the_record_says_what_was_trained_and_what_it_gained(head: RelationHead) -> None:
    record = head.record
    assert (record.tags, record.num_classes) == (("falling", "gif", "rising"), 3)
    assert (record.backbone, record.backbone_version, record.seed) == ("imagenet", "b-1", 3)
    assert (record.feature_dim, record.projected_from, record.centered) == (5, DIMENSION, True)
    assert (record.metrics["num_gifs"], record.metrics["num_watched"]) == (160, 40)
    assert record.metrics["loss"] < 0.8 * record.metrics["loss_of_offsets"]
    assert head.dimension == 3 * 8


def test_the_logits_of_the_saved_network_are_those_that_were_trained(head: RelationHead) -> None:
    labels = torch.tensor([[tag in gif.tags for tag in head.record.tags] for gif in [*TRAIN, *VALIDATION]])
    offsets = training_gifs.label_offsets([*TRAIN, *VALIDATION], labels.float(), len(TRAIN))[len(TRAIN) :]
    segments = np.stack([segment_features(gif.features, 4, True, head.projection) for gif in VALIDATION])
    chances = torch.sigmoid(head.relations(torch.from_numpy(segments)) + offsets).double().numpy()
    loss = sum(log_loss(labels[len(TRAIN) :, tag], chances[:, tag], labels=[0, 1]) for tag in range(3))
    assert loss == pytest.approx(head.record.metrics["loss"], abs=1e-3)


def test_the_same_examples_give_the_same_bytes_and_the_seed_decides(head: RelationHead) -> None:
    torch.manual_seed(99)
    torch.rand(5)
    before = torch.random.get_rng_state()
    again = train_head([*TRAIN, *VALIDATION], CONFIG, "b-1", CPU)
    assert again.to_bytes() == head.to_bytes()
    assert torch.equal(torch.random.get_rng_state(), before), "the random numbers of others are left alone"
    few = [*TRAIN[:60], *VALIDATION[:20]]
    seeds = [train_head(few, CONFIG.model_copy(update={"seed": seed}), "b-1", CPU) for seed in (3, 4)]
    assert not np.allclose(seeds[0].embed(TRAIN[0].features), seeds[1].embed(TRAIN[0].features))


def test_a_gif_in_which_nothing_changes_teaches_nothing(head: RelationHead) -> None:
    still = Example(TRAIN[0].features[:1].repeat(6, axis=0), ("still",), True)
    single = Example(TRAIN[1].features[:1], ("still",), True)
    broken = Example(np.array([[np.nan] * DIMENSION, [1] * DIMENSION], np.float16), ("still",), True)
    found = train_head([still, *TRAIN, *[single] * 5, broken, *VALIDATION], CONFIG, "b-1", CPU)
    assert found.to_bytes() == head.to_bytes()


def test_without_validation_gifs_a_tenth_of_train_says_when_to_stop() -> None:
    metrics = train_head([*TRAIN[:100], *VALIDATION[:19]], CONFIG, "b-1", CPU).record.metrics
    assert (metrics["num_gifs"], metrics["num_watched"]) == (90, 10)


def test_too_few_gifs_or_tags_are_said_in_one_line() -> None:
    with pytest.raises(NotTrainedError, match=r"^49 train GIFs in which something changes, 50 are needed$"):
        train_head([*TRAIN[:49], *VALIDATION], CONFIG, "b-1", CPU)
    with pytest.raises(NotTrainedError, match=r"^0 train GIFs"):
        train_head([], CONFIG, "b-1", CPU)
    rare = [dataclasses.replace(gif, tags=(f"t{number // 2}",)) for number, gif in enumerate(TRAIN[:60])]
    with pytest.raises(NotTrainedError, match=r"^no tag of at least 3 train GIFs"):
        train_head([*rare, *VALIDATION], CONFIG, "b-1", CPU)


def test_the_projection_is_that_of_principal_components_scaled_to_one() -> None:
    projection = training_gifs.projection_of(TRAIN, 5, seed=3).numpy()
    frames = np.concatenate([gif.features - gif.features.mean(axis=0, dtype=np.float32) for gif in TRAIN])
    axes = projection / np.linalg.norm(projection, axis=0)
    cosines = np.abs((PCA(5).fit(frames).components_ * axes.T).sum(axis=1))
    np.testing.assert_allclose(cosines, 1, atol=1e-4)
    assert np.square(frames @ projection).mean() == pytest.approx(1, abs=1e-4)
    assert (projection[np.abs(projection).argmax(axis=0), range(5)] > 0).all()


def test_of_many_frames_some_are_drawn_for_the_projection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_gifs, "MAX_PROJECTED_FRAMES", 200)
    drawn = [training_gifs.projection_of(TRAIN, 3, seed).numpy() for seed in (3, 3, 4)]
    assert np.array_equal(drawn[0], drawn[1]) and not np.allclose(drawn[0], drawn[2])


def test_offsets_are_the_log_odds_among_the_nearest_train_gifs_never_the_gif_itself() -> None:
    gifs = [*TRAIN[:40], *VALIDATION[:5]]
    labels = np.array([[tag in gif.tags for tag in ("rising", "gif")] for gif in gifs], float)
    means = np.array([gif.features.astype(np.float64).mean(axis=0) for gif in gifs])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    wanted = []
    for row in range(45):
        cosines = {other: means[row] @ means[other] for other in range(40) if other != row}
        nearest = sorted(cosines, key=lambda other: -cosines[other])[:30]
        weights = np.exp([8 * (cosines[other] - cosines[nearest[0]]) for other in nearest])
        voted = 0.8 * weights @ labels[nearest] / weights.sum() + 0.2 * labels[:40].mean(axis=0)
        wanted.append(np.log((voted + 1e-4) / (1 - voted + 1e-4)))
    found = training_gifs.label_offsets(gifs, torch.tensor(labels, dtype=torch.float32), 40)
    np.testing.assert_allclose(found.numpy(), wanted, rtol=2e-3, atol=2e-3)


def test_in_training_each_segment_is_drawn_from_its_own_stretch() -> None:
    frames = torch.arange(16.0).reshape(1, 16, 1)
    gifs = training_gifs.TrainingGifs(frames, torch.tensor([16]), torch.zeros(1, 1), torch.zeros(1, 1), 1)
    row, generator = torch.tensor([0]), torch.Generator().manual_seed(1)
    assert gifs.segments(row, 4, None).flatten().tolist() == [2, 6, 10, 14]
    drawn = torch.cat([gifs.segments(row, 4, generator)[:, :, 0] for _ in range(200)])  # (200, 4)
    assert [sorted(set(column.tolist())) for column in drawn.T] == [
        [start, start + 1, start + 2, start + 3] for start in (0, 4, 8, 12)
    ]


@pytest.mark.parametrize("rate", [1e30, float("inf")])
def test_a_head_whose_loss_is_no_number_is_not_kept(monkeypatch: pytest.MonkeyPatch, rate: float) -> None:
    monkeypatch.setattr(training, "LEARNING_RATE", rate)
    with pytest.raises(NotTrainedError, match="its loss is no finite number in 6 epochs"):
        train_head([*TRAIN, *VALIDATION], CONFIG, "b-1", CPU)

"""Batches over GIF borders: every GIF comes out once, in order, and equal frames give equal bits."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from autotag_core.config import Config
from autotag_core.experts import FrameModels, LoadedExpert, Outcome, embed_gifs, load_frame_models, mean_of_frames
from autotag_core.failures import ItemError, Reason, Stage
from autotag_core.frames import Spent

CPU = torch.device("cpu")
NOT_FOUND = ItemError(Stage.FRAMES, Reason.NOT_FOUND, "there is no such file")


class MeanColor:
    """A backbone that a person can check: a frame's features are its mean red, green and blue."""

    dimension = 3

    def __init__(self, fits: int = 1_000_000, full: RuntimeError | None = None) -> None:
        self.fits, self.batch_sizes = fits, []
        self.full = full or torch.cuda.OutOfMemoryError("CUDA out of memory")

    def features(self, frames: torch.Tensor) -> torch.Tensor:
        self.batch_sizes.append(len(frames))
        if len(frames) > self.fits:
            raise self.full
        return frames.float().mean((2, 3))


class FullOfRed(MeanColor):
    """A device on which a frame with red in it never fits."""

    def features(self, frames: torch.Tensor) -> torch.Tensor:
        if frames[:, 0].any():
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return super().features(frames)


def gif(*colors: tuple[int, int, int]) -> Any:
    frames = torch.tensor(colors, dtype=torch.uint8).reshape(-1, 3, 1, 1).expand(-1, 3, 4, 4)
    return SimpleNamespace(frames=frames, media=f"{len(colors)} frames", spent=Spent(fetch=len(colors)), faces=None)


def models(backbone: MeanColor, batch_size: int) -> FrameModels:
    return FrameModels(
        {"imagenet": backbone}, (LoadedExpert("imagenet", "v1", "imagenet", mean_of_frames),), batch_size, 4, CPU
    )


def vectors(outcomes: list[Outcome]) -> dict[str, list[float]]:
    return {outcome.gif_id: outcome.embeddings[0].vector.tolist() for outcome in outcomes if outcome.embeddings}


def test_an_embedding_is_the_normalised_mean_over_frames() -> None:
    (outcome,) = embed_gifs([("a", gif((60, 0, 0), (0, 80, 0)))], models(MeanColor(), 4))
    assert outcome.embeddings[0].vector.tolist() == pytest.approx([0.6, 0.8, 0.0])
    assert outcome.embeddings[0].vector.dtype == np.float32
    assert (outcome.embeddings[0].expert, outcome.embeddings[0].model_version) == ("imagenet", "v1")
    assert (outcome.media, outcome.error, outcome.spent) == ("2 frames", None, Spent(fetch=2))
    assert outcome.seconds > 0


def test_every_item_comes_out_once_in_order_with_its_error_if_it_has_one() -> None:
    items = [
        ("a", gif((9, 0, 0))),
        ("b", NOT_FOUND),
        ("c", gif(*[(0, 9, 0)] * 7)),
        ("d", NOT_FOUND),
        ("e", gif((0, 0, 9))),
    ]
    outcomes = list(embed_gifs(items, models(MeanColor(), 4)))
    assert [outcome.gif_id for outcome in outcomes] == ["a", "b", "c", "d", "e"]
    assert [outcome.error for outcome in outcomes] == [None, NOT_FOUND, None, NOT_FOUND, None]
    assert vectors(outcomes) == {"a": [1, 0, 0], "c": [0, 1, 0], "e": [0, 0, 1]}


def test_no_items_no_outcomes() -> None:
    assert list(embed_gifs([], models(MeanColor(), 4))) == []


def test_every_batch_is_full_and_only_the_last_is_padded() -> None:
    backbone = MeanColor()
    items = [(str(i), gif(*[(1, 2, 3)] * 3)) for i in range(5)]  # 15 frames
    list(embed_gifs(items, models(backbone, 4)))
    assert backbone.batch_sizes == [4, 4, 4, 4]


def test_outcomes_appear_as_soon_as_they_are_whole() -> None:
    taken = []

    def loaded() -> Iterator[tuple[str, Any]]:
        for i in range(100):
            taken.append(i)
            yield str(i), gif((1, 2, 3))

    next(embed_gifs(loaded(), models(MeanColor(), 4)))
    assert taken == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "full",
    [
        torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB"),
        torch.AcceleratorError("CUDA error: out of memory", 2),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"),
    ],
)
def test_out_of_memory_halves_the_batch_and_loses_nothing(full: RuntimeError) -> None:
    backbone = MeanColor(3, full)
    items = [(str(i), gif(*[(i, 1, 0)] * 5)) for i in range(1, 9)]  # 40 frames
    outcomes = list(embed_gifs(items, models(backbone, 16)))
    assert vectors(outcomes) == vectors(list(embed_gifs(items, models(MeanColor(), 16))))
    assert len(vectors(outcomes)) == 8
    assert backbone.batch_sizes == [16, 16, 8, 4, *[2] * 20], "tried alone before it is halved"


def test_a_gif_that_never_fits_fails_alone_and_keeps_its_media() -> None:
    items = [("a", gif((0, 5, 0))), ("red", gif((0, 5, 0), (5, 0, 0))), ("b", gif((0, 30, 0), (0, 0, 40)))]
    outcomes = {outcome.gif_id: outcome for outcome in embed_gifs(items, models(FullOfRed(), 4))}
    assert vectors(list(outcomes.values())) == {"a": [0, 1, 0], "b": pytest.approx([0, 0.6, 0.8])}
    error = outcomes["red"].error
    assert error is not None
    assert (error.stage, error.reason) == (Stage.EMBEDDINGS, Reason.OUT_OF_MEMORY)
    assert outcomes["red"].media == "2 frames"


def test_another_error_than_out_of_memory_is_not_swallowed() -> None:
    class Broken(MeanColor):
        def features(self, frames: torch.Tensor) -> torch.Tensor:
            raise RuntimeError("CUDA error: an illegal memory access was encountered")

    with pytest.raises(RuntimeError, match="illegal memory access"):
        list(embed_gifs([("a", gif((1, 1, 1)))], models(Broken(), 4)))


def test_experts_share_a_backbone_see_frames_in_order_and_may_abstain() -> None:
    backbone = MeanColor()

    def first_minus_last(loaded: Any, features: np.ndarray | None) -> np.ndarray | None:
        assert features is not None
        return features[0] - features[-1] if len(features) > 1 else None

    def native(loaded: Any, features: np.ndarray | None) -> np.ndarray:
        assert features is None
        return np.array([len(loaded.frames)], np.float32)

    shared = FrameModels(
        {"imagenet": backbone},
        (
            LoadedExpert("imagenet", "v1", "imagenet", mean_of_frames),
            LoadedExpert("temporal", "v2", "imagenet", first_minus_last),
            LoadedExpert("text", "v3", None, native),
        ),
        4,
        4,
        CPU,
    )
    still, moving = embed_gifs([("s", gif((3, 0, 0))), ("m", gif((9, 0, 0), (0, 9, 0), (0, 0, 9), (4, 0, 0)))], shared)
    assert [item.expert for item in still.embeddings] == ["imagenet", "text"]
    assert [item.expert for item in moving.embeddings] == ["imagenet", "temporal", "text"]
    assert moving.embeddings[1].vector.tolist() == [5, 0, 0]
    assert backbone.batch_sizes == [4, 4]  # 5 frames, once for both experts


def test_a_black_gif_without_features_abstains() -> None:
    (outcome,) = embed_gifs([("black", gif((0, 0, 0)))], models(MeanColor(), 4))
    assert (outcome.embeddings, outcome.error) == ((), None)


def test_real_embeddings_are_the_same_bits_whoever_the_neighbors_are() -> None:
    generator = torch.Generator().manual_seed(1)
    items: list[tuple[str, Any]] = []
    for i, num_frames in enumerate([1, 3, 6, 2]):
        frames = torch.randint(0, 256, (num_frames, 3, 224, 224), dtype=torch.uint8, generator=generator)
        items.append((str(i), SimpleNamespace(frames=frames, media=None, spent=Spent(), faces=None)))
    real = load_frame_models(Config(), CPU)
    alone = {item[0]: next(iter(embed_gifs([item], real))).embeddings[0].vector for item in items}
    for order in ([0, 1, 2, 3], [3, 2, 1, 0], [1, 0, 3, 2]):
        for outcome in embed_gifs([items[i] for i in order], real):
            vector = outcome.embeddings[0].vector
            assert vector.tobytes() == alone[outcome.gif_id].tobytes()
            assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)

"""The temporal relation network: the published formula, and what order does to an embedding."""

from itertools import combinations

import numpy as np
import pytest
import torch

from autotag_core.experts.temporal.relations import MultiScaleRelations, sample_segments, segment_features


def network(num_segments: int, max_relations: int, feature_dim: int = 3, bottleneck: int = 5) -> MultiScaleRelations:
    torch.manual_seed(1)
    return MultiScaleRelations(feature_dim, num_segments, bottleneck, 4, max_relations).eval()


def features(num_gifs: int, num_segments: int, feature_dim: int = 3) -> torch.Tensor:
    return torch.randn(num_gifs, num_segments, feature_dim, generator=torch.Generator().manual_seed(2))


def test_an_example_worked_by_hand() -> None:
    relations = MultiScaleRelations(feature_dim=1, num_segments=3, bottleneck=2, num_classes=1)
    tensors = {
        "fc_fusion_scales.0.1.weight": [[1, 2, 3], [-1, 0, 1]],
        "fc_fusion_scales.0.1.bias": [0, -1],
        "fc_fusion_scales.0.3.weight": [[1, 1]],
        "fc_fusion_scales.0.3.bias": [10],
        "fc_fusion_scales.1.1.weight": [[1, -1], [0, 2]],
        "fc_fusion_scales.1.1.bias": [0, 1],
        "fc_fusion_scales.1.3.weight": [[3, -1]],
        "fc_fusion_scales.1.3.bias": [100],
    }
    relations.load_state_dict({name: torch.tensor(values, dtype=torch.float32) for name, values in tensors.items()})
    frames = torch.tensor([[[2.0], [-5.0], [4.0]]])  # one GIF; the first ReLU makes it 2, 0, 4
    # scale 3: (2 + 0 + 12, -2 + 4 - 1) = (14, 1)
    # scale 2: frames 0 1: (2, 1); frames 0 2: (-2, 9), cut to (0, 9); frames 1 2: (-4, 9), cut to (0, 9)
    assert relations.fused(frames)[0].tolist() == pytest.approx([14, 1, 2 / 3, 19 / 3])
    # (14 + 1 + 10) + (6 - 1 + 100) + (-9 + 100) + (-9 + 100)
    assert relations(frames).tolist() == [[pytest.approx(25 + 105 + 91 + 91)]]


def test_logits_are_the_published_sum_where_every_scale_uses_all_its_relations() -> None:
    relations, frames = network(5, max_relations=10), features(2, 5)
    tensors = {name: tensor.numpy() for name, tensor in relations.state_dict().items()}
    wanted = np.zeros((2, 4))
    for row, gif in enumerate(frames.numpy()):
        for index, scale in enumerate((5, 4, 3, 2)):
            name = f"fc_fusion_scales.{index}"
            for relation in combinations(range(5), scale):
                shown = np.maximum(np.concatenate([gif[frame] for frame in relation]), 0)
                hidden = np.maximum(tensors[f"{name}.1.weight"] @ shown + tensors[f"{name}.1.bias"], 0)
                wanted[row] += tensors[f"{name}.3.weight"] @ hidden + tensors[f"{name}.3.bias"]
    np.testing.assert_allclose(relations(frames).detach().numpy(), wanted, rtol=1e-5, atol=1e-5)


def test_logits_are_linear_in_the_embedding() -> None:
    relations, frames = network(8, max_relations=3), features(6, 8)
    hidden = relations.fused(frames).reshape(6, 7, 5)
    logits = torch.zeros(6, 4)
    for scale, counted in enumerate([1, 3, 3, 3, 3, 3, 3]):
        last = relations.fc_fusion_scales[scale][3]
        logits += counted * (hidden[:, scale] @ last.weight.T + last.bias)
    torch.testing.assert_close(relations(frames), logits)


def test_tensor_names_and_shapes_are_those_of_the_published_module() -> None:
    shapes = {name: tuple(tensor.shape) for name, tensor in MultiScaleRelations(256, 8, 256, 339).state_dict().items()}
    wanted = {}
    for index, scale in enumerate((8, 7, 6, 5, 4, 3, 2)):
        wanted[f"fc_fusion_scales.{index}.1.weight"] = (256, scale * 256)
        wanted[f"fc_fusion_scales.{index}.1.bias"] = (256,)
        wanted[f"fc_fusion_scales.{index}.3.weight"] = (339, 256)
        wanted[f"fc_fusion_scales.{index}.3.bias"] = (339,)
    assert shapes == wanted


def test_the_other_way_round_is_another_embedding() -> None:
    relations, frames = network(4, 3), features(1, 4)
    forward, backward = relations.fused(frames), relations.fused(frames.flip(1))
    assert torch.cosine_similarity(forward, backward).item() < 0.99
    still = features(1, 1).repeat(1, 4, 1)
    assert torch.equal(relations.fused(still), relations.fused(still.flip(1)))


def test_at_most_max_relations_of_a_scale_are_looked_at_spread_over_its_list() -> None:
    relations = network(4, 3)
    assert relations.relations(4) == [(0, 1, 2, 3)]
    # six of two frames: 01 02 03 12 13 23; the middles of three equal stretches are numbers 1, 3 and 5
    assert relations.relations(2) == [(0, 2), (1, 2), (2, 3)]
    assert network(4, 4).relations(3) == [(0, 1, 2), (0, 1, 3), (0, 2, 3), (1, 2, 3)]


def test_in_training_relations_are_drawn_without_repeats_and_the_seed_decides() -> None:
    relations = network(8, 3)
    drawn = [relations.relations(4, torch.Generator().manual_seed(seed)) for seed in (3, 3, 4)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert all(len(set(relation)) == 3 and set(relation) <= set(combinations(range(8), 4)) for relation in drawn)
    assert relations.relations(8, torch.Generator()) == [tuple(range(8))]
    seen = {pair for seed in range(60) for pair in relations.relations(2, torch.Generator().manual_seed(seed))}
    assert len(seen) == 28, "every pair of frames has its turn"
    frames = features(1, 8)
    by_draw = [relations(frames, torch.Generator().manual_seed(seed)) for seed in (3, 3, 4)]
    assert torch.equal(by_draw[0], by_draw[1]) and not torch.equal(by_draw[0], by_draw[2])


def test_one_segment_or_too_many_are_refused() -> None:
    for num_segments in (1, 17):
        with pytest.raises(ValueError, match=f"num_segments is {num_segments}: it must be 2 to 16"):
            MultiScaleRelations(3, num_segments, 5, 4)


@pytest.mark.parametrize(
    ("num_frames", "num_segments", "frames"),
    [
        (16, 8, [1, 3, 5, 7, 9, 11, 13, 15]),
        (8, 8, [0, 1, 2, 3, 4, 5, 6, 7]),
        (10, 4, [1, 3, 6, 8]),
        (3, 8, [0, 0, 0, 1, 1, 2, 2, 2]),
        (1, 3, [0, 0, 0]),
    ],
)
def test_segments_are_spread_evenly_and_repeat_where_frames_are_few(
    num_frames: int, num_segments: int, frames: list[int]
) -> None:
    assert sample_segments(num_frames, num_segments).tolist() == frames


def test_a_gif_is_centered_on_all_its_frames_then_projected() -> None:
    gif = np.array([[0, 0], [2, 1], [4, 8], [6, 3]], np.float32)
    assert segment_features(gif, 2).tolist() == [[2, 1], [6, 3]]
    assert segment_features(gif, 2, centered=True).tolist() == [[-1, -2], [3, 0]]
    turned = segment_features(gif, 2, centered=True, projection=np.array([[1, 0, 2], [0, 1, 1]], np.float32))
    assert turned.tolist() == [[-1, -2, -4], [3, 0, 6]]
    assert turned.dtype == np.float32
    assert gif[1].tolist() == [2, 1], "the frames' own features are not changed"

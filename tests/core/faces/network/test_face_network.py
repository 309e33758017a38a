"""The layout of the published network, and its loss by hand."""

from __future__ import annotations

import pytest
import torch
import torchvision

from autotag_core.faces.network.face_network import FaceNetwork, center_loss, training_loss


def test_the_stem_has_the_published_layout_and_the_tensors_of_torchvisions_network() -> None:
    with torch.device("meta"):
        network = FaceNetwork("resnet50", 2300)
        plain = torchvision.models.resnet50().state_dict()
    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    assert shapes["stem.0.weight"] == (64, 3, 7, 7)
    assert shapes["stem.7.2.conv3.weight"] == (2048, 512, 1, 1)
    assert (shapes["fc1.weight"], shapes["fc2.weight"]) == ((256, 2048), (2300, 256))
    assert shapes["centers"] == (2300, 256)
    num_stem = sum(name.startswith("stem.") for name in shapes)
    assert num_stem == len(plain) - 2  # all but its last layer's


def test_logits_and_embeddings_come_of_any_size_of_chips() -> None:
    network = FaceNetwork("resnet18", 3).eval()
    logits, embeddings = network(torch.rand(2, 3, 48, 48))
    assert (logits.shape, embeddings.shape) == ((2, 3), (2, 256))
    assert torch.allclose(logits, network.fc2(embeddings))


def test_a_person_with_more_pictures_in_a_batch_weighs_less_each() -> None:
    centers = torch.tensor([[0.0, 0.0], [1.0, 0.0]])
    embeddings = torch.tensor([[2.0, 0.0], [0.0, 1.0], [1.0, 3.0]])
    # person 0 twice: 4 / 3 + 1 / 3; person 1 once: 9 / 2; half of all
    assert center_loss(embeddings, centers, torch.tensor([0, 0, 1])).item() == pytest.approx((5 / 3 + 4.5) / 2)


def test_the_loss_is_cross_entropy_and_a_thousandth_of_the_center_loss() -> None:
    logits, embeddings, people = torch.zeros(1, 4), torch.tensor([[2.0, 0.0]]), torch.tensor([3])
    loss = training_loss((logits, embeddings), torch.zeros(4, 2), people)
    assert loss.item() == pytest.approx(torch.log(torch.tensor(4.0)).item() + 0.001 * 1.0)

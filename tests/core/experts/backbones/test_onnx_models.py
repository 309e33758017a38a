"""Networks under onnxruntime: the features of torch, the same bits in every place, a cache that is never trusted."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from autotag_core.config import ImagenetConfig
from autotag_core.errors import NotConvertedError
from autotag_core.experts import Backbone, load_backbone
from autotag_core.experts.backbones import onnx_models
from autotag_core.experts.backbones.onnx_models import Wanted, cache_folder, load_onnx
from autotag_core.experts.backbones.probes import drawn_frames

CPU = torch.device("cpu")
PRECISIONS = ("fp32", "int8")
LOADING = """
import torch
from autotag_core.config import ImagenetConfig
from autotag_core.experts import load_backbone
backbone = load_backbone(ImagenetConfig(backend="onnxruntime"), torch.device("cpu"))
frames = torch.arange(4 * 3 * 224 * 224).reshape(4, 3, 224, 224).remainder(251).to(torch.uint8)
print(backbone.features(frames).numpy().tobytes().hex()[:2000])
"""


class Small(torch.nn.Module):
    """A network of one convolution: (n, 3, h, w) -> (n, 4)."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(2)
        self.convolution = torch.nn.Conv2d(3, 4, 3, padding=1)

    def forward(self, pixels: torch.Tensor) -> Any:
        return self.convolution(pixels).relu().mean((2, 3))


class Branching(Small):
    """One whose graph depends on what it sees, which an export cannot hold."""

    def forward(self, pixels: torch.Tensor) -> Any:
        raise RuntimeError("data-dependent\nat length")


def small(build: Callable[[], torch.nn.Module] = Small, weights: str = "ab12") -> Wanted:
    def draw(num_frames: int) -> torch.Tensor:
        return torch.randn((num_frames, 3, 8, 8), generator=torch.Generator().manual_seed(3))

    return Wanted("small", weights, build, draw)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = cache_folder()
    assert folder == tmp_path / "autotag" / "backbones"
    return folder


@pytest.fixture(scope="module")
def by_backend() -> dict[str, Backbone]:
    configs = {"torch": ImagenetConfig(backend="torch")}
    configs |= {precision: ImagenetConfig(backend="onnxruntime", precision=precision) for precision in PRECISIONS}
    return {name: load_backbone(config, CPU) for name, config in configs.items()}


def noise(num_frames: int, seed: int = 0, size: int = 224) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (num_frames, 3, size, size), dtype=torch.uint8, generator=generator)


def cosines(found: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.cosine_similarity(found.double(), wanted.double())


def test_in_fp32_the_features_are_those_of_torch_but_for_rounding(by_backend: dict[str, Backbone]) -> None:
    flat = torch.stack([torch.full((3, 224, 224), level, dtype=torch.uint8) for level in (0, 255)])
    for frames in (drawn_frames(8), noise(4), flat, noise(2, size=128)):
        found, wanted = (by_backend[name].features(frames) for name in ("fp32", "torch"))
        assert cosines(found, wanted).min() >= 0.999999
        torch.testing.assert_close(found, wanted, rtol=0, atol=1e-4)


def test_in_int8_they_are_near_those_of_torch_on_frames_that_gave_no_ranges(by_backend: dict[str, Backbone]) -> None:
    frames = drawn_frames(56)[40:]
    found = cosines(by_backend["int8"].features(frames), by_backend["torch"].features(frames))
    assert found.min() >= 0.99
    assert 0.997 <= found.mean() < 0.99999, "a mean of 1 would be fp32's; without VNNI it is .9979"


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_frame_has_the_same_bits_at_every_position_and_beside_every_neighbor(
    by_backend: dict[str, Backbone], precision: str
) -> None:
    frame = drawn_frames(1)
    alone = by_backend[precision].features(torch.cat([frame, torch.zeros(3, 3, 224, 224, dtype=torch.uint8)]))[0]
    for position in range(4):
        others = noise(4, seed=position + 1)
        others[position] = frame[0]
        assert torch.equal(by_backend[precision].features(others)[position], alone)


def test_processes_that_start_at_once_on_an_empty_cache_get_the_same_bits(cache: Path) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", LOADING], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    results = [process.communicate() for process in processes]
    assert {error for _, error in results} == {""}
    assert len({features for features, _ in results}) == 1
    (kept,) = cache.iterdir()  # and nothing half-written
    assert kept.name.startswith("efficientnet_lite0-fp32-")


def test_what_is_kept_is_loaded_without_torch_building_the_network(cache: Path) -> None:
    def unwanted() -> torch.nn.Module:
        raise AssertionError("built again")

    pixels = torch.randn(5, 3, 8, 8)
    found = load_onnx(small(), 1)(pixels)
    torch.testing.assert_close(found, Small()(pixels).detach())
    assert torch.equal(load_onnx(small(unwanted), 1)(pixels), found)
    with pytest.raises(AssertionError, match="built again"):
        load_onnx(small(unwanted, weights="cd34"), 1)  # other weights are another file


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "other", "foreign"])
def test_a_damaged_file_is_made_anew(cache: Path, damage: str, caplog: pytest.LogCaptureFixture) -> None:
    wanted, pixels = small(), torch.randn(2, 3, 8, 8)
    found = load_onnx(wanted, 1)(pixels)
    path = cache / wanted.file_name
    whole = path.read_bytes()
    middle = len(whole) // 2
    if damage == "other":  # a sound file of a network with other features
        with np.load(path) as parts:
            np.savez(path, **{**parts, "features": -parts["features"]})
    elif damage == "foreign":
        with np.load(path) as parts:
            np.savez(path, **{**parts, "model": np.arange(9, dtype=np.uint8)})
    else:
        flipped = whole[:middle] + bytes([whole[middle] ^ 255]) + whole[middle + 1 :]
        path.write_bytes({"cut": whole[:middle], "flipped": flipped, "empty": b""}[damage])
    with caplog.at_level(logging.WARNING):
        assert torch.equal(load_onnx(wanted, 1)(pixels), found)
    assert "made anew" in caplog.text
    assert path.read_bytes() == whole


def test_a_cache_that_cannot_be_written_costs_the_conversion_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    pixels = torch.randn(2, 3, 8, 8)
    for _ in range(2):
        torch.testing.assert_close(load_onnx(small(), 1)(pixels), Small()(pixels).detach())
    assert "each process makes it anew: Not a directory" in caplog.text


def test_a_user_without_a_home_has_no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", homeless)
    assert cache_folder() is None
    load_onnx(small(), 1)


def test_a_network_that_cannot_be_exported_or_gives_other_features_is_named(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotConvertedError, match=r"^small can't be converted for onnxruntime: data-dependent$"):
        load_onnx(small(Branching), 1)
    exported = onnx_models._exported
    torch.manual_seed(9)
    monkeypatch.setattr(onnx_models, "_exported", lambda _, pixels: exported(torch.nn.Sequential(Noisy()), pixels))
    with pytest.raises(NotConvertedError, match=r"small in fp32 .* gives other features than torch .*\(cosine"):
        load_onnx(small(), 1)
    assert not cache.exists(), "what failed is not kept"


class Noisy(Small):
    def forward(self, pixels: torch.Tensor) -> Any:
        return super().forward(pixels) + torch.tensor([9.0, 0.0, 0.0, 0.0])


def test_converting_leaves_the_log_as_it_was(cache: Path) -> None:
    script = LOADING.partition("frames =")[0].replace("onnxruntime", 'onnxruntime", precision="int8')
    script += "import logging; print(logging.getLogger().handlers)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("[]\n", ""), "a handler that is added writes every line once more"
    assert [path.name.startswith("efficientnet_lite0-int8-") for path in cache.iterdir()] == [True]


def test_int8_is_refused_where_the_layers_are_not_those_it_was_measured_on(cache: Path) -> None:
    wanted = small()
    with pytest.raises(NotConvertedError, match="its layers have other names"):
        load_onnx(Wanted("small", "ab12", wanted.build, wanted.draw, "int8"), 1)


def test_the_file_names_what_the_model_depends_on() -> None:
    wanted = small()
    names = {wanted.file_name, small(weights="cd34").file_name}
    names.add(Wanted("small", "ab12", Small, wanted.draw, "int8").file_name)
    names.add(Wanted("other", "ab12", Small, wanted.draw).file_name)
    assert len(names) == 4

"""How likely words are: the network against torch, captions in fonts that it never saw, files that are damaged."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont
from torch.nn import functional

from autotag_core.config import TextConfig
from autotag_core.errors import InputError
from autotag_core.frames.stills.pixels import Pixels
from autotag_core.ocr import reader_version
from autotag_core.ocr.likelihood import CELL, GREY, PATH, STRIDES, judge, load_network, network_version, score_map

UNSEEN_FONTS = ("STIXGeneral", "STIXGeneralBol", "STIXGeneralItalic", "cmr10", "cmss10", "cmtt10", "cmb10")


def scene(width: int, height: int, seed: int) -> Image.Image:
    """Soft spots of many colors, as in a photograph that is out of focus."""
    spots = np.random.default_rng(seed).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    return Image.fromarray(spots).resize((width, height), Image.Resampling.BICUBIC)


def captioned(image: Image.Image, words: str, font_name: str, height: int, fill: str, outline: str | None) -> Pixels:
    """The picture with words at its bottom, in one of matplotlib's fonts: (h, w, 3) blue, green, red."""
    font = ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts/ttf" / f"{font_name}.ttf"), height)
    place = image.width / 2, image.height - height
    drawn = image.copy()
    stroke = 0 if outline is None else max(1, height // 12)
    ImageDraw.Draw(drawn).text(place, words, fill, font, "mm", stroke_width=stroke, stroke_fill=outline)
    return np.ascontiguousarray(np.asarray(drawn)[:, :, ::-1])


@pytest.mark.parametrize("font_name", UNSEEN_FONTS)
@pytest.mark.parametrize(
    ("width", "height", "letters", "fill", "outline"),
    [
        (160, 120, 18, "white", "black"),
        (360, 360, 40, "white", "black"),
        (360, 200, 16, "yellow", "black"),
        (480, 270, 22, "white", None),
        (240, 240, 24, "black", "white"),
    ],
)
def test_captions_in_fonts_that_were_not_learned_are_likely(
    font_name: str, width: int, height: int, letters: int, fill: str, outline: str | None
) -> None:
    network = load_network()
    image = scene(width, height, width)
    frame = captioned(image, "WHEN YOU SEE IT", font_name, letters, fill, outline)
    assert judge(frame, network).score >= network.threshold


def test_many_scenes_without_words_are_unlikely() -> None:
    network = load_network()
    scenes = [np.ascontiguousarray(np.asarray(scene(160, 120, seed))[:, :, ::-1]) for seed in range(40)]
    assert sum(judge(frame, network).score < network.threshold for frame in scenes) >= 16


@pytest.mark.parametrize("size", [(8, 8), (33, 50), (120, 160), (17, 320)])
def test_the_scores_are_those_of_torch(size: tuple[int, int]) -> None:
    network = load_network()
    frame = np.random.default_rng(1).integers(0, 256, (*size, 3), dtype=np.uint8)
    rows, columns = -(-size[0] // CELL), -(-size[1] // CELL)
    padded = np.full((rows * CELL, columns * CELL, 3), GREY, np.float32)
    padded[: size[0], : size[1]] = frame
    maps = torch.from_numpy(padded - GREY).permute(2, 0, 1)[None]
    for layer, (weights, bias) in enumerate(zip(network.weights, network.biases, strict=True)):
        side = {0: 4, len(STRIDES): 1}.get(layer, 3)
        kernel = torch.from_numpy(weights).reshape(side, side, -1, len(bias)).permute(3, 2, 0, 1)
        stride = (*STRIDES, 1)[layer]
        maps = functional.conv2d(maps, kernel, torch.from_numpy(bias), stride, padding=1 if side == 3 else 0)
        maps = maps if layer == len(STRIDES) else maps.relu()
    found = score_map(frame, network)
    assert found.shape == (rows, columns)
    np.testing.assert_allclose(found, maps[0, 0].numpy(), rtol=1e-3, atol=1e-3)


def test_one_color_and_the_smallest_frames_are_unlikely() -> None:
    network = load_network()
    for shade in (0, 90, 200, 255):
        for size in ((8, 8), (9, 480), (300, 300)):
            assert judge(np.full((*size, 3), shade, np.uint8), network).score < network.threshold


def test_the_file_is_small() -> None:
    assert PATH.stat().st_size < 100_000


def rewritten(path: Path, **changed: np.ndarray) -> Path:
    """The shipped arrays with some of them changed."""
    with np.load(PATH) as shipped:
        np.savez(path, **{**shipped, **changed})
    return path


def test_a_damaged_file_is_one_line_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "short.npz").write_bytes(PATH.read_bytes()[:5000])
    (tmp_path / "text.npz").write_text("no arrays")
    cases = {
        tmp_path / "none.npz": "No such file",
        tmp_path / "short.npz": "zip",
        tmp_path / "text.npz": "pickle",
        rewritten(tmp_path / "shape.npz", weights1=np.zeros((3, 3))): r"weights1 has the shape \(3, 3\)",
        rewritten(tmp_path / "nan.npz", bias2=np.full(24, np.nan)): "weights2 or bias2 is not finite",
        rewritten(tmp_path / "object.npz", threshold=np.array({"a": 1}, object)): "allow_pickle",
        rewritten(tmp_path / "threshold.npz", threshold=np.array(np.inf)): "threshold or sure is wrong",
    }
    for path, reason in cases.items():
        with pytest.raises(InputError, match=f"text: .*{path.name} can't be loaded .*{reason}.*install autotag anew"):
            load_network(path)


def test_the_version_changes_with_the_file_and_with_what_is_read(tmp_path: Path) -> None:
    assert network_version(rewritten(tmp_path / "other.npz", threshold=np.array(1.5))) != network_version()
    assert reader_version(TextConfig(read="all")) != reader_version(TextConfig())

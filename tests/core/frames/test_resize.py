"""Canvases fitted by the device's operations: what the decoder's own resize gives, within a level."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from autotag_core.config import FramesConfig
from autotag_core.frames import LoadedGif, fit_canvases, fit_frame, iter_loaded, load, read_frames, resize
from autotag_core.frames.resize import LARGEST_KEPT_CANVAS, cut_to_max_aspect
from autotag_core.sample import write_sample

SIZES = [
    (360, 360),
    (224, 224),
    (300, 500),
    (500, 301),
    (225, 900),
    (512, 512),
    (33, 90),
    (100, 30),
    (1, 9),
]


def pictures(height: int, width: int, num: int = 3) -> np.ndarray:
    """Waves with hard edges and noise, (num, height, width, 4), the fourth byte 255."""
    y, x = np.mgrid[0:height, 0:width]
    noise = np.random.default_rng(7).integers(0, 60, (num, height, width))
    channels = [100 + 80 * np.sin(x / 9) + noise, 3 * y % 256 + 0 * noise, 255 * ((x // 5 + y // 3) % 2) + 0 * noise]
    rgb = np.stack(channels, axis=-1).clip(0, 255).astype(np.uint8)
    return np.concatenate([rgb, np.full((*rgb.shape[:3], 1), 255, np.uint8)], axis=-1)


def transparent_gif(width: int, height: int, num_frames: int = 6) -> bytes:
    """A disc that moves over nothing: most of each frame is transparent."""
    y, x = np.mgrid[0:height, 0:width]
    frames = []
    for i in range(num_frames):
        disc = (x - width * (i + 1) / 8) ** 2 + (y - height / 2) ** 2 < (min(width, height) / 4) ** 2
        alpha = np.where(disc, 255, 0)
        frames.append(Image.fromarray(np.dstack([x % 256, y % 256, 40 * i + 0 * x, alpha]).astype(np.uint8), "RGBA"))
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=90, disposal=2, loop=0)
    return file.getvalue()


@pytest.mark.parametrize("shape", SIZES)
def test_canvases_are_fitted_within_a_level_of_the_decoders_resize(shape: tuple[int, int]) -> None:
    canvases = np.stack([cut_to_max_aspect(picture) for picture in pictures(*shape)])
    found = fit_canvases(torch.from_numpy(canvases).permute(0, 3, 1, 2), 224)
    wanted = torch.stack([fit_frame(canvas, 224) for canvas in canvases])
    differences = (found.int() - wanted.int()).abs()
    assert (found.shape, found.dtype) == ((3, 3, 224, 224), torch.uint8)
    assert differences.max() <= 1
    assert (differences > 0).float().mean() < 0.01
    assert abs((found.float() - wanted.float()).mean()) < 0.01, "rounded, not cut"


def test_canvases_are_fitted_in_chunks_of_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    canvases = torch.from_numpy(pictures(60, 80, 5)).permute(0, 3, 1, 2)
    whole = fit_canvases(canvases, 32)
    monkeypatch.setattr(resize, "_CHUNK_PIXELS", 2 * 60 * 80)
    assert torch.equal(fit_canvases(canvases, 32), whole)


@pytest.mark.parametrize("size", [(300, 200), (40, 60), (90, 500)])
def test_a_transparent_gif_is_composited_before_it_is_kept(size: tuple[int, int]) -> None:
    data = transparent_gif(*size)
    config = FramesConfig(background=(250, 3, 120))
    fitted, kept = read_frames(data, config), read_frames(data, config, fitted=False)
    height, width = cut_to_max_aspect(np.zeros((*size[::-1], 4), np.uint8)).shape[:2]
    assert kept.frames.shape == (6, 4, height, width)
    assert kept.frames[0, :3, 0, -1].tolist() == [250, 3, 120]
    assert (fit_canvases(kept.frames, 224).int() - fitted.frames.int()).abs().max() <= 1
    assert kept.media == fitted.media, "hashes and colours too, bit for bit"
    assert None not in kept.media.frame_hashes


def test_files_with_few_frames_or_a_large_canvas_come_fitted() -> None:
    for data in (transparent_gif(300, 200, 4), transparent_gif(600, 512, 6)):
        assert read_frames(data, FramesConfig(), fitted=False).frames.shape[1:] == (3, 224, 224)
    assert read_frames(transparent_gif(512, 512, 6), FramesConfig(), fitted=False).frames.shape[1:] == (4, 512, 512)


def test_drawn_gifs_and_broken_ones_have_the_same_frames_and_media_either_way(tmp_path: Path) -> None:
    write_sample(str(tmp_path), 12, seed=5)
    data = transparent_gif(120, 90, 12)
    (tmp_path / "cut.gif").write_bytes(data[: len(data) * 2 // 3])
    items = [(path.stem, str(path)) for path in sorted(tmp_path.rglob("*.gif"))]
    num_kept = 0
    both = zip(iter_loaded(items, FramesConfig()), iter_loaded(items, FramesConfig(), fitted=False), strict=True)
    for (_, fitted), (_, kept) in both:
        assert isinstance(fitted, LoadedGif) and isinstance(kept, LoadedGif)
        assert kept.media == fitted.media
        num_kept += kept.frames.shape[1] == 4
        frames = fit_canvases(kept.frames, 224) if kept.frames.shape[1] == 4 else kept.frames
        assert (frames.int() - fitted.frames.int()).abs().max() <= 1
    assert num_kept > 6


def test_canvases_that_wait_are_bounded_by_the_bytes_of_the_largest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.gif").write_bytes(transparent_gif(60, 40))
    config = FramesConfig(num_frames=6, fetch_threads=2, prefetch_bytes=2 * 6 * 4 * LARGEST_KEPT_CANVAS)
    num_taken = {}
    for fitted in (True, False):
        taken = iter([("a", str(tmp_path / "a.gif"))] * 20)
        loaded = load.iter_loaded(taken, config, fitted=fitted)
        next(loaded)
        num_taken[fitted] = 20 - len(list(taken))
        loaded.close()
    assert num_taken == {True: 8, False: 2}

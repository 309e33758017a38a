"""Faces in what is kept of a file's frames."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from autotag_core.config import FramesConfig
from autotag_core.faces.embedder import FaceEmbedder
from autotag_core.faces.frame_keeper import MAX_SIDE, FrameKeeper
from autotag_core.faces.looker import FaceLooker
from autotag_core.frames import Readers, read_frames
from autotag_core.frames.decode import KeptFrame
from tests.core.faces.conftest import picture


def gif_of(frames: Sequence[np.ndarray]) -> bytes:
    file = io.BytesIO()
    images = [Image.fromarray(frame) for frame in frames]
    images[0].save(file, "GIF", save_all=True, append_images=images[1:], duration=100, loop=0)
    return file.getvalue()


def test_boxes_are_pixels_of_the_file_and_frames_are_the_files(faces_folder: Path, embedder: FaceEmbedder) -> None:
    width = 2 * MAX_SIDE
    frames = []
    for number in range(8):
        frame = np.full((1200, width, 3), 90 + number, np.uint8)
        if number >= 4:
            frame[100 : 100 + 560, 900 : 900 + 460] = picture(faces_folder, "s1", 5, scale=5)
        frames.append(frame)
    config = FramesConfig(num_frames=8)
    loaded = read_frames(gif_of(frames), config, Readers(faces=FaceLooker(4, embedder)))
    assert loaded.faces is not None
    (face,) = loaded.faces
    assert face.frames == (5, 7)  # of the four that are looked at: 1, 3, 5, 7
    left, top, right, bottom = face.boxes[0]
    assert 850 < left < 1150 and 50 < top < 350 and 1000 < right < 1400 and 400 < bottom < 700
    assert (face.landmarks[..., 0] > 850).all() and face.embeddings.shape == (2, 128)
    assert face.chip is None  # a row of a table holds no picture
    assert loaded.spent.faces > 0


def test_a_small_frame_is_kept_as_it_is_and_a_large_one_made_smaller() -> None:
    keeper = FrameKeeper(4)
    small = np.random.default_rng(0).integers(0, 255, (40, 60, 4), dtype=np.uint8)
    assert (keeper.keep(small) == small[..., :3]).all()
    assert keeper.keep(np.zeros((900, 3 * MAX_SIDE, 4), np.uint8)).shape == (300, MAX_SIDE, 3)
    assert keeper.keep(np.zeros((1, 60_000, 4), np.uint8)).shape == (1, MAX_SIDE, 3)


def test_networks_that_fail_leave_a_note_and_the_gif(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(FrameKeeper):
        def read(self, kept: Sequence[KeptFrame]) -> tuple[()]:
            raise RuntimeError("no such tensor")

    loaded = read_frames(gif_of([np.zeros((30, 30, 3), np.uint8)]), FramesConfig(), Readers(faces=Broken(1)))
    assert (loaded.faces, loaded.media.notes) == (None, ("single_frame", "faces_unread"))
    assert "no such tensor" in caplog.text

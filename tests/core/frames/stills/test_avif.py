"""AVIF pictures, still and moving, against the pictures that they were made of."""

from __future__ import annotations

import io
import random

import numpy as np
import pytest
from PIL import Image, features

from autotag_core.config import FramesConfig
from autotag_core.failures import ItemError, Reason
from autotag_core.frames import composite_frames, read_frames, read_header

pytestmark = pytest.mark.skipif(not features.check("avif"), reason="this Pillow writes no AVIF")
SMALL = FramesConfig(size=32, num_frames=4)


def pictures(num_frames=6, mode="RGB"):
    rows, columns = np.mgrid[:40, :56]
    found = [np.stack([np.full_like(rows, 40 * i), rows * 6, columns * 4], -1) for i in range(num_frames)]
    return [Image.fromarray(one.astype(np.uint8)).convert(mode) for one in found]


def avif(frames, **options):
    file = io.BytesIO()
    more = {"save_all": True, "append_images": frames[1:], "duration": 70} if len(frames) > 1 else {}
    frames[0].save(file, "AVIF", quality=90, speed=9, max_threads=1, **more, **options)
    return file.getvalue()


def test_a_moving_avif_has_its_frames_and_delays():
    header = read_header(avif(pictures()))
    assert (header.format, header.width, header.height, header.num_frames) == ("AVIF", 56, 40, 6)
    assert header.delays_ms == (70,) * 6


def test_frames_are_the_pictures_that_were_written():
    frames = pictures()
    data = avif(frames)
    shown = {
        one.frame_index: one.pixels.copy() for one in composite_frames(data, read_header(data), [0, 3, 5], (0, 0, 0))
    }
    assert list(shown) == [0, 3, 5]
    for index, pixels in shown.items():
        assert np.abs(pixels[..., :3].astype(int) - np.asarray(frames[index])).mean() < 6


@pytest.mark.parametrize("num_frames", [1, 3])
def test_what_is_transparent_has_the_background(num_frames):
    frames = pictures(num_frames, "RGBA")
    for one in frames:
        one.putalpha(0)
    data = avif(frames)
    (first, *_) = composite_frames(data, read_header(data), [0], (10, 200, 30))
    assert np.abs(first.pixels[..., :3].astype(int) - (10, 200, 30)).max() <= 1


def test_a_still_avif_has_its_media_row():
    media = read_frames(avif(pictures(1)), SMALL).media
    assert (media.format, media.width, media.height, media.num_frames, media.notes) == (
        "avif", 56, 40, 1, ("still_image",)
    )  # fmt: skip


@pytest.mark.parametrize(("orientation", "turns"), [(1, 0), (3, 2), (6, 3), (8, 1)])
def test_a_turned_avif_is_shown_upright(orientation, turns):
    exif = Image.Exif()
    exif[0x0112] = orientation
    frame = pictures(1)[0]
    data = avif([frame], exif=exif)
    (shown,) = composite_frames(data, read_header(data), [0], (0, 0, 0))
    expected = np.rot90(np.asarray(frame), turns)
    assert np.abs(shown.pixels[..., :3].astype(int) - expected).mean() < 6


@pytest.mark.parametrize("num_frames", [1, 6])
def test_limits_hold(num_frames):
    data = avif(pictures(num_frames))
    limits = {"max_canvas_pixels": 40 * 56 - 1}
    with pytest.raises(ItemError) as caught:
        read_frames(data, SMALL.model_copy(update=limits))
    assert caught.value.reason is Reason.TOO_MANY_PIXELS


@pytest.mark.parametrize("num_frames", [1, 6])
def test_mutated_files_give_frames_or_an_item_error(num_frames):
    data = avif(pictures(num_frames))
    for seed in range(200):
        chance = random.Random(seed)
        changed = bytearray(data)
        for _ in range(chance.randint(1, 6)):
            changed[chance.randrange(4, len(changed))] = chance.randrange(256)
        cut = bytes(changed if seed % 3 else changed[: chance.randrange(8, len(changed))])
        try:
            assert len(read_frames(cut, SMALL).frames) >= 1
        except ItemError as error:
            assert error.reason is not Reason.TIMED_OUT

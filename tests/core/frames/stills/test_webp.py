"""WebPs against Pillow's pixels: animations with a broken frame, and cut stills."""

import io

import numpy as np
import pytest
from PIL import Image

from autotag_core.config import FramesConfig
from autotag_core.frames import composite_frames, read_frames, read_header

PINK = (250, 3, 120)


def animated(stills, num_frames=5, **options):
    frames = [Image.fromarray(stills.photo(60, 90, seed)) for seed in range(num_frames)]
    return stills.saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], duration=80, **options)


def canvases(data, indices):
    found = composite_frames(data, read_header(data), indices, PINK)
    return {one.frame_index: (one.pixels[..., :3].copy(), one.damaged) for one in found}


def by_pillow(data, index):
    with Image.open(io.BytesIO(data)) as image:
        image.seek(index)
        under = Image.new("RGBA", image.size, (*PINK, 255))
        under.alpha_composite(image.convert("RGBA"))
        return np.asarray(under)[..., :3].astype(int)


@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"minimize_size": True}, {"allow_mixed": True}])
def test_an_animation_is_what_pillow_shows(stills, options):
    data = animated(stills, **options)
    for indices in ([0, 1, 2, 3, 4], [1, 4]):
        for index, (pixels, damaged) in canvases(data, indices).items():
            assert np.abs(pixels - by_pillow(data, index)).max() <= 1
            assert not damaged


def test_small_moving_frames_with_alpha_are_what_pillow_shows(stills):
    frames = []
    for place in range(6):
        picture = np.zeros((60, 90, 4), np.uint8)
        picture[10 : 40 + place, 10 * place : 10 * place + 25] = (*stills.photo(1, 1, place)[0, 0], 60 + 30 * place)
        frames.append(Image.fromarray(picture))
    for options in ({"lossless": True}, {"lossless": True, "minimize_size": True}, {"quality": 90, "kmax": 9}):
        data = stills.saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], duration=50, **options)
        assert len(canvases(data, range(6))) == 6
        for index, (pixels, _) in {**canvases(data, range(6)), **canvases(data, [4])}.items():
            assert np.abs(pixels - by_pillow(data, index)).max() <= 2, (options, index)


def frame_starts(data):
    starts, place = [], data.find(b"ANMF")
    while place >= 0:
        starts.append(place)
        place = data.find(b"ANMF", place + 4)
    return starts


@pytest.mark.parametrize("options", [{}, {"lossless": True}])
@pytest.mark.parametrize("broken", [0, 2, 4])
def test_a_broken_frame_costs_no_other(stills, options, broken):
    data = bytearray(animated(stills, **options))
    start = frame_starts(data)[broken]
    data[start + 8 + 16 + 8 : start + 8 + 16 + 16] = b"\xff" * 8  # the head of its pixel data
    found = canvases(bytes(data), range(5))
    sound = animated(stills, **options)
    assert sorted(found) == [index for index in range(5) if index != broken]
    for index, (pixels, _) in found.items():
        if index < broken or not options:  # lossless frames hold what changed since the one before
            assert np.abs(pixels - by_pillow(sound, index)).max() <= 1
    assert read_frames(bytes(data), FramesConfig()).media.notes == ("truncated",)


def test_a_frame_that_claims_to_be_larger_is_left_out(stills):
    data = bytearray(animated(stills))
    start = frame_starts(data)[1]
    data[start + 14 : start + 20] = b"\xff" * 6
    assert sorted(canvases(bytes(data), range(5))) == [0, 2, 3, 4]


@pytest.mark.parametrize("exif", [{}, {"exif": b"Exif\0\0II*\0\xff\xff\xff\xff"}, {"icc_profile": b"broken"}])
def test_metadata_does_not_matter(stills, exif):
    data = stills.saved(Image.fromarray(stills.photo()), "WEBP", lossless=True, **exif)
    np.testing.assert_array_equal(stills.shown(data)[0], stills.photo())


def test_a_cut_lossy_picture_has_the_rows_that_are_in_the_file(stills):
    picture = stills.photo()
    picture[96:170] = 0
    data = stills.saved(Image.fromarray(picture), "WEBP")
    whole = stills.by_pillow(data)
    heights = []
    for length in range(len(data) - 40, len(data) // 2, -97):
        pixels, damaged = stills.shown(data[:length])
        heights.append(int((pixels != stills.PINK).any(axis=(1, 2)).sum()))
        assert damaged
        # a few pixels beside the cut may differ by a level or two, where both fillings happen to agree
        np.testing.assert_allclose(pixels[: heights[-1]].astype(int), whole[: heights[-1]], atol=6)
    assert max(np.diff(heights)) < 8
    assert heights[0] > 150
    assert 40 < heights[-1] < 150

"""Frames of videos against the pictures that they were made of; limits; and hostile files."""

from __future__ import annotations

import builtins
import random
import sys
from pathlib import Path

import numpy as np
import pytest

from autotag_core.config import FramesConfig
from autotag_core.failures import ItemError, Reason
from autotag_core.frames import composite_frames, read_frames, read_header

pytest.importorskip("av")
SMALL = FramesConfig(size=32, num_frames=4)
WHITE = (255, 255, 255)
NEAR = 6
"""Grey levels, the mean over a picture. 4:2:0 and rounding cost two or three; the next picture is 8 / 3 further."""


def shown(data, indices):
    """{index: (height, width, 3)} of these frames."""
    header = read_header(data)
    return {one.frame_index: one.pixels[..., :3].copy() for one in composite_frames(data, header, indices, WHITE)}


def nearest(picture, pictures):
    """Which of the pictures is like this one, and by how many grey levels it is off."""
    distances = [np.abs(picture.astype(int) - one).mean() for one in pictures]
    return int(np.argmin(distances)), min(distances)


@pytest.mark.parametrize("indices", [[0], [13], [29], [0, 5, 11, 29], [6, 7, 8, 9], list(range(30))])
def test_frames_are_the_pictures_that_were_encoded(videos, kind, indices):
    pictures = videos.pictures()
    found = shown(videos.encode(pictures, *kind), indices)
    assert list(found) == indices
    for index, picture in found.items():
        like, distance = nearest(picture, pictures)
        assert (like, distance < NEAR) == (index, True)


def test_only_what_leads_to_a_sampled_frame_is_decoded(videos):
    header = read_header(videos.encode(videos.pictures(64), gop=8))
    pixels, num_decoded = header.num_pixels([0, 63])
    assert num_decoded <= 1 + 8
    assert pixels == 64 * 48 * num_decoded
    assert header.num_pixels(range(64)) == (64 * 48 * 64, 64)


@pytest.mark.parametrize("pixels", ["yuv420p10le", "yuv444p", "yuv422p"])
def test_other_forms_of_pixels_become_rgb(videos, pixels):
    pictures = videos.pictures(5)
    found = shown(videos.encode(pictures, pixels=pixels), [0, 4])
    for index, picture in found.items():
        assert np.abs(picture.astype(int) - pictures[index]).mean() < NEAR


@pytest.mark.parametrize(
    ("corner", "turns"), [((0, 1, -1, 0), 3), ((-1, 0, 0, -1), 2), ((0, -1, 1, 0), 1), ((1, 0, 0, 1), 0)]
)
def test_a_turned_video_is_shown_upright(videos, corner, turns):
    """np.rot90 turns to the left; the first matrix turns a quarter to the right."""
    pictures = videos.pictures(3)
    data = bytearray(videos.encode(pictures))
    place = data.rindex(b"tkhd") + 4 + 40
    for offset, value in zip((0, 4, 12, 16), corner, strict=True):
        data[place + offset : place + offset + 4] = (value * 65536).to_bytes(4, "big", signed=True)
    data = bytes(data)
    expected = np.rot90(pictures[1], turns)
    header = read_header(data)
    assert (header.height, header.width) == expected.shape[:2]
    assert np.abs(shown(data, [1])[1].astype(int) - expected).mean() < NEAR


def test_a_video_has_its_media_row(videos, kind):
    media = read_frames(videos.encode(videos.pictures(), *kind), FramesConfig()).media
    assert (media.format, media.width, media.height) == ("webm" if kind[0] in ("webm", "matroska") else "mp4", 64, 48)
    assert (media.num_frames, media.num_sampled, media.duration_ms, media.notes) == (30, 16, 1200, ())


def refusal(data, **limits):
    with pytest.raises(ItemError) as caught:
        read_frames(data, SMALL.model_copy(update=limits))
    return caught.value.reason


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"max_bytes": 100}, Reason.FILE_TOO_LARGE),
        ({"max_frames": 29}, Reason.TOO_MANY_FRAMES),
        ({"min_frames": 31}, Reason.TOO_FEW_FRAMES),
        ({"max_duration_ms": 1199}, Reason.TOO_LONG),
        ({"max_video_pixels": 64 * 48 - 1}, Reason.TOO_MANY_PIXELS),
        ({"max_pixels": 64 * 48 * 4 - 1}, Reason.TOO_MANY_PIXELS),
        ({"decode_cpu_s": 0}, Reason.TIMED_OUT),
    ],
)
def test_the_limits_of_gifs_hold_for_videos(videos, kind, limits, reason):
    assert refusal(videos.encode(videos.pictures(), *kind), **limits) is reason


def test_a_video_larger_than_its_header_says_is_not_decoded(videos):
    data = videos.encode(videos.pictures(3, 480, 640))
    place = data.rindex(b"avc1") + 4 + 24
    assert data[place : place + 4] == (640).to_bytes(2, "big") + (480).to_bytes(2, "big")
    lying = data[:place] + (16).to_bytes(2, "big") * 2 + data[place + 4 :]
    assert refusal(lying) is Reason.UNDECODABLE


def test_without_pyav_a_video_is_a_failure_that_says_so(videos, monkeypatch):
    data = videos.encode(videos.pictures(3))
    for name in [one for one in sys.modules if one == "av" or one.startswith("av.")]:
        monkeypatch.delitem(sys.modules, name)
    real = builtins.__import__

    def without_av(name, *args, **kwargs):
        if name == "av":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_av)
    with pytest.raises(ItemError) as caught:
        read_frames(data, SMALL)
    assert caught.value.reason is Reason.MISSING_PACKAGE
    assert "pip install 'autotag[video]'" in caught.value.message


def test_a_broken_packet_costs_only_frames_that_need_it(videos):
    data = bytearray(videos.encode(videos.pictures(), "webm", "libvpx-vp9"))
    broken = read_header(bytes(data)).video.samples[10]
    data[broken.start : broken.end] = bytes(broken.end - broken.start)
    loaded = read_frames(bytes(data), FramesConfig(size=32))
    assert "truncated" in loaded.media.notes
    assert len(loaded.frames) >= 8


def mutated(data, seed):
    """Some bytes of the file are other ones, are missing or are there twice; often it is cut."""
    chance = random.Random(seed)
    changed = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        place = chance.randrange(len(changed))
        kind = chance.randrange(4)
        if kind == 0:
            changed[place] = chance.randrange(256)
        elif kind == 1:
            changed[place : place + 4] = chance.randbytes(4)
        elif kind == 2:
            del changed[place : place + chance.randint(1, 9)]
        else:
            changed[place:place] = changed[place : place + chance.randint(1, 9)]
    return bytes(changed if chance.random() < 0.7 else changed[: chance.randrange(1, len(changed))])


def peak_bytes():
    return 1024 * int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])


def test_mutated_videos_give_frames_or_an_item_error(videos, kind):
    data = videos.encode(videos.pictures(12), *kind)
    read_frames(data, SMALL)  # what is loaded once is loaded now
    before, num_read = peak_bytes(), 0
    for seed in range(200):
        try:
            loaded = read_frames(mutated(data, seed), SMALL)
        except ItemError:
            continue
        num_read += 1
        assert 1 <= len(loaded.frames) <= 4
    assert num_read > 20
    assert peak_bytes() - before < 200_000_000


@pytest.mark.parametrize("container", ["mp4", "webm"])
def test_every_cut_of_a_video_gives_frames_or_an_item_error(videos, container):
    codec, options = {"mp4": ("h264", videos.kinds["H.264 in fragments"][2]), "webm": ("libvpx-vp9", {})}[container]
    data = videos.encode(videos.pictures(12), container, codec, options)
    for length in range(4, len(data), 61):
        try:
            assert len(read_frames(data[:length], SMALL).frames) >= 1
        except ItemError as error:
            assert error.reason in (Reason.UNDECODABLE, Reason.NOT_AN_IMAGE)

"""JPEGs against Pillow's pixels of the sound file: without their end, cut, and with broken metadata."""

import struct

import numpy as np
import pytest
from PIL import Image

from autotag_core.config import FramesConfig
from autotag_core.failures import ItemError, Reason
from autotag_core.frames import read_frames, read_header

KINDS = {
    "baseline": {},
    "unscaled colour": {"subsampling": 0},
    "optimized": {"optimize": True},
    "restarts": {"restart_marker_blocks": 5},
    "restarts in rows": {"restart_marker_rows": 1},
}


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("options", [*KINDS.values(), {"progressive": True}], ids=[*KINDS, "progressive"])
def test_a_jpeg_without_its_end_marker_is_whole(stills, options, mode):
    data = stills.saved(Image.fromarray(stills.photo()).convert(mode), "JPEG", **options)
    for cut in (data[:-2], data[:-1]):
        pixels, damaged = stills.shown(cut)
        np.testing.assert_array_equal(pixels, stills.by_pillow(data))
        assert damaged == ("progressive" in options)  # its last scan may lack some sharpness, which nothing tells
    np.testing.assert_array_equal(stills.shown(data)[0], stills.by_pillow(data))


@pytest.mark.parametrize("options", KINDS.values(), ids=KINDS)
def test_a_cut_jpeg_has_the_rows_that_are_in_the_file(stills, options):
    data = stills.saved(Image.fromarray(stills.photo()), "JPEG", **options)
    whole = stills.by_pillow(data)
    heights = []
    for length in range(len(data) - 3, 700, -131):
        found = stills.shown(data[:length])
        heights.append(0 if found is None else int((found[0] != stills.PINK).any(axis=(1, 2)).sum()))
        if found:
            assert found[1]
            np.testing.assert_array_equal(found[0][: heights[-1]], whole[: heights[-1]])
    assert heights == sorted(heights, reverse=True)
    assert heights[0] > 180 and len(set(heights)) > 8


def test_rows_before_a_fatal_error_stay(stills):
    data = stills.saved(Image.fromarray(stills.photo()), "JPEG", subsampling=0)
    place = len(data) // 2
    pixels, damaged = stills.shown(data[:place] + b"\xff\xd8" + data[place:])  # a second start of the file
    assert damaged
    np.testing.assert_array_equal(pixels[:80], stills.by_pillow(data)[:80])


def test_black_rows_of_a_cut_jpeg_stay_black(stills):
    picture = stills.photo()
    picture[96:] = 0
    data = stills.saved(Image.fromarray(picture), "JPEG", subsampling=0)
    pixels, damaged = stills.shown(data[:-20])
    assert damaged
    assert (pixels[104:160] < 9).all()  # missing are only the last rows
    assert pixels[202, 5].tolist() == list(stills.PINK)


def test_a_progressive_jpeg_cut_in_a_later_scan_is_shown_less_sharp(stills):
    data = stills.saved(Image.fromarray(stills.photo()), "JPEG", progressive=True)
    for length in range(len(data) - 2, len(data) // 3, -397):  # also amid the tables between two scans
        pixels, damaged = stills.shown(data[:length])
        assert damaged
        assert np.abs(pixels.astype(int) - stills.photo()).mean() < 25
    assert read_frames(data[: len(data) // 2], FramesConfig()).media.notes == ("still_image", "truncated")


def segment(marker, body):
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


METADATA = {
    "colour profile without its number": segment(0xE2, b"ICC_PROFILE\0"),
    "second piece of a profile": segment(0xE2, b"ICC_PROFILE\0\x02\x02" + bytes(60)),
    "pictures after this one that are not there": segment(0xE2, b"MPF\0" + b"II*\0\x08\0\0\0" + b"\xff" * 90),
    "broken EXIF": segment(0xE1, b"Exif\0\0II*\0\xff\xff\xff\xff"),
    "EXIF of strange types": segment(0xE1, b"Exif\0\0MM\0*\0\0\0\x08" + b"\0\x02" + b"\x01\x1a\0\x05" + b"\xff" * 20),
    "large EXIF": segment(0xE1, b"Exif\0\0II*\0" + bytes(65_000)) * 20,
    "Photoshop": segment(0xED, b"Photoshop 3.0\0" + b"8BIM\x03\xed\xff\0\0\0\0\x04abcd"),
    "short JFIF": segment(0xE0, b"JFIF"),
    "short Adobe": segment(0xEE, b"Adobe"),
    "comment of no length": b"\xff\xfe\0\0",
    "empty segment": segment(0xE5, b""),
    "bytes between segments": b"between",
}


@pytest.mark.parametrize("broken", METADATA.values(), ids=METADATA)
def test_metadata_does_not_matter(stills, broken):
    data = stills.saved(Image.fromarray(stills.photo()), "JPEG")
    first = data.index(b"\xff\xdb")
    pixels, damaged = stills.shown(data[:first] + broken + data[first:])
    np.testing.assert_array_equal(pixels, stills.by_pillow(data))
    assert not damaged


@pytest.mark.parametrize("length", [3, 20, 200, 400])
def test_a_jpeg_that_ends_before_its_first_row_is_undecodable(stills, length):
    data = stills.saved(Image.fromarray(stills.photo()), "JPEG")
    with pytest.raises(ItemError) as caught:
        read_frames(data[:length], FramesConfig())
    assert caught.value.reason is Reason.UNDECODABLE


def test_a_thumbnail_is_not_taken_for_the_picture(stills):
    inner = stills.saved(Image.new("RGB", (16, 8)), "JPEG")
    data = stills.saved(Image.fromarray(stills.photo()), "JPEG")
    data = data[:2] + segment(0xE1, b"Exif\0\0" + inner) + data[2:]
    assert (read_header(data).width, read_header(data).height) == (333, 203)
    np.testing.assert_array_equal(stills.shown(data)[0], stills.by_pillow(data))


def test_a_file_of_very_many_scans_is_undecodable(stills):
    data = stills.saved(Image.fromarray(stills.photo()), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    assert stills.shown(data[:-2] + data[last:-2] * 400 + data[-2:]) is not None
    assert stills.shown(data[:-2] + data[last:-2] * 500 + data[-2:]) is None

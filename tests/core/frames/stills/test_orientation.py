"""Pictures stored turned or mirrored are shown as EXIF says, as Pillow's exif_transpose shows them."""

import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from autotag_core.config import FramesConfig
from autotag_core.frames import Readers, read_frames, read_header
from autotag_core.frames.stills.orientation import read_orientation


def with_orientation(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(("name", "options"), [("JPEG", {}), ("PNG", {}), ("WEBP", {"lossless": True}), ("WEBP", {})])
def test_a_still_picture_is_shown_as_it_was_taken(stills, name, options, orientation):
    data = stills.saved(Image.fromarray(stills.photo()), name, exif=with_orientation(orientation), **options)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB"))
    pixels, damaged = stills.shown(data)
    np.testing.assert_array_equal(pixels, expected)
    assert not damaged
    found = read_header(data)
    assert (found.width, found.height) == ((203, 333) if orientation >= 5 else (333, 203))


def test_size_hashes_and_what_is_read_follow_the_orientation(stills):
    class Reader:
        max_frames = 1

        def keep(self, canvas):
            self.shape = canvas.shape
            return canvas.copy()

        def read(self, kept):
            raise KeyError

    upright, stored, reader = stills.photo(), np.rot90(stills.photo()), Reader()
    sound = read_frames(stills.saved(Image.fromarray(upright), "PNG"), FramesConfig())
    data = stills.saved(Image.fromarray(stored), "PNG", exif=with_orientation(6))
    turned = read_frames(data, FramesConfig(), Readers(reader))
    assert (turned.media.width, turned.media.height) == (333, 203)
    assert turned.media.frame_hashes == sound.media.frame_hashes
    assert turned.media.frame_colors == sound.media.frame_colors
    assert turned.frames.equal(sound.frames)
    assert reader.shape == (203, 333, 4)


@pytest.mark.parametrize("name", ["PNG", "WEBP"])
def test_an_animation_is_shown_as_it_is_stored(stills, name):
    frames = [Image.fromarray(stills.photo(40, 60, seed)) for seed in (1, 2)]
    options = {"save_all": True, "append_images": frames[1:], "exif": with_orientation(6), "lossless": True}
    found = read_header(stills.saved(frames[0], name, **options))
    assert (found.width, found.height, found.num_frames) == (60, 40, 2)


ENTRY = b"\x12\x01\x03\0\x01\0\0\0\x06\0\0\0"


@pytest.mark.parametrize(
    ("exif", "orientation"),
    [
        (b"", 1),
        (b"Exif\0\0", 1),
        (b"II*\0\x08\0\0\0\x01\0" + ENTRY, 6),
        (b"Exif\0\0II*\0\x08\0\0\0\x01\0" + ENTRY, 6),
        (b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x08\0\0", 8),
        (b"II*\0\x08\0\0\0\x09\0" + ENTRY, 6),  # entries that are not there
        (b"II*\0\x08\0\0\0\x01\0" + ENTRY[:11], 1),
        (b"II*\0\x08\0\0\0\x01\0" + ENTRY[:8] + b"\x09\0\0\0", 1),
        (b"II*\0\x08\0\0\0\x01\0" + b"\x12\x01\x07\0" + ENTRY[4:], 1),  # of another type
        (b"II*\0\xff\xff\xff\xff\x01\0" + ENTRY, 1),
        (b"XX*\0\x08\0\0\0\x01\0" + ENTRY, 1),
    ],
)
def test_broken_exif_tells_no_orientation(exif, orientation):
    assert read_orientation(exif) == orientation

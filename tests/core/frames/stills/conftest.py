"""A PNG writer of our own, so that a test says every sample, chunk and checksum; and the oracle's pixels."""

import io
import struct
import zlib
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from autotag_core.frames import composite_frames, read_header

PINK = (250, 3, 120)


def chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def header(width, height, depth=8, colour_type=2, interlaced=0):
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, interlaced))


def packed(rows):
    """The pixel data of rows of bytes, none of them filtered."""
    return zlib.compress(b"".join(b"\0" + bytes(row) for row in rows))


def write_png(*chunks):
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks) + chunk(b"IEND", b"")


def saved(image, name, **options):
    file = io.BytesIO()
    image.save(file, name, **options)
    return file.getvalue()


def shown(data, background=PINK):
    """(height, width, 3) of the first frame, whether it is damaged; None where nothing of it is readable."""
    found = read_header(data)
    canvases = [(one.pixels[..., :3].copy(), one.damaged) for one in composite_frames(data, found, [0], background)]
    assert all(pixels.shape == (found.height, found.width, 3) for pixels, _ in canvases)
    return canvases[0] if canvases else None


def by_pillow(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def photo(height=203, width=333, seed=7):
    """Smooth colours with an edge, (height, width, 3)."""
    y, x = np.mgrid[0:height, 0:width]
    noise = np.random.default_rng(seed).integers(0, 30, (height, width))
    channels = [100 + 80 * np.sin(x / 9), 3 * y % 256, 200 * (x > y)]
    return np.stack([np.clip(channel + noise, 1, 255) for channel in channels], axis=2).astype(np.uint8)


@pytest.fixture(scope="session")
def stills():
    """Pictures, files of them, and what is shown of a file."""
    return SimpleNamespace(
        chunk=chunk,
        header=header,
        packed=packed,
        png=write_png,
        saved=saved,
        shown=shown,
        by_pillow=by_pillow,
        photo=photo,
        PINK=PINK,
    )

"""From URIs to frames: the order of checks and the limits."""

import hashlib
import io
import struct
import tracemalloc
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
import pytest
from PIL import Image

from autotag_core.config import FramesConfig
from autotag_core.failures import ItemError, Reason, Stage
from autotag_core.frames import load_frames, read_frames
from autotag_core.tables import MEDIA

SMALL = FramesConfig(size=32, num_frames=4)


def bomb(width=9000, height=9000, num_frames=50):
    """About 1.1 KiB: a large screen and frames of one pixel."""
    frame = b"\x21\xf9\x04\0\x0a\0\0\0" + b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\0"
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6) + frame * num_frames + b"\x3b"


def refusal(data, **limits):
    with pytest.raises(ItemError) as caught:
        read_frames(data, SMALL.model_copy(update=limits))
    assert caught.value.stage is Stage.FRAMES
    return caught.value.reason, caught.value.message


def test_a_file_is_loaded_with_its_media_row(gif, tmp_path):
    path = tmp_path / "a.gif"
    path.write_bytes(gif.colours(6, delay=5))
    loaded = load_frames(str(path), SMALL)
    assert loaded.frames[:, 0, 9, 9].tolist() == [0, 20, 30, 50]
    row = {"gif_id": "a", **asdict(loaded.media)}
    assert list(row) == MEDIA.schema.names
    assert row == {
        "version": hashlib.sha256(path.read_bytes()).hexdigest()[:32],
        "gif_id": "a",
        "width": 2,
        "height": 2,
        "num_frames": 6,
        "num_sampled": 4,
        "duration_ms": 300,
        "num_bytes": path.stat().st_size,
        "format": "gif",
        "notes": (),
        "frame_hashes": (None,) * 4,
        "frame_colors": bytes([0] * 12 + [20] * 12 + [30] * 12 + [50] * 12),
        "text": None,
        "text_lines": None,
        "rendition": None,
    }
    assert pa.Table.from_pylist([row], schema=MEDIA.schema)["notes"].to_pylist() == [[]]


def test_each_limit_says_the_value_and_the_limit(gif):
    data = gif.colours(6, delay=5)  # 300 ms
    assert refusal(data, max_bytes=100) == (
        Reason.FILE_TOO_LARGE,
        f"{len(data)} bytes; the limit is 100 (frames.max_bytes)",
    )
    assert refusal(data, max_frames=5) == (Reason.TOO_MANY_FRAMES, "6 frames; the limit is 5 (frames.max_frames)")
    assert refusal(data, min_frames=7) == (
        Reason.TOO_FEW_FRAMES,
        "6 frames; it must have at least 7 (frames.min_frames)",
    )
    assert refusal(data, min_duration_ms=301) == (
        Reason.TOO_SHORT,
        "plays 300 ms; it must play at least 301 (frames.min_duration_ms)",
    )
    assert refusal(data, max_duration_ms=299) == (
        Reason.TOO_LONG,
        "plays 300 ms; the limit is 299 (frames.max_duration_ms)",
    )
    assert refusal(data, max_pixels=15) == (
        Reason.TOO_MANY_PIXELS,
        "16 pixels in the 4 frames to decode (canvas 2 x 2); the limit is 15 (frames.max_pixels)",
    )
    assert refusal(data, max_canvas_pixels=3) == (
        Reason.TOO_MANY_PIXELS,
        "4 pixels in the canvas, 2 x 2; at most 3 are decoded",
    )
    assert refusal(data, decode_cpu_s=0) == (
        Reason.TIMED_OUT,
        "not decoded after 0 s of CPU time, which is the limit",
    )


def test_values_at_the_limits_are_loaded(gif):
    data = gif.colours(6, delay=5)
    limits = {"max_frames": 6, "min_frames": 6, "min_duration_ms": 300, "max_duration_ms": 300, "max_pixels": 16}
    assert len(read_frames(data, SMALL.model_copy(update={**limits, "max_bytes": len(data)})).frames) == 4


def test_limits_are_checked_in_their_order(gif):
    data = gif.colours(6, delay=5)
    broken = [
        ("max_pixels", 1, Reason.TOO_MANY_PIXELS),
        ("max_duration_ms", 1, Reason.TOO_LONG),
        ("min_duration_ms", 1000, Reason.TOO_SHORT),
        ("min_frames", 100, Reason.TOO_FEW_FRAMES),
        ("max_frames", 1, Reason.TOO_MANY_FRAMES),
        ("max_bytes", 1, Reason.FILE_TOO_LARGE),
    ]
    for count in range(1, len(broken) + 1):
        assert refusal(data, **{name: value for name, value, _ in broken[:count]})[0] is broken[count - 1][2]


def test_a_bomb_is_refused_before_its_canvas_is_allocated():
    data = bomb()
    assert len(data) < 1200
    tracemalloc.start()
    try:
        reason, message = refusal(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert reason is Reason.TOO_MANY_PIXELS
    assert message == "81,000,000 pixels in the canvas, 9000 x 9000; at most 50,000,000 are decoded"
    assert peak < 5_000_000


def test_a_bomb_of_many_frames_is_refused_by_their_pixels():
    assert refusal(bomb(7000, 7000)) == (
        Reason.TOO_MANY_PIXELS,
        "2,156,000,000 pixels in the 44 frames to decode (canvas 7000 x 7000); "
        "the limit is 400,000,000 (frames.max_pixels)",
    )


def chained_gif(gif, width, height, num_frames):
    """Each frame paints two rows and keeps the others: all up to the last sampled one have to be decoded."""
    frames = [gif.Frame(((i % 4,) * width,) * 2, top=3 * i % (height - 2), delay=4) for i in range(num_frames)]
    return gif.write(frames, (width, height), ((0, 0, 0), (90, 9, 9), (9, 90, 9), (9, 9, 90)))


@pytest.mark.parametrize(
    ("width", "height", "num_frames"), [(472, 298, 380), (1080, 1080, 60), (800, 600, 110), (9, 9, 1001)]
)
def test_ordinary_gifs_are_within_the_limits(gif, width, height, num_frames):
    media = read_frames(chained_gif(gif, width, height, num_frames), FramesConfig()).media
    assert (media.num_frames, media.num_sampled, media.notes) == (num_frames, 16, ())


def test_memory_grows_with_the_canvas_and_not_with_the_frames(gif):
    peaks = []
    for num_frames in (3, 3, 400):
        data = chained_gif(gif, 900, 900, num_frames)
        Path("/proc/self/clear_refs").write_text("5")
        before = resident("VmRSS")
        assert read_frames(data, FramesConfig(num_frames=3)).media.num_frames == num_frames
        peaks.append(resident("VmHWM") - before)
    assert peaks[2] < peaks[1] + 4 * 900 * 900


def test_a_frame_of_an_absurd_size_costs_no_other(gif):
    """The second frame claims to be 60,000 x 60,000; as in browsers the part of it on the canvas is shown."""
    for interlaced in (0, 0x40):
        data = bytearray(gif.colours(4))
        place = [i for i in range(len(data)) if data[i : i + 9] == b"\x2c\0\0\0\0\x02\0\x02\0"][1]
        data[place + 5 : place + 10] = struct.pack("<HHB", 60_000, 60_000, interlaced)
        Path("/proc/self/clear_refs").write_text("5")
        before = resident("VmRSS")
        loaded = read_frames(bytes(data), SMALL)
        assert resident("VmHWM") - before < 100_000_000
        assert loaded.media.num_frames == 4
        assert loaded.media.notes == ("truncated",)
        assert loaded.frames[[0, -2, -1], 0, 9, 9].tolist() == [0, 20, 30]


@pytest.mark.parametrize("name", ["PNG", "JPEG"])
def test_large_still_images_are_refused_by_their_header(name):
    file = io.BytesIO()
    Image.new("L", (9000, 6000)).save(file, name)
    assert refusal(file.getvalue()[:400])[0] is Reason.TOO_MANY_PIXELS


def test_a_webp_that_says_it_is_large_is_refused_by_its_header():
    file = io.BytesIO()
    Image.new("L", (10, 10)).save(file, "WEBP", lossless=False)
    data = file.getvalue().replace(struct.pack("<HH", 10, 10), struct.pack("<HH", 9000, 6000))
    assert refusal(data)[0] is Reason.TOO_MANY_PIXELS


@pytest.mark.parametrize(("name", "bytes_a_pixel"), [("PNG", 9), ("JPEG", 9), ("GIF", 9), ("WEBP", 17)])
def test_a_large_picture_takes_few_bytes_a_pixel(name, bytes_a_pixel):
    file = io.BytesIO()
    mode = "L" if name == "GIF" else "RGB"
    Image.linear_gradient("L").resize((5000, 5000)).convert(mode).save(
        file, name, **({"method": 0} if name == "WEBP" else {})
    )
    Path("/proc/self/clear_refs").write_text("5")  # from here on the peak is counted anew
    before = resident("VmRSS")
    read_frames(file.getvalue(), FramesConfig())
    assert resident("VmHWM") - before < bytes_a_pixel * 5000 * 5000


def resident(name):
    return 1024 * int(Path("/proc/self/status").read_text().partition(f"{name}:")[2].split()[0])


def test_real_gifs_all_load(real_gifs):
    for path in real_gifs[::12]:
        loaded = load_frames(str(path), FramesConfig(size=64))
        assert 1 <= len(loaded.frames) <= 16
        assert "truncated" not in loaded.media.notes

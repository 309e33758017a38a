"""From URIs to frames: the order of checks, the limits, and many files at once."""

import hashlib
import io
import itertools
import resource
import struct
import threading
import time
import tracemalloc
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
import pytest
import torch
from PIL import Image

from autotag_core.config import FramesConfig
from autotag_core.failures import ItemError, Reason, Stage
from autotag_core.frames import LoadedGif, decode_frames, iter_loaded, load, load_frames, read_frames
from autotag_core.tables import MEDIA

SMALL = FramesConfig(size=32, num_frames=4)


def bomb(width=9000, height=9000, num_frames=50):
    """About 1.1 KiB: a large screen and frames of one pixel."""
    frame = b"\x21\xf9\x04\0\x0a\0\0\0" + b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\0"
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6) + frame * num_frames + b"\x3b"


def colours_gif(gif, num_frames, delay=10):
    """A 2 x 2 GIF whose frame i is the grey 10 i."""
    frames = [gif.Frame(((i, i), (i, i)), delay=delay) for i in range(num_frames)]
    return gif.write(frames, (2, 2), tuple((10 * i,) * 3 for i in range(max(2, num_frames))))


def refusal(data, **limits):
    with pytest.raises(ItemError) as caught:
        read_frames(data, SMALL.model_copy(update=limits))
    assert caught.value.stage is Stage.FRAMES
    return caught.value.reason, caught.value.message


def test_a_file_is_loaded_with_its_media_row(gif, tmp_path):
    path = tmp_path / "a.gif"
    path.write_bytes(colours_gif(gif, 6, delay=5))
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
        "frame_hashes": (None, None, None, None),
        "frame_colors": bytes([0] * 12 + [20] * 12 + [30] * 12 + [50] * 12),
        "text": None,
        "text_lines": None,
    }
    assert pa.Table.from_pylist([row], schema=MEDIA.schema)["notes"].to_pylist() == [[]]


def test_each_limit_says_the_value_and_the_limit(gif):
    data = colours_gif(gif, 6, delay=5)  # 300 ms
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
    data = colours_gif(gif, 6, delay=5)
    limits = {"max_frames": 6, "min_frames": 6, "min_duration_ms": 300, "max_duration_ms": 300, "max_pixels": 16}
    assert len(read_frames(data, SMALL.model_copy(update={**limits, "max_bytes": len(data)})).frames) == 4


def test_limits_are_checked_in_their_order(gif):
    data = colours_gif(gif, 6, delay=5)
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
        data = bytearray(colours_gif(gif, 4))
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


def write_gifs(gif, folder, count):
    items = []
    for i in range(count):
        (folder / f"{i}.gif").write_bytes(colours_gif(gif, 1 + i % 5))
        items.append((f"g{i}", str(folder / f"{i}.gif")))
    return items


def test_results_come_in_input_order_with_errors_among_them(gif, tmp_path):
    items = write_gifs(gif, tmp_path, 60)
    items[7] = ("g7", str(tmp_path / "missing.gif"))
    items[8] = ("g8", "https://example.com/a.gif")
    (tmp_path / "9.gif").write_bytes(b"")
    found = list(iter_loaded(iter(items), SMALL))
    assert [gif_id for gif_id, _ in found] == [gif_id for gif_id, _ in items]
    errors = {gif_id: result.reason for gif_id, result in found if isinstance(result, ItemError)}
    assert errors == {"g7": Reason.NOT_FOUND, "g8": Reason.UNSUPPORTED_URI, "g9": Reason.EMPTY_FILE}
    for (gif_id, uri), (_, result) in zip(items, found, strict=True):
        if gif_id not in errors:
            assert torch.equal(result.frames, load_frames(uri, SMALL).frames)


def test_no_items_give_no_results():
    assert list(iter_loaded([], SMALL)) == []


def test_an_unexpected_exception_is_a_row_and_not_the_end(gif, tmp_path):
    items = write_gifs(gif, tmp_path, 3)
    items[1] = ("g1", None)
    found = [result for _, result in iter_loaded(items, SMALL)]
    assert [type(result) for result in found] == [LoadedGif, ItemError, LoadedGif]
    assert found[1].reason is Reason.UNDECODABLE
    assert "unexpected TypeError in fetch.py:" in found[1].message


@pytest.mark.parametrize(("limits", "most"), [({"prefetch_bytes": 1}, 1), ({"prefetch_bytes": 40_000}, 3), ({}, 8)])
def test_only_so_many_items_wait_for_the_consumer(gif, tmp_path, limits, most):
    """One item's frames are at most 4 x 3 x 32 x 32 = 12,288 bytes; without a limit in bytes it is 4 items a thread."""
    items = write_gifs(gif, tmp_path, 30)
    taken = itertools.count()
    num_taken = 0

    def watched():
        nonlocal num_taken
        for item in items:
            num_taken = next(taken) + 1
            yield item

    config = SMALL.model_copy(update={"fetch_threads": 2, **limits})
    for num_given, _ in enumerate(iter_loaded(watched(), config), start=1):
        time.sleep(0.002)
        assert num_taken <= num_given - 1 + most
    assert num_given == 30


class WatchedDecoding:
    """Stands in front of decode_frames: the most canvas pixels, and the most files, that were in it at once."""

    def __init__(self, monkeypatch):
        self.lock, self.pixels, self.most_pixels, self.files, self.most_files = threading.Lock(), 0, 0, 0, 0
        self.inside = lambda header: time.sleep(0.002)
        monkeypatch.setattr(load, "decode_frames", self)

    def __call__(self, data, header, *arguments):
        with self.lock:
            self.files, self.pixels = self.files + 1, self.pixels + header.width * header.height
            self.most_files, self.most_pixels = max(self.most_files, self.files), max(self.most_pixels, self.pixels)
        try:
            self.inside(header)
            return decode_frames(data, header, *arguments)
        finally:
            with self.lock:
                self.files, self.pixels = self.files - 1, self.pixels - header.width * header.height


def write_pictures(folder, sides):
    for number, side in enumerate(sides):
        Image.new("RGB", (side, side)).save(folder / f"{number}.png")
    return [(f"p{number}", str(folder / f"{number}.png")) for number in range(len(sides))]


def test_canvases_in_work_have_so_many_pixels_together_and_a_larger_one_is_alone(tmp_path, monkeypatch):
    watched = WatchedDecoding(monkeypatch)
    sides = [20, 20, 20, 60, 20, 30, 60, 20, 30, 20] * 3  # 400, 900 and 3,600 pixels
    items = write_pictures(tmp_path, sides)
    config = SMALL.model_copy(update={"decode_pixels": 1000})
    found = list(iter_loaded(items, config))
    assert [gif_id for gif_id, result in found if isinstance(result, LoadedGif)] == [gif_id for gif_id, _ in items]
    assert watched.most_pixels == 3600
    watched.most_pixels = 0
    list(iter_loaded([item for item, side in zip(items, sides, strict=True) if side < 60], config))
    assert watched.most_pixels <= 1000


def test_two_iterators_of_one_process_share_the_pixels(tmp_path, monkeypatch):
    watched = WatchedDecoding(monkeypatch)
    config = SMALL.model_copy(update={"decode_pixels": 500})
    items = write_pictures(tmp_path, [20] * 12)
    loaded = [iter_loaded(items, config), iter_loaded(items, config)]
    assert all(isinstance(result, LoadedGif) for pair in zip(*loaded, strict=True) for _, result in pair)
    assert watched.most_files == 1


def test_small_files_are_decoded_at_once(tmp_path, monkeypatch):
    watched = WatchedDecoding(monkeypatch)
    both = threading.Barrier(2)  # each waits in the decoder for the other one
    watched.inside = lambda header: both.wait(timeout=30)
    found = list(iter_loaded(write_pictures(tmp_path, [20, 20]), SMALL.model_copy(update={"decode_pixels": 1000})))
    assert [type(result) for _, result in found] == [LoadedGif, LoadedGif]


def test_threads_that_wait_for_pixels_end_when_the_consumer_stops_early(tmp_path, monkeypatch):
    watched = WatchedDecoding(monkeypatch)
    entered, go_on = threading.Event(), threading.Event()

    def inside(header):
        if header.width == 60:
            entered.set()
            assert go_on.wait(timeout=30)

    watched.inside = inside
    items = write_pictures(tmp_path, [20, 60, 60, 60, 60, 60, 60])
    loaded = iter_loaded(items, SMALL.model_copy(update={"decode_pixels": 1000}))
    assert next(loaded)[0] == "p0"
    assert entered.wait(timeout=30)
    loaded.close()
    go_on.set()
    wait_until_no_threads()
    assert watched.most_files == 1


def test_a_file_that_is_no_longer_wanted_is_not_decoded(tmp_path, monkeypatch):
    watched = WatchedDecoding(monkeypatch)
    stop = threading.Event()
    stop.set()
    [(_, uri)] = write_pictures(tmp_path, [20])
    with pytest.raises(ItemError, match="no longer wanted"):
        read_frames(Path(uri).read_bytes(), SMALL, stop=stop)
    assert watched.most_files == 0


def test_a_decoder_that_fails_gives_its_pixels_back(tmp_path, monkeypatch):
    watched = WatchedDecoding(monkeypatch)

    def inside(header):
        raise KeyError(header.width)

    watched.inside = inside
    found = list(iter_loaded(write_pictures(tmp_path, [20] * 9), SMALL.model_copy(update={"decode_pixels": 400})))
    assert [result.reason for _, result in found] == [Reason.UNDECODABLE] * 9


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


def frames_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("frames")]


def wait_until_no_threads():
    end = time.monotonic() + 30
    while frames_threads() and time.monotonic() < end:
        time.sleep(0.01)
    assert not frames_threads()


def test_the_threads_end_when_the_consumer_stops_early(gif, tmp_path):
    items = write_gifs(gif, tmp_path, 30)
    loaded = iter_loaded(itertools.cycle(items), SMALL)
    assert next(loaded)[0] == "g0"
    assert frames_threads()
    loaded.close()
    wait_until_no_threads()


def test_the_threads_end_when_the_consumer_raises(gif, tmp_path):
    items = write_gifs(gif, tmp_path, 30)
    with pytest.raises(KeyError):
        for gif_id, _ in iter_loaded(itertools.cycle(items), SMALL):
            raise KeyError(gif_id)
    wait_until_no_threads()


def test_an_error_of_the_input_is_raised_and_the_threads_end(gif, tmp_path):
    def broken():
        yield from write_gifs(gif, tmp_path, 3)
        raise KeyError("input")

    with pytest.raises(KeyError, match="input"):
        list(iter_loaded(broken(), SMALL))
    wait_until_no_threads()


def test_running_out_of_memory_is_raised_and_not_kept_as_a_row(tmp_path):
    (tmp_path / "a.gif").write_bytes(bomb(50_000, 50_000, 1))  # a canvas of 10 GB
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + 4 * 2**30, limits[1]))
    try:
        with pytest.raises(MemoryError):
            list(
                iter_loaded(
                    [("a", str(tmp_path / "a.gif"))],
                    SMALL.model_copy(update={"max_pixels": 10**10, "max_canvas_pixels": 10**10}),
                )
            )
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)


def test_real_gifs_all_load(real_gifs):
    for path in real_gifs[::12]:
        loaded = load_frames(str(path), FramesConfig(size=64))
        assert 1 <= len(loaded.frames) <= 16
        assert "truncated" not in loaded.media.notes

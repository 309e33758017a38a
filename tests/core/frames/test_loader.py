"""Many GIFs at once: order, errors, limits on what is in work, renditions."""

import itertools
import resource
import threading
import time
from pathlib import Path

import pytest
import torch
from PIL import Image

from autotag_core.config import FramesConfig
from autotag_core.failures import ItemError, Reason
from autotag_core.frames import LoadedGif, decode_frames, iter_loaded, load, load_frames, read_frames

SMALL = FramesConfig(size=32, num_frames=4)


def write_gifs(gif, folder, count):
    items = []
    for i in range(count):
        (folder / f"{i}.gif").write_bytes(gif.colours(1 + i % 5))
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


def test_running_out_of_memory_is_raised_and_not_kept_as_a_row(gif, tmp_path):
    canvas_of_10_gb = gif.write([gif.Frame(((0,),))], (50_000, 50_000), ((0, 0, 0), (9, 9, 9)))
    (tmp_path / "a.gif").write_bytes(canvas_of_10_gb)
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


def test_the_first_place_of_a_gif_that_can_be_read_is_looked_at(gif, tmp_path):
    own, better = tmp_path / "own.gif", tmp_path / "better.gif"
    own.write_bytes(gif.colours(2))
    better.write_bytes(gif.colours(3))
    missing, better, own = str(tmp_path / "missing.mp4"), str(better), str(own)
    places = {
        "no renditions": (own,),
        "the first": (better, missing, own),
        "the second": (missing, better, own),
        "none of them": (missing, missing, own),
        "its own is not looked at": (better, missing),
    }
    found = {gif_id: loaded.media for gif_id, loaded in iter_loaded(places.items(), SMALL)}
    assert {gif_id: (media.num_frames, media.rendition, media.notes) for gif_id, media in found.items()} == {
        "no renditions": (2, None, ()),
        "the first": (3, better, ()),
        "the second": (3, better, ("rendition_unread",)),
        "none of them": (2, None, ("rendition_unread",)),
        "its own is not looked at": (3, better, ()),
    }


def test_where_no_place_of_a_gif_can_be_read_the_error_is_that_of_its_own(tmp_path):
    (tmp_path / "empty.gif").write_bytes(b"")
    [(_, error)] = iter_loaded([("a", (str(tmp_path / "missing.mp4"), str(tmp_path / "empty.gif")))], SMALL)
    assert error.reason is Reason.EMPTY_FILE

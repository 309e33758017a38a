"""GIFs as small animated pictures for a page, bounded in count, bytes and seconds."""

from __future__ import annotations

import functools
import io
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
from PIL import Image

from autotag_core.config import FramesConfig
from autotag_core.errors import InputError
from autotag_core.failures import ItemError
from autotag_core.reports.page_parts import encoded_picture
from autotag_core.reports.pictures import release_places
from autotag_core.tables import CATALOG, MEDIA
from autotag_core.warehouse import RunRecord, read_table

MAX_GIFS = 56
SIDE = 128  # pixels
_NUM_FRAMES = 8
_MAX_FILE_BYTES = 5 * 1024 * 1024
_MAX_BYTES = 45_000
"""Of a thumbnail. One that is larger is shown as its first frame: MAX_GIFS of them keep a page below its 5 MB."""
_SECONDS = 20.0
"""For all of them together. What is not read by then is left out: the end of a night waits for it."""
_TOO_LONG = "not shown: the pictures of this page took too long"
_THREADS = 4


@dataclass(frozen=True)
class Thumbnail:
    """A GIF of the catalog as a page shows it. `moving` and `still` are addresses; None where `error` says why."""

    gif_id: str
    uri: str
    caption: str | None
    moving: str | None = None
    still: str | None = None
    error: str = ""


class _SeenFile(NamedTuple):
    """What the night has looked at: the version of the bytes; the GIF's rendition, None for its own file."""

    version: str
    rendition: str | None


def read_thumbnails(
    warehouse: str, release: RunRecord, gif_ids: Sequence[str], most: int = MAX_GIFS, seconds: float = _SECONDS
) -> dict[str, Thumbnail]:
    """The first `most` of these GIFs by gif_id. What is not read in so many seconds has the reason instead.

    A file is read only where the release's night could read it (frames.allowed_places), and decoded only where its
    bytes are those that the night has decoded: what kills a decoder is a failure of that night, and not the end of
    this process.
    """
    wanted = list(dict.fromkeys(gif_ids))[:most]
    if not wanted or MEDIA.name not in release.table_versions:
        return {}
    is_wanted = pc.field("gif_id").isin(pa.array(wanted, pa.string()))
    rows = read_table(warehouse, CATALOG.name, release, ["gif_id", "uri", "caption"], is_wanted).to_pylist()
    seen = _seen_files(warehouse, release, is_wanted)
    places, stop = release_places(release), threading.Event()
    clock = threading.Timer(seconds, stop.set)
    clock.daemon = True
    clock.start()
    try:
        with ThreadPoolExecutor(_THREADS, thread_name_prefix="thumbnails") as pool:
            read = functools.partial(_read, seen=seen, places=places, stop=stop)
            return {found.gif_id: found for found in pool.map(read, rows)}
    finally:
        clock.cancel()


def _seen_files(warehouse: str, release: RunRecord, is_wanted: pc.Expression) -> dict[str, _SeenFile]:
    """By gif_id, what the night has looked at."""
    rows = read_table(warehouse, MEDIA.name, release, ["gif_id", "version", "rendition"], is_wanted).to_pylist()
    return {row["gif_id"]: _SeenFile(row["version"], row["rendition"]) for row in rows}


def _read(row: dict[str, str], seen: dict[str, _SeenFile], places: Sequence[str], stop: threading.Event) -> Thumbnail:
    thumbnail = functools.partial(Thumbnail, row["gif_id"], row["uri"], row["caption"])
    try:
        moving, still = _pictures(row["uri"], seen.get(row["gif_id"]), places, stop)
    except (ItemError, InputError) as error:
        return thumbnail(error=_TOO_LONG if stop.is_set() else str(error))
    return thumbnail(moving, still)


def read_stills(warehouse: str, release: RunRecord, gif_id: str) -> list[str]:
    """Addresses of some frames of a GIF in order, as still pictures; none where it can't be read."""
    try:
        frames, _ = _frames(*_read_file(warehouse, release, gif_id))
    except (ItemError, InputError):
        return []
    return [still_picture(frame) for frame in frames]


def read_parts(
    warehouse: str, release: RunRecord, gif_id: str, parts: Sequence[tuple[int, tuple[float, ...]]]
) -> list[str]:
    """Addresses of parts of a GIF as still pictures: each a frame's number and a box, left, top, right, bottom.

    A part is empty text where its frame or the GIF can't be read, or where the box is not in the frame.
    """
    try:
        canvases = _canvases(*_read_file(warehouse, release, gif_id), sorted({frame for frame, _ in parts}))
    except (ItemError, InputError):
        canvases = {}
    found = []
    for frame, box in parts:
        canvas = canvases.get(frame)
        picture = canvas and canvas.crop(_within(box, canvas.size))
        found.append(still_picture(picture) if picture and min(picture.size) > 0 else "")
    return found


def _within(box: tuple[float, ...], size: tuple[int, int]) -> tuple[int, int, int, int]:
    left, top, right, bottom = (round(side) for side in box)
    return max(0, left), max(0, top), max(left, 0, min(right, size[0])), max(top, 0, min(bottom, size[1]))


def still_picture(image: Image.Image) -> str:
    """The address of the picture, at most SIDE by SIDE."""
    image.thumbnail((SIDE, SIDE), Image.Resampling.BILINEAR)
    return encoded_picture(_webp([image], [100]), "WEBP")


def _read_file(warehouse: str, release: RunRecord, gif_id: str) -> tuple[bytes, FramesConfig]:
    """The file of a GIF as the night has read it. ItemError or InputError where it is not to be had."""
    is_wanted = pc.field("gif_id") == gif_id
    if MEDIA.name not in release.table_versions:
        raise InputError("the run has read no frames")
    seen = _seen_files(warehouse, release, is_wanted).get(gif_id)
    uris = read_table(warehouse, CATALOG.name, release, ["uri"], is_wanted)["uri"].to_pylist()
    if not uris:
        raise InputError("it is not in the catalog")
    return _checked(uris[0], seen, release_places(release), threading.Event())


def _pictures(uri: str, seen: _SeenFile | None, places: Sequence[str], stop: threading.Event) -> tuple[str, str]:
    """A file as an animated and a still WebP."""
    frames, durations = _frames(*_checked(uri, seen, places, stop))
    still = _webp(frames[:1], durations[:1])
    moving = _webp(frames, durations)
    return encoded_picture(moving if len(moving) <= _MAX_BYTES else still, "WEBP"), encoded_picture(still, "WEBP")


def _checked(
    uri: str, seen: _SeenFile | None, places: Sequence[str], stop: threading.Event
) -> tuple[bytes, FramesConfig]:
    """A file that the night has decoded, and the limits of a page. ItemError or InputError says why there is none."""
    from autotag_core.frames import fetch_bytes
    from autotag_core.frames.load import version_of

    if seen is None:
        raise InputError("the night could not read its frames")
    if not places:
        raise InputError("the run does not say which places it could read")
    config = FramesConfig(max_bytes=_MAX_FILE_BYTES, max_pixels=100_000_000, allowed_places=tuple(places))
    config = config.model_copy(update={"fetch_attempts": 2, "fetch_deadline_s": _SECONDS})
    data = fetch_bytes(seen.rendition or uri, config, stop)
    if version_of(data) != seen.version:
        raise InputError("the file is not what the night has read")
    if stop.is_set():
        raise InputError(_TOO_LONG)
    return data, config


def _frames(data: bytes, config: FramesConfig) -> tuple[list[Image.Image], list[int]]:
    """Some frames in order, at most SIDE by SIDE, and for how long each is shown, milliseconds."""
    from autotag_core.frames import read_header, sample_indices

    delays = read_header(data).delays_ms
    found = _canvases(data, config, sample_indices(delays, _NUM_FRAMES, "time"))
    if not found:
        raise InputError("none of its frames can be read")
    for image in found.values():
        image.thumbnail((SIDE, SIDE), Image.Resampling.BILINEAR)
    shown, starts = list(found), [0, *accumulate(delays)]
    ends = [starts[index] for index in shown[1:]] + [starts[-1]]
    begins = [0, *(starts[index] for index in shown[1:])]
    return list(found.values()), [max(20, end - begin) for begin, end in zip(begins, ends, strict=True)]


def _canvases(data: bytes, config: FramesConfig, indices: Sequence[int]) -> dict[int, Image.Image]:
    """By frame, in order, the frames of these numbers that the file has."""
    from autotag_core.frames import check_header, check_pixels, composite_frames, read_header
    from autotag_core.frames.limits import CpuBudget

    header = read_header(data)
    check_header(header, config)
    indices = [index for index in indices if 0 <= index < len(header.delays_ms)]
    check_pixels(header, indices, config)
    budget = CpuBudget(config.model_copy(update={"decode_cpu_s": 2.0}))
    return {
        canvas.frame_index: Image.fromarray(canvas.pixels[:, :, :3].copy())
        for canvas in composite_frames(data, header, indices, config.background, budget.check)
    }


def _webp(frames: Sequence[Image.Image], durations: Sequence[int]) -> bytes:
    file = io.BytesIO()
    more = {"save_all": True, "append_images": frames[1:], "duration": list(durations), "loop": 0}
    frames[0].save(file, "WEBP", quality=55, method=1, **(more if len(frames) > 1 else {}))
    return file.getvalue()

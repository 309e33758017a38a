"""Loads a file: fetched, checked, decoded and sampled."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from autotag_core.config import FramesConfig
from autotag_core.failures import ItemError, Reason, Stage
from autotag_core.frames.budget import pixel_budget
from autotag_core.frames.decode import DecodedFrames, Keep, KeptFrame, decode_frames
from autotag_core.frames.fetch import fetch_bytes
from autotag_core.frames.hashes import hash_frames
from autotag_core.frames.header import Header, read_header
from autotag_core.frames.limits import check_header, check_num_bytes, check_pixels
from autotag_core.frames.readers import NO_READERS, CanvasKeeper, FaceReader, Readers, TextReader
from autotag_core.frames.sampling import sample_indices
from autotag_core.frames.stills.pixels import Pixels
from autotag_core.ocr.lines import TextLine

if TYPE_CHECKING:
    import torch

    from autotag_core.faces.persons import SeenFace

Poison = Mapping[str, tuple[str, str]]
"""(reason, message) of files that killed or held up whoever decoded them, by the version of their bytes."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class MediaInfo:
    """The columns of tables.MEDIA apart from gif_id."""

    version: str
    width: int
    height: int
    num_frames: int
    num_sampled: int
    duration_ms: int
    num_bytes: int
    format: str
    notes: tuple[str, ...]
    frame_hashes: tuple[int | None, ...]
    frame_colors: bytes
    text: str | None = None
    text_lines: tuple[TextLine, ...] | None = None
    rendition: str | None = None


@dataclass(frozen=True)
class Spent:
    """Seconds that a thread spent on a GIF: clock time for its bytes; CPU time for its frames, its text, its faces."""

    fetch: float = 0.0
    decode: float = 0.0
    text: float = 0.0
    faces: float = 0.0


@dataclass(frozen=True)
class LoadedGif:
    """A GIF's sampled frames, n >= 1, what its file is, and what loading it took."""

    frames: torch.Tensor
    """(n, 3, size, size) uint8 RGB."""
    media: MediaInfo
    spent: Spent = Spent()
    faces: tuple[SeenFace, ...] | None = None
    """None where nobody looked for them, or where that failed."""


def load_frames(
    source: str | bytes,
    config: FramesConfig,
    stop: threading.Event | None = None,
    readers: Readers = NO_READERS,
    poison: Poison = MappingProxyType({}),
) -> LoadedGif:
    """Fetch, check, sample and decode one file; ItemError with the first reason that applies.

    `source` is its URI, or its bytes. Bytes that `poison` names are not decoded: they have that reason.
    """
    start = time.perf_counter()
    data = source if isinstance(source, bytes) else fetch_bytes(source, config, stop)
    known = poison.get(version_of(data)) if poison else None
    if known is not None:
        raise ItemError(Stage.FRAMES, Reason(known[0]), known[1])
    fetch = time.perf_counter() - start
    loaded = read_frames(data, config, readers, stop)
    return replace(loaded, spent=replace(loaded.spent, fetch=fetch))


def read_frames(
    data: bytes,
    config: FramesConfig,
    readers: Readers = NO_READERS,
    stop: threading.Event | None = None,
) -> LoadedGif:
    """Check, sample and decode a file's bytes; ItemError with the first reason that applies.

    It waits until the canvases that this process decodes have at most decode_pixels together, or this one is alone.
    `stop` ends the waiting.

    What `readers` read comes with it. Where that fails, the GIF has the note text_unread or faces_unread. Where words
    are unlikely, it has the note text_skipped.
    """
    start = time.thread_time()
    asked = [one for one in (readers.text, readers.faces) if one is not None]
    header, decoded = decode_checked(data, config, lambda indices: [_keep(indices, one) for one in asked], stop)
    hashed = hash_frames(decoded.frames)
    media = MediaInfo(
        version=version_of(data),
        width=header.width,
        height=header.height,
        num_frames=header.num_frames,
        num_sampled=len(decoded.indices),
        duration_ms=header.duration_ms,
        num_bytes=header.num_bytes,
        format=header.format.lower(),
        notes=decoded.notes,
        frame_hashes=hashed.hashes,
        frame_colors=hashed.colors,
    )
    kept, faces = list(decoded.kept), None
    spent = Spent(decode=time.thread_time() - start)
    if readers.text is not None:
        begun = time.thread_time()
        media = _with_text(media, [one.pixels for one in kept.pop(0)], readers.text)
        spent = replace(spent, text=time.thread_time() - begun)
    if readers.faces is not None:
        begun = time.thread_time()
        media, faces = _with_faces(media, kept.pop(0), readers.faces)
        spent = replace(spent, faces=time.thread_time() - begun)
    return LoadedGif(decoded.frames, media, spent, faces)


def decode_checked(
    data: bytes,
    config: FramesConfig,
    keeps: Callable[[Sequence[int]], Sequence[Keep]],
    stop: threading.Event | None = None,
) -> tuple[Header, DecodedFrames]:
    """Check a file and decode its sampled frames. `keeps` says what is kept of their canvases. Errors: read_frames."""
    check_num_bytes(len(data), config)
    header = read_header(data)
    check_header(header, config)
    indices = sample_indices(header.delays_ms, config.num_frames, config.sampling)
    check_pixels(header, indices, config)
    with pixel_budget(config.decode_pixels).taken(header.held_pixels, stop) as is_wanted:
        if not is_wanted:
            raise ItemError(Stage.FRAMES, Reason.FETCH_FAILED, "stopped, its result is no longer wanted")
        return header, decode_frames(data, header, indices, config, keeps(indices))


def version_of(data: bytes) -> str:
    """What tells a file's bytes from all others: sha256, first 32 hex digits."""
    return hashlib.sha256(data).hexdigest()[:32]


def _keep(indices: Sequence[int], reader: CanvasKeeper) -> Keep:
    """Every so many-th of the sampled frames, which are spread over the playing time."""
    positions = sample_indices([0] * len(indices), reader.max_frames, "index")
    return Keep({indices[position] for position in positions}, reader.keep)


def _with_text(media: MediaInfo, kept: Sequence[Pixels], reader: TextReader) -> MediaInfo:
    try:
        read = reader.read(kept)
    except MemoryError:
        raise
    except Exception as error:  # OCR is other people's code on hostile pixels; without text the GIF still has frames
        _log.warning("text of %s not read: %s: %s", media.version, type(error).__name__, str(error)[-200:])
        return replace(media, notes=(*media.notes, "text_unread"))
    if read.is_skipped:
        return replace(media, notes=(*media.notes, "text_skipped"))
    return replace(media, text=read.text, text_lines=read.lines)


def _with_faces(
    media: MediaInfo, kept: Sequence[KeptFrame], reader: FaceReader
) -> tuple[MediaInfo, tuple[SeenFace, ...] | None]:
    try:
        return media, reader.read(kept)
    except MemoryError:
        raise
    except Exception as error:  # as with text
        _log.warning("faces of %s not found: %s: %s", media.version, type(error).__name__, str(error)[-200:])
        return replace(media, notes=(*media.notes, "faces_unread")), None

"""Loads many GIFs at once, in order, with bounded memory."""

from __future__ import annotations

import logging
import threading
import traceback
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path
from types import MappingProxyType

from autotag_core.config import FramesConfig
from autotag_core.failures import ItemError, Reason, Stage
from autotag_core.frames.load import LoadedGif, Poison, load_frames
from autotag_core.frames.readers import NO_READERS, Readers

Places = tuple[str, ...]
"""URIs of files that show one GIF, best first: its renditions, then its own."""
Source = str | bytes | Places
"""A file's URI or bytes, or the places of a GIF."""
_ITEMS_PER_THREAD = 4
_log = logging.getLogger(__name__)


def iter_loaded(
    items: Iterable[tuple[str, Source]],
    config: FramesConfig,
    readers: Readers = NO_READERS,
    poison: Poison = MappingProxyType({}),
) -> Iterator[tuple[str, LoadedGif | ItemError]]:
    """(gif_id, its frames or why there are none) for each (gif_id, source), in input order.

    Of places the first one is taken that can be read. If none can be, the error is that of the GIF's own.
    fetch_threads load at once. Items are taken from the input only as results are taken from here. Items in work or
    waiting never hold more than prefetch_bytes of frames (but always one item), and there are at most 4 per thread.
    Their canvases never have more than decode_pixels at once, or one is decoded alone. Closing the iterator drops what
    waits and ends each thread after its current file. MemoryError is raised, not kept as a row.
    """
    gif_bytes = config.num_frames * 3 * config.size**2
    num_waiting = max(1, min(config.prefetch_bytes // gif_bytes, _ITEMS_PER_THREAD * config.fetch_threads))
    stop = threading.Event()
    pool = ThreadPoolExecutor(min(config.fetch_threads, num_waiting), thread_name_prefix="frames")
    waiting: deque[tuple[str, Future[LoadedGif | ItemError]]] = deque()
    remaining = iter(items)
    try:
        while True:
            for gif_id, source in islice(remaining, num_waiting - len(waiting)):
                waiting.append((gif_id, pool.submit(_load_or_error, source, config, stop, readers, poison)))
            if not waiting:
                return
            gif_id, future = waiting.popleft()
            result = future.result()
            del future  # otherwise it would keep the frames until the next item is done
            yield gif_id, result
            del result
    finally:
        stop.set()
        pool.shutdown(wait=False, cancel_futures=True)


def _load_or_error(
    source: Source, config: FramesConfig, stop: threading.Event, readers: Readers, poison: Poison
) -> LoadedGif | ItemError:
    if not isinstance(source, tuple):
        return _load_one(source, config, stop, readers, poison)
    for num_unread, place in enumerate(source):
        rendition = place if num_unread < len(source) - 1 else None
        found = _load_one(place, config, stop, readers, poison)
        if isinstance(found, LoadedGif):
            notes = (*found.media.notes, "rendition_unread") if num_unread else found.media.notes
            return replace(found, media=replace(found.media, rendition=rendition, notes=notes))
        if rendition is not None:
            _log.info("rendition %s not read: %s", place, found)
    return found


def _load_one(
    source: str | bytes, config: FramesConfig, stop: threading.Event, readers: Readers, poison: Poison
) -> LoadedGif | ItemError:
    try:
        return load_frames(source, config, stop, readers, poison)
    except ItemError as error:
        return ItemError(error.stage, error.reason, error.message)  # without its traceback, which holds the bytes
    except MemoryError:
        raise
    except Exception as error:  # one file must never end the job
        place = traceback.extract_tb(error.__traceback__)[-1]
        message = f"unexpected {type(error).__name__} in {Path(place.filename).name}:{place.lineno}"
        return ItemError(Stage.FRAMES, Reason.UNDECODABLE, message)

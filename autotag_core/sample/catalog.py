"""The sample catalog as files: GIFs drawn in several processes, everything else written as it comes."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autotag_core import storage
from autotag_core.errors import InputError
from autotag_core.sample.broken import broken_item
from autotag_core.sample.duplicates import Duplicate, draw_duplicates, duplicate_bytes, duplicate_recipe
from autotag_core.sample.encoding import gif_bytes
from autotag_core.sample.factors import USAGES, Recipe, gif_id, recipe_of
from autotag_core.sample.sessions import draw_sessions
from autotag_core.sample.uploaders import DEFAULT_RATES, UploaderRates, upload_of

GIFS_PER_CHUNK = 50
UPLOADS_AT_ONCE = 16
"""Per process; what an S3 client's connection pool holds."""
_CHUNKS_AHEAD = 4
_USAGE_NUMBER = {usage: number for number, usage in enumerate(USAGES)}

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class SampleSummary:
    """What was written; `num_bytes` of all GIF files, the broken ones apart. Copies are not in num_gifs."""

    num_gifs: int
    num_duplicates: int
    num_broken: int
    num_sessions: int
    num_bytes: int


@dataclass(frozen=True)
class _Chunk:
    out: str
    seed: int
    first: int
    end: int
    rates: UploaderRates
    duplicates: tuple[Duplicate, ...] = ()
    """Of a chunk of copies: all of it, first and end apart."""


@dataclass(frozen=True)
class _Written:
    """What a chunk leaves behind: JSON lines and, by GIF that is no copy, what sessions are drawn from."""

    catalog: list[str]
    truth: list[str]
    usages: list[int]
    popularity: list[int]
    num_bytes: int


def write_sample(
    out: str,
    num_gifs: int,
    seed: int,
    num_broken: int = 0,
    workers: int | None = None,
    rates: UploaderRates = DEFAULT_RATES,
    on_progress: Progress | None = None,
) -> SampleSummary:
    """Write gifs/, truth.jsonl, sessions.jsonl, broken.jsonl and duplicates.jsonl (if any) and, last, catalog.jsonl.

    `out` is local or S3. The files are the same byte for byte for the same arguments, whatever the number of workers
    (None: one per core); GIF i depends on (seed, i) alone, so a larger sample begins with the smaller one. The copies
    of rates.copied come after all GIFs, in catalog and truth; duplicates.jsonl says of what, sessions name none. What
    is there under these names is replaced. In memory: nine bytes a GIF and a hundred a copy. `on_progress` is called
    with GIFs and copies written and all of them. InputError where the place cannot be written to.
    """
    if num_gifs < 1 or num_broken < 0:
        raise InputError(f"a sample of {num_gifs} GIFs and {num_broken} broken ones: at least 1 and 0 are needed")
    if not 0 <= rates.copied <= 1:
        raise InputError(f"a share of {rates.copied} copies: it must be 0 to 1")
    usages = np.empty(num_gifs, np.int8)
    popularity = np.empty(num_gifs, np.int64)
    duplicates = draw_duplicates(seed, num_gifs, rates.copied)
    chunks = [
        _Chunk(out, seed, first, min(first + GIFS_PER_CHUNK, num_gifs), rates)
        for first in range(0, num_gifs, GIFS_PER_CHUNK)
    ] + [
        _Chunk(out, seed, 0, 0, rates, tuple(duplicates[first : first + GIFS_PER_CHUNK]))
        for first in range(0, len(duplicates), GIFS_PER_CHUNK)
    ]
    num_bytes = done = 0
    with tempfile.TemporaryDirectory(prefix="sample-") as folder:
        catalog, truth = Path(folder, "catalog.jsonl"), Path(folder, "truth.jsonl")
        with catalog.open("w", encoding="utf-8") as catalog_file, truth.open("w", encoding="utf-8") as truth_file:
            for written in _write_chunks(chunks, workers or len(os.sched_getaffinity(0))):
                catalog_file.writelines(line + "\n" for line in written.catalog)
                truth_file.writelines(line + "\n" for line in written.truth)
                usages[done : done + len(written.usages)] = written.usages
                popularity[done : done + len(written.usages)] = written.popularity
                num_bytes += written.num_bytes
                done += len(written.truth)
                if on_progress:
                    on_progress(done, num_gifs + len(duplicates))
            _write_broken(out, seed, num_broken, catalog_file.write)
        _write_duplicates(out, duplicates)
        storage.upload_file(truth, storage.join(out, "truth.jsonl"))
        num_sessions = _write_sessions(out, seed, usages, popularity, Path(folder, "sessions.jsonl"))
        storage.upload_file(catalog, storage.join(out, "catalog.jsonl"))
    return SampleSummary(num_gifs, len(duplicates), num_broken, num_sessions, num_bytes)


def catalog_row(recipe: Recipe, rates: UploaderRates = DEFAULT_RATES) -> dict[str, Any]:
    """A GIF's row of catalog.jsonl; nothing is drawn."""
    upload = upload_of(recipe, rates)
    return {
        "gif_id": recipe.gif_id,
        "uri": recipe.uri,
        "tags": upload.tags,
        "editorial_tags": upload.editorial_tags,
        "caption": upload.caption,
        "popularity": upload.popularity,
    }


def truth_row(recipe: Recipe) -> dict[str, Any]:
    """A GIF's row of truth.jsonl."""
    return {"gif_id": recipe.gif_id, "tags": recipe.tags(), "factors": recipe.factor_tags()}


def _write_chunks(chunks: list[_Chunk], workers: int) -> Iterator[_Written]:
    """The chunks' results in their order; with more than one worker at most a few chunks wait at a time."""
    if workers <= 1 or len(chunks) == 1:
        yield from map(_write_chunk, chunks)
        return
    # spawned, since a fork would copy the locks of whatever threads the caller has
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(workers, len(chunks)), mp_context=context, initializer=_leave_interrupts_to_parent)
    running: deque[Future[_Written]] = deque()
    try:
        for chunk in chunks:
            running.append(pool.submit(_write_chunk, chunk))
            if len(running) >= workers * _CHUNKS_AHEAD:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _leave_interrupts_to_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _write_chunk(chunk: _Chunk) -> _Written:
    recipes = [recipe_of(chunk.seed, index) for index in range(chunk.first, chunk.end)]
    recipes += [duplicate_recipe(chunk.seed, duplicate) for duplicate in chunk.duplicates]
    rows = [catalog_row(recipe, chunk.rates) for recipe in recipes]
    if chunk.duplicates:
        files = (duplicate_bytes(chunk.seed, duplicate) for duplicate in chunk.duplicates)
    else:
        files = (gif_bytes(recipe) for recipe in recipes)
    num_bytes = _write_files(chunk.out, zip((recipe.uri for recipe in recipes), files, strict=True))
    return _Written(
        catalog=[json.dumps(row) for row in rows],
        truth=[json.dumps(truth_row(recipe)) for recipe in recipes],
        usages=[] if chunk.duplicates else [_USAGE_NUMBER[recipe.usage] for recipe in recipes],
        popularity=[] if chunk.duplicates else [row["popularity"] for row in rows],
        num_bytes=num_bytes,
    )


def _write_files(out: str, files: Iterable[tuple[str, bytes]]) -> int:
    """Write relative URIs and their bytes, on S3 many at once while the next are drawn; bytes written."""
    num_bytes = 0
    with ThreadPoolExecutor(UPLOADS_AT_ONCE if storage.is_s3(out) else 1) as threads:
        uploads = []
        for uri, data in files:
            uploads.append(threads.submit(storage.write_bytes, storage.join(out, uri), data))
            num_bytes += len(data)
        for upload in uploads:
            upload.result()
    return num_bytes


def _write_broken(out: str, seed: int, num_broken: int, write_catalog: Callable[[str], object]) -> None:
    """The broken files and their catalog rows, after all sound ones, and what must become of them in broken.jsonl."""
    truths = []
    for number in range(1, num_broken + 1):
        item = broken_item(seed, number)
        write_catalog("".join(line + "\n" for line in item.lines))
        if item.data is not None:
            storage.write_bytes(storage.join(out, item.uri), item.data)
        truths.append(json.dumps(item.truth) + "\n")
    if truths:
        storage.write_bytes(storage.join(out, "broken.jsonl"), "".join(truths).encode())


def _write_duplicates(out: str, duplicates: list[Duplicate]) -> None:
    lines = [
        json.dumps({"gif_id": gif_id(duplicate.index), "original": gif_id(duplicate.original)}) + "\n"
        for duplicate in duplicates
    ]
    if lines:
        storage.write_bytes(storage.join(out, "duplicates.jsonl"), "".join(lines).encode())


def _write_sessions(
    out: str, seed: int, usages: np.ndarray[Any, Any], popularity: np.ndarray[Any, Any], path: Path
) -> int:
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for session in draw_sessions(seed, usages, popularity):
            gif_ids = [gif_id(index) for index in session.indices]
            file.write(json.dumps({"session_id": session.session_id, "gif_ids": gif_ids}) + "\n")
            count += 1
    storage.upload_file(path, storage.join(out, "sessions.jsonl"))
    return count

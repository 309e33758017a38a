"""Draws the GIFs of a sample chunk by chunk in several processes."""

from __future__ import annotations

import json
import multiprocessing
import signal
from collections import Counter, deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from autotag_core import storage
from autotag_core.drawing.encoding import gif_bytes
from autotag_core.drawing.factors import USAGES, Recipe, recipe_of
from autotag_core.sample.duplicates import Duplicate, duplicate_bytes, duplicate_recipe
from autotag_core.sample.tagging.messy import Meaning
from autotag_core.sample.tagging.uploaders import Upload, UploaderRates, upload_of
from autotag_core.sample.truths import Vocabulary

GIFS_PER_CHUNK = 50
UPLOADS_AT_ONCE = 16
"""Per process: as many as an S3 client's connection pool holds."""
_CHUNKS_AHEAD = 4
_USAGE_NUMBER = {usage: number for number, usage in enumerate(USAGES)}


@dataclass(frozen=True)
class Chunk:
    """GIFs `first` to `end` (exclusive) or, where there are any, copies. `draws`: with their files."""

    out: str
    seed: int
    first: int
    end: int
    rates: UploaderRates
    duplicates: tuple[Duplicate, ...] = ()
    draws: bool = True


@dataclass(frozen=True)
class Written:
    """What a chunk gives: JSON lines, what messy tags mean and how often, and what sessions are drawn from."""

    catalog: list[str]
    truth: list[str]
    reviewed: list[str]
    meanings: Counter[tuple[str, Meaning]]
    usages: list[int]
    """By GIF, without copies, like popularity."""
    popularity: list[int]
    num_bytes: int


def make_chunks(out: str, seed: int, num_gifs: int, duplicates: list[Duplicate], rates: UploaderRates) -> list[Chunk]:
    """Chunks of all GIFs, then of all copies, GIFS_PER_CHUNK at a time."""
    size = GIFS_PER_CHUNK
    firsts = range(0, num_gifs, size)
    chunks = [Chunk(out, seed, first, min(first + size, num_gifs), rates) for first in firsts]
    starts = range(0, len(duplicates), size)
    return chunks + [Chunk(out, seed, 0, 0, rates, tuple(duplicates[start : start + size])) for start in starts]


def write_chunks(chunks: list[Chunk], workers: int) -> Generator[Written, None, None]:
    """The chunks' results in their order. With more than one worker at most a few chunks wait at a time."""
    if workers <= 1 or len(chunks) == 1:
        yield from map(write_chunk, chunks)
        return
    # spawned: a fork would copy the locks of the caller's threads
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(workers, len(chunks)), mp_context=context, initializer=_leave_interrupts_to_parent)
    running: deque[Future[Written]] = deque()
    try:
        for chunk in chunks:
            running.append(pool.submit(write_chunk, chunk))
            if len(running) >= workers * _CHUNKS_AHEAD:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _leave_interrupts_to_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def write_chunk(chunk: Chunk) -> Written:
    """Write the chunk's files; gives its rows."""
    recipes = [recipe_of(chunk.seed, index) for index in range(chunk.first, chunk.end)]
    recipes += [duplicate_recipe(chunk.seed, duplicate) for duplicate in chunk.duplicates]
    uploads = [upload_of(recipe, chunk.rates) for recipe in recipes]
    files: Iterable[bytes]
    if not chunk.draws:
        files = []
    elif chunk.duplicates:
        files = (duplicate_bytes(chunk.seed, duplicate) for duplicate in chunk.duplicates)
    else:
        files = (gif_bytes(recipe) for recipe in recipes)
    num_bytes = _write_files(chunk.out, zip((recipe.uri for recipe in recipes), files, strict=chunk.draws))
    return Written(
        catalog=[json.dumps(catalog_row(*pair)) for pair in zip(recipes, uploads, strict=True)],
        truth=[json.dumps(truth_row(recipe, chunk.rates.vocabulary)) for recipe in recipes],
        reviewed=[recipe.gif_id for recipe, upload in zip(recipes, uploads, strict=True) if upload.reviewed],
        meanings=Counter(pair for upload in uploads for pair in upload.meanings.items()),
        usages=[] if chunk.duplicates else [_USAGE_NUMBER[recipe.usage] for recipe in recipes],
        popularity=[] if chunk.duplicates else [upload.popularity for upload in uploads],
        num_bytes=num_bytes,
    )


def _write_files(out: str, files: Iterable[tuple[str, bytes]]) -> int:
    """Write bytes to relative URIs; gives the bytes written. On S3 many are sent at once while the next are drawn."""
    num_bytes = 0
    with ThreadPoolExecutor(UPLOADS_AT_ONCE if storage.is_s3(out) else 1) as threads:
        uploads = []
        for uri, data in files:
            uploads.append(threads.submit(storage.write_bytes, storage.join(out, uri), data))
            num_bytes += len(data)
        for upload in uploads:
            upload.result()
    return num_bytes


def catalog_row(recipe: Recipe, upload: Upload) -> dict[str, Any]:
    """A GIF's row of catalog.jsonl."""
    return {
        "gif_id": recipe.gif_id,
        "uri": recipe.uri,
        "tags": upload.tags,
        "editorial_tags": upload.editorial_tags,
        "caption": upload.caption,
        "popularity": upload.popularity,
    }


def truth_row(recipe: Recipe, vocabulary: Vocabulary) -> dict[str, Any]:
    """A GIF's row of truth.jsonl."""
    return {
        "gif_id": recipe.gif_id,
        "tags": vocabulary.tags(recipe),
        "factors": vocabulary.factor_tags(recipe),
    }

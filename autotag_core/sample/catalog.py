"""Writes the sample catalog as files. GIFs are drawn in several processes; all else is written as it comes."""

from __future__ import annotations

import json
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from autotag_core import storage
from autotag_core.drawing.factors import gif_id
from autotag_core.errors import InputError
from autotag_core.sample.broken import broken_item
from autotag_core.sample.chunks import Written, make_chunks, write_chunk, write_chunks
from autotag_core.sample.duplicates import Duplicate, draw_duplicates
from autotag_core.sample.sessions import draw_searches, draw_sessions
from autotag_core.sample.tagging.entities import entity_rows
from autotag_core.sample.tagging.messy import Meaning, tag_truth
from autotag_core.sample.tagging.uploaders import DEFAULT_RATES, UploaderRates
from autotag_core.sample.truths import MAX_TAGS_PER_GIF, MIN_TAGS, Vocabulary, max_tags

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class SampleSummary:
    """What was written. `num_bytes` is of all GIF files but the broken ones. Copies are not in num_gifs."""

    num_gifs: int
    num_duplicates: int
    num_broken: int
    num_sessions: int
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
    """Write gifs/, truth.jsonl, sessions.jsonl, test.txt, broken.jsonl and duplicates.jsonl and, last, catalog.jsonl.

    test.txt is the reviewers' list for catalog.test_list, one gif_id a line: about rates.reviewed of the GIFs that no
    editor has tagged. Without broken items or copies there is no broken.jsonl or duplicates.jsonl. With rates.messy
    there are three more files. tag_truth.jsonl has {tag, language, kind, meant, label} of each tag that a GIF of
    catalog.jsonl (broken ones aside) has. entities.jsonl lists people and titles. searches.jsonl has {session_id,
    queries}.

    `out` is local or S3. The same arguments give the same files byte for byte, whatever the number of workers (None:
    one per core). GIF i depends on (seed, i) alone, so a larger sample begins with the smaller one. The copies of
    rates.copied come after all GIFs, in catalog and truth; duplicates.jsonl names their originals, sessions name none.
    Existing files of these names are replaced or removed. If an earlier sample had more GIFs, their files stay, and no
    row names them. In memory: nine bytes a GIF, a hundred a copy and 300 a distinct messy tag (100,000 GIFs have
    19,000). `on_progress` is called with GIFs and copies written and all of them. InputError where the place cannot be
    written to.
    """
    _check(num_gifs, num_broken, rates)
    duplicates = draw_duplicates(seed, num_gifs, rates.copied)
    chunks = make_chunks(out, seed, num_gifs, duplicates, rates)
    drawn = write_chunks(chunks, workers or len(os.sched_getaffinity(0)))
    with tempfile.TemporaryDirectory(prefix=storage.SCRATCH) as folder:
        rows = _RowFiles(Path(folder), num_gifs)
        with rows, closing(drawn):  # so that an interrupt ends the drawing at once
            for written in drawn:
                rows.add(written)
                if on_progress:
                    on_progress(rows.num_rows, num_gifs + len(duplicates))
            _write_broken(out, seed, num_broken, rows.catalog.write)
        num_sessions = _write_rows(out, seed, rows, duplicates)
    return SampleSummary(num_gifs, len(duplicates), num_broken, num_sessions, rows.num_bytes)


def write_rows(out: str, num_gifs: int, seed: int, rates: UploaderRates = DEFAULT_RATES) -> SampleSummary:
    """The files of write_sample without gifs/, the same byte for byte. They are enough where no frame is looked at.

    100,000 GIFs take half a minute of one core; drawing them takes an hour.
    """
    _check(num_gifs, 0, rates)
    duplicates = draw_duplicates(seed, num_gifs, rates.copied)
    with tempfile.TemporaryDirectory(prefix=storage.SCRATCH) as folder:
        rows = _RowFiles(Path(folder), num_gifs)
        with rows:
            for chunk in make_chunks(out, seed, num_gifs, duplicates, rates):
                rows.add(write_chunk(replace(chunk, draws=False)))
        num_sessions = _write_rows(out, seed, rows, duplicates)
    return SampleSummary(num_gifs, len(duplicates), 0, num_sessions, 0)


def _check(num_gifs: int, num_broken: int, rates: UploaderRates) -> None:
    if num_gifs < 1 or num_broken < 0:
        raise InputError(f"a sample of {num_gifs} GIFs and {num_broken} broken ones: at least 1 and 0 are needed")
    shares = (
        (rates.copied, "copies"),
        (rates.messy, "messy tags"),
        (rates.editors_leave_out, "tags that editors leave out"),
    )
    for share, name in shares:
        if not 0 <= share <= 1:
            raise InputError(f"a share of {share} {name}: it must be 0 to 1")
    _check_vocabulary(rates)


def _check_vocabulary(rates: UploaderRates) -> None:
    asked = rates.vocabulary
    if asked.num_tags is not None and not MIN_TAGS <= asked.num_tags <= max_tags():
        raise InputError(f"a vocabulary of {asked.num_tags} tags: {MIN_TAGS} to {max_tags()} can be drawn")
    if asked.tags_per_gif is not None and not 1 <= asked.tags_per_gif <= MAX_TAGS_PER_GIF:
        raise InputError(f"{asked.tags_per_gif} tags a GIF: 1 to {MAX_TAGS_PER_GIF} can be true of one")
    if rates.messy and asked != Vocabulary():
        raise InputError("messy tags are made of the plain vocabulary: no number of tags beside them")


class _RowFiles(ExitStack):
    """The files of rows while they are written, and what sessions are drawn from. The files close with the block."""

    def __init__(self, folder: Path, num_gifs: int) -> None:
        super().__init__()
        self.folder = folder
        self.catalog, self._truth, self._test = (
            self.enter_context((folder / name).open("w", encoding="utf-8"))
            for name in ("catalog.jsonl", "truth.jsonl", "test.txt")
        )
        self.meanings: Counter[tuple[str, Meaning]] = Counter()
        self.usages, self.popularity = np.empty(num_gifs, np.int8), np.empty(num_gifs, np.int64)
        self.num_rows = self.num_bytes = 0

    def add(self, written: Written) -> None:
        """Add the rows of the next chunk."""
        for file, lines in (
            (self.catalog, written.catalog),
            (self._truth, written.truth),
            (self._test, written.reviewed),
        ):
            file.writelines(line + "\n" for line in lines)
        self.meanings.update(written.meanings)
        here = slice(self.num_rows, self.num_rows + len(written.usages))
        self.usages[here], self.popularity[here] = written.usages, written.popularity
        self.num_rows += len(written.truth)
        self.num_bytes += written.num_bytes


def _write_broken(out: str, seed: int, num_broken: int, write_catalog: Callable[[str], object]) -> None:
    """Write the broken files, their catalog rows after all sound ones, and broken.jsonl: what must become of them."""
    truths = []
    for number in range(1, num_broken + 1):
        item = broken_item(seed, number)
        write_catalog("".join(line + "\n" for line in item.lines))
        if item.data is not None:
            storage.write_bytes(storage.join(out, item.uri), item.data)
        truths.append(json.dumps(item.truth) + "\n")
    _replace(storage.join(out, "broken.jsonl"), truths)


def _write_rows(out: str, seed: int, rows: _RowFiles, duplicates: list[Duplicate]) -> int:
    """Write everything but GIFs and broken.jsonl, catalog.jsonl last; gives the number of sessions."""
    _write_duplicates(out, duplicates)
    _replace(storage.join(out, "tag_truth.jsonl"), _as_lines(tag_truth(rows.meanings)))
    _replace(storage.join(out, "entities.jsonl"), _as_lines(entity_rows() if rows.meanings else []))
    _write_searches(out, seed, len(rows.usages) if rows.meanings else 0, rows.folder / "searches.jsonl")
    for name in ("truth.jsonl", "test.txt"):
        storage.upload_file(rows.folder / name, storage.join(out, name))
    num_sessions = _write_sessions(out, seed, rows.usages, rows.popularity, rows.folder / "sessions.jsonl")
    storage.upload_file(rows.folder / "catalog.jsonl", storage.join(out, "catalog.jsonl"))
    return num_sessions


def _write_duplicates(out: str, duplicates: list[Duplicate]) -> None:
    rows = ({"gif_id": gif_id(copy.index), "original": gif_id(copy.original)} for copy in duplicates)
    _replace(storage.join(out, "duplicates.jsonl"), _as_lines(rows))


def _as_lines(rows: Iterable[dict[str, Any]]) -> list[str]:
    return [json.dumps(row) + "\n" for row in rows]


def _replace(uri: str, lines: list[str]) -> None:
    """Write the file with these lines. Without lines there is no file, not even that of an earlier sample."""
    if lines:
        storage.write_bytes(uri, "".join(lines).encode())
        return
    with storage.explained(uri):
        if storage.is_s3(uri):
            bucket, key = storage.split_s3(uri)
            storage.s3_client().delete_object(Bucket=bucket, Key=key)
        else:
            storage.local_path(uri).unlink(missing_ok=True)


def _write_searches(out: str, seed: int, num_gifs: int, path: Path) -> None:
    """Write searches.jsonl; without GIFs there is no such file."""
    uri = storage.join(out, "searches.jsonl")
    if not num_gifs:
        _replace(uri, [])
        return
    with path.open("w", encoding="utf-8") as file:
        for session_id, queries in draw_searches(seed, num_gifs):
            file.write(json.dumps({"session_id": session_id, "queries": queries}) + "\n")
    storage.upload_file(path, uri)


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

"""Lines of a text file, or of a part of one, none of which is ever held in memory beyond a limit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pyarrow as pa

from autotag_core import storage
from autotag_core.inputs.layout import Part

MAX_ROW_BYTES = 8 * 2**20
"""A longer row is unreadable. A small file may hold a huge row: 2 MB of gzip unfold to a line of 500 MB."""
SHOWN_BYTES = 2000
"""Of such a row, for the message about it."""
TOO_LONG = f"a row of more than {MAX_ROW_BYTES // 2**20} MB"
_CHUNK = 2**20


class Line(NamedTuple):
    """A line with its end; of one that is too long only the beginning."""

    text: bytes
    num_bytes: int
    is_cut: bool
    num_quotes: int
    """How many there are in all of a line that was cut, else 0."""


def read_lines(part: Part) -> Iterator[Line]:
    r"""Each line that begins in the part.

    `\n`, `\r\n` and `\r` end a line, whichever each line has. OSError where the file can't be read to its end.
    """
    position = max(part.start - 1, 0)  # the byte before says whether a line begins at the start
    is_before = part.start > 0
    for line in _bounded(_chunks(part, position)):
        if position >= part.end:
            return
        if not is_before:
            yield line
        is_before = False
        position += line.num_bytes


def _chunks(part: Part, position: int) -> Iterator[bytes]:
    filesystem, (path,) = storage.arrow_paths([part.uri])
    with filesystem.open_input_file(path) as file:
        file.seek(position)
        text = file if part.compression is None else pa.CompressedInputStream(file, part.compression)
        while chunk := text.read(_CHUNK):
            yield chunk


def _bounded(chunks: Iterator[bytes]) -> Iterator[Line]:
    held, skipped, quotes = b"", 0, 0  # the beginning of a line that has not ended, and what was left out of it
    for chunk in chunks:
        pieces = (held + chunk).splitlines(keepends=True)
        held = b"" if pieces[-1].endswith(b"\n") else pieces.pop()  # after \r the \n of the same end may follow
        for piece in pieces:
            yield _line(piece, skipped, quotes)
            skipped = quotes = 0
        if len(held) + skipped > MAX_ROW_BYTES:
            left_out = held[SHOWN_BYTES:-1]
            skipped, quotes = skipped + len(left_out), quotes + left_out.count(b'"')
            held = held[:SHOWN_BYTES] + held[-1:]
    if held:
        yield _line(held, skipped, quotes)


def _line(piece: bytes, skipped: int, quotes: int) -> Line:
    num_bytes = len(piece) + skipped
    if num_bytes <= MAX_ROW_BYTES:
        return Line(piece, num_bytes, False, 0)
    return Line(piece[:SHOWN_BYTES], num_bytes, True, quotes + piece.count(b'"'))

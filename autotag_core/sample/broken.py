"""Broken catalog rows and files, each with what must become of it.

Not here is what depends on settings (too_few_frames, too_short, too_long), on the storage (access_denied,
fetch_failed), on the device (out_of_memory) or on Elasticsearch (refused_document). tests/conftest.py says which test
sees those.
"""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from autotag_core.drawing.drawing import draw_states
from autotag_core.drawing.encoding import gif_bytes
from autotag_core.drawing.factors import Recipe, recipe_of
from autotag_core.failures import Reason, Stage
from autotag_core.sample.tagging.uploaders import upload_of

MAX_BYTES = 20 * 1024 * 1024
"""The config's default limit on a file's size. `file_too_large` is one byte over it."""
_FIRST_INDEX = 1_000_000_000
"""Broken GIFs are drawn from recipes that no sound GIF has."""

Row = dict[str, Any]


@dataclass(frozen=True)
class BrokenKind:
    """A way to be broken. `reason` None: the file is still used, with `note` in media.notes, if there is a note."""

    name: str
    stage: Stage | None
    reason: Reason | None
    note: str | None = None
    file: Callable[[Recipe], bytes] | None = None
    lines: Callable[[Row], list[str]] = lambda row: [json.dumps(row)]
    has_gif_id: bool = True


@dataclass(frozen=True)
class BrokenItem:
    """One broken item: its catalog lines, its file by relative URI and bytes (None: no file), and its truth."""

    lines: list[str]
    uri: str
    data: bytes | None
    truth: Row


def broken_item(seed: int, number: int) -> BrokenItem:
    """Broken item `number` (from 1). Kinds take turns; its gif_id is like broken-0001-kind.

    `truth` is {gif_id, kind, expected_stage, expected_reason, expected_note}; gif_id is null where the row has none.
    """
    kind = BROKEN_KINDS[(number - 1) % len(BROKEN_KINDS)]
    recipe = replace(recipe_of(seed, _FIRST_INDEX + number), change="size", order=0, num_frames=12)
    upload = upload_of(recipe)
    gif_id = f"broken-{number:04d}-{kind.name}"
    uri = f"gifs/broken/{gif_id}.gif"
    row: Row = {
        "gif_id": gif_id,
        "uri": uri,
        "tags": upload.tags,
        "editorial_tags": [],
        "caption": upload.caption,
        "popularity": upload.popularity,
    }
    truth = {
        "gif_id": gif_id if kind.has_gif_id else None,
        "kind": kind.name,
        "expected_stage": kind.stage,
        "expected_reason": kind.reason,
        "expected_note": kind.note,
    }
    return BrokenItem(kind.lines(row), uri, kind.file(recipe) if kind.file else None, truth)


def one_pixel_frames(width: int, height: int, num_frames: int) -> bytes:
    """A GIF of a few bytes a frame, whatever its canvas. It hurts a decoder that makes a canvas for each frame."""
    screen = struct.pack("<6sHHBBB", b"GIF89a", width, height, 0x80, 0, 0) + b"\x00\x00\x00\xff\xff\xff"
    control = b"\x21\xf9\x04\x04\x05\x00\x00\x00"
    # one pixel of colour 0: the LZW codes clear (4), 0, end (5), three bits each
    frame = control + b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    return screen + frame * num_frames + b"\x3b"


def _half(recipe: Recipe) -> bytes:
    data = gif_bytes(recipe)
    return data[: len(data) // 2]


def _header_only(recipe: Recipe) -> bytes:
    """The logical screen and its palette, no frame."""
    data = gif_bytes(recipe)
    return data[: 13 + 3 * (2 << (data[10] & 7))]


def _no_delays(recipe: Recipe) -> bytes:
    """A sound GIF whose frames all have a delay of 0, which browsers show as 100 ms."""
    data = bytearray(gif_bytes(recipe))
    start = 0
    while (start := data.find(b"\x21\xf9\x04", start)) >= 0:
        data[start + 4 : start + 6] = b"\x00\x00"
        start += 8
    return bytes(data)


def _html(recipe: Recipe) -> bytes:
    return f"<!DOCTYPE html><html><title>404</title><body>No {recipe.subject} here.</body></html>\n".encode()


def _single_frame(recipe: Recipe) -> bytes:
    return gif_bytes(replace(recipe, change=None, num_frames=1))


def _png(recipe: Recipe) -> bytes:
    """A still image under a GIF's name."""
    out = io.BytesIO()
    draw_states(recipe)[-1].save(out, "PNG")
    return out.getvalue()


def _without(key: str) -> Callable[[Row], list[str]]:
    return lambda row: [json.dumps({name: value for name, value in row.items() if name != key})]


def _with(**values: Any) -> Callable[[Row], list[str]]:
    return lambda row: [json.dumps({**row, **values})]


BROKEN_KINDS: tuple[BrokenKind, ...] = (
    BrokenKind("truncated", None, None, note="truncated", file=_half),
    BrokenKind("header_only", Stage.FRAMES, Reason.UNDECODABLE, file=_header_only),
    BrokenKind("empty_file", Stage.FRAMES, Reason.EMPTY_FILE, file=lambda _: b""),
    BrokenKind("html", Stage.FRAMES, Reason.NOT_AN_IMAGE, file=_html),
    BrokenKind("missing_file", Stage.FRAMES, Reason.NOT_FOUND),
    BrokenKind("canvas_bomb", Stage.FRAMES, Reason.TOO_MANY_PIXELS, file=lambda _: one_pixel_frames(9000, 9000, 50)),
    BrokenKind("too_many_frames", Stage.FRAMES, Reason.TOO_MANY_FRAMES, file=lambda _: one_pixel_frames(16, 16, 5001)),
    BrokenKind("no_delays", None, None, file=_no_delays),
    BrokenKind("single_frame", None, None, note="single_frame", file=_single_frame),
    BrokenKind("still_image", None, None, note="still_image", file=_png),
    BrokenKind(
        "directory_key",
        Stage.FRAMES,
        Reason.NOT_FOUND,
        lines=lambda row: [json.dumps({**row, "uri": row["uri"].removesuffix(".gif") + "/"})],
    ),
    BrokenKind("no_gif_id", Stage.CATALOG, Reason.MISSING_GIF_ID, lines=_without("gif_id"), has_gif_id=False),
    BrokenKind(
        "duplicate_gif_id",
        Stage.CATALOG,
        Reason.DUPLICATE_GIF_ID,
        file=gif_bytes,
        lines=lambda row: [json.dumps(row), json.dumps(row)],
    ),
    BrokenKind("no_uri", Stage.CATALOG, Reason.MISSING_URI, lines=_without("uri")),
    BrokenKind("tags_not_strings", Stage.CATALOG, Reason.INVALID_TAGS, lines=_with(tags=[1, {"tag": "cat"}])),
    BrokenKind(
        "not_json",
        Stage.CATALOG,
        Reason.UNREADABLE_ROW,
        lines=lambda row: [json.dumps(row)[: len(row["gif_id"]) + 24]],
        has_gif_id=False,
    ),
    BrokenKind("other_scheme", Stage.FRAMES, Reason.UNSUPPORTED_URI, lines=_with(uri="ftp://example.com/gifs/cat.gif")),
    BrokenKind(
        "file_too_large",
        Stage.FRAMES,
        Reason.FILE_TOO_LARGE,
        file=lambda recipe: gif_bytes(recipe).ljust(MAX_BYTES + 1, b"\x00"),
    ),
)
"""They take turns. A duplicate's two rows are the same, so it does not matter which is used and which one fails."""

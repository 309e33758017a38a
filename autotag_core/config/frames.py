"""Settings of fetching, decoding and sampling."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from autotag_core.config.section import Colour, Count, PositiveCount, Section


class FramesConfig(Section):
    """How a GIF's bytes are fetched, checked and turned into frames."""

    num_frames: Annotated[int, Field(ge=1, le=64)] = 16
    """At most so many distinct frames of a GIF are sampled."""
    sampling: Literal["index", "time"] = "time"
    """`index`: evenly over frame indices. `time`: evenly over the playing time, since delays differ between frames."""
    size: Annotated[int, Field(ge=32, le=1024)] = 224
    """Height and width of a frame as the model sees it, pixels."""
    background: tuple[Colour, Colour, Colour] = (255, 255, 255)
    """RGB colour, 0..255, under transparent and unpainted pixels. White: what GIFs are mostly shown on."""
    max_bytes: PositiveCount = 20 * 1024 * 1024
    """A larger file is not read."""
    max_pixels: PositiveCount = 400_000_000
    """Canvas pixels times the frames that have to be decoded to see the sampled ones. This bounds work, not memory."""
    max_frames: PositiveCount = 5000
    """A file with more frames is not decoded."""
    min_frames: PositiveCount = 1
    """A file with fewer frames is left out; 2 leaves out still images."""
    min_duration_ms: Count = 0
    """A GIF whose one loop plays shorter is left out, milliseconds."""
    max_duration_ms: PositiveCount | None = None
    """A GIF whose one loop plays longer is left out, milliseconds; None: no limit."""
    fetch_threads: PositiveCount = 16
    """Files fetched at once in one task; their bytes are at most fetch_threads times max_bytes."""
    allowed_places: tuple[str, ...] = ()
    """Buckets, prefixes of buckets and local folders that the catalog's rows may name besides the catalog's own bucket
    or folder, such as `[s3a://uploads/gifs, /mnt/gifs]`: files are read with the job's rights, which are not those of
    whoever wrote the catalog."""
    decode_pixels: ClassVar[int] = 8_000_000
    """Canvas pixels decoded at once in one task, by all of its threads together; a larger canvas is decoded alone."""
    max_canvas_pixels: ClassVar[int] = 50_000_000
    """Pixels of the largest canvas. However many frames it has, a file is decoded in at most 20 bytes a pixel."""
    max_video_pixels: ClassVar[int] = 4096 * 2304
    """Pixels of a video's largest canvas. A decoder may hold 16 frames of it, which are up to 60 bytes a pixel."""
    decode_cpu_s: ClassVar[float] = 60
    """CPU time for decoding one file, seconds. Ordinary GIFs take milliseconds, a file at max_pixels a few seconds."""
    prefetch_bytes: ClassVar[int] = 256 * 1024 * 1024
    """Decoded frames that may wait for the model in one task, bytes."""
    fetch_attempts: ClassVar[int] = 5
    """Tries of one fetch, with backoff in between."""
    connect_timeout_s: ClassVar[float] = 5
    """Until S3 accepts a connection, seconds."""
    read_timeout_s: ClassVar[float] = 30
    """Between two parts of an answer of S3, seconds."""
    fetch_deadline_s: ClassVar[float] = 300
    """For one file with all its tries, seconds: a server that sends a byte now and then holds up no task."""
    item_deadline_s: ClassVar[float] = 600
    """For one file from the first byte to the last frame, seconds: a task that waits longer for one ends itself, and is
    tried again file by file (autotag_core/frames/guard.py)."""

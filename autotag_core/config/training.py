"""Settings of the training examples."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from autotag_core.config.section import Count, PositiveCount, Section


class TrainingConfig(Section):
    """The voted dataset as training reads it: training_examples, training_labels and training_funnel."""

    enabled: bool = True
    """Whether it is written; it needs GIFs whose frames were read."""
    frames: Literal["reference", "jpeg", "webp"] = "reference"
    """`reference`: the GIF's uri and version, training fetches and decodes it. `jpeg`, `webp`: the sampled frames
    themselves, which costs a second fetch and decoding and 0.13 or 0.08 MB a GIF, but needs no GIF to be fetched, or to
    be still there, when a model is trained (benchmarks/README.md)."""
    quality: Annotated[int, Field(ge=1, le=100)] = 90
    """Of stored frames, as the encoders understand it."""
    min_frames: PositiveCount = 1
    """A GIF with fewer frames is no example; 2 leaves out still images. Beside the limits of `frames`."""
    min_duration_ms: Count = 0
    """A GIF whose one loop plays shorter is no example, milliseconds."""
    max_duration_ms: PositiveCount | None = None
    """A GIF whose one loop plays longer is no example, milliseconds; None: no limit."""
    separate_uploaders: bool = False
    """A GIF whose uploader also has one in a more protected split is no example. Off: GIFs of one uploader may look
    alike, but leaving out all of them can cost more than half of a catalog; the run's record counts them anyway."""

"""How examples are drawn, changed and read."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from autotag_core.config import PositiveCount, Seed
from autotag_core.errors import InputError
from autotag_core.training.augmentation import Augmentation
from autotag_core.training.balance import Scheme


class LoaderSettings(BaseModel):
    """Settings of open_examples. Those of drawing and augmentation hold for the split train alone."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    batch_size: PositiveCount = 32
    """GIFs in a batch of one rank."""
    num_frames: Annotated[int, Field(ge=1, le=64)] = 16
    """Frames of a GIF in a batch. If a GIF has fewer, the mask is false for the others, and they are black."""
    seed: Seed = 7
    """Seed of the draws, their order and their augmentation; the same on every rank."""
    min_examples: PositiveCount = 5
    """A label with fewer train examples is no class."""
    max_classes: PositiveCount = 50_000
    """More classes than this are an error. Each takes 4 bytes of every row of targets."""
    scheme: Scheme = "even"
    """See autotag_core.training.balance."""
    num_draws: PositiveCount | None = None
    """Draws of an epoch. None: as many as there are examples. The shorter an epoch, the more even it can be. For about
    s draws of each class, take s times the number of classes."""
    max_repeats: Annotated[float, Field(ge=1)] = 16
    """No GIF is drawn more often in an epoch."""
    augmentation: Augmentation | None = Augmentation()
    """None leaves frames as they are."""
    window: PositiveCount | None = None
    """Draws that are shuffled among each other. None: 1,024 with stored frames (0.13 GB, twice), else 65,536."""
    num_readers: PositiveCount = 4
    """Threads that read row groups. Take more where each row group takes long to come."""
    num_decoders: PositiveCount = 4
    """Threads that decode and augment frames: one for each core, more where GIFs are fetched."""
    prefetch: PositiveCount = 4
    """Batches that are prepared before they are asked for."""


def checked_settings(settings: dict[str, Any]) -> LoaderSettings:
    """The settings. One InputError, on one line, names every setting that is wrong."""
    try:
        return LoaderSettings(**settings)
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        raise InputError(f"open_examples: {'; '.join(problems)}") from None

"""Settings of the tagger in the night. What it is trained on and how is its experiment's (autotag train)."""

from __future__ import annotations

from autotag_core.config.section import Section


class TaggerConfig(Section):
    """What the trained tagger says of each GIF of the catalog: the table predictions."""

    predict: bool = False
    """Whether it is asked. It takes the features that the night computes anyway: no frame is seen twice."""
    model: str | None = None
    """Its run folder, or a model.safetensors. None: the tagger trained last in the warehouse. While that is missing or
    takes other features than this night makes, the night goes on without predictions and says why."""

"""Names the way in which frames are made, so that rows made in another way are not taken for these."""

from __future__ import annotations

import hashlib

from autotag_core.config import FramesConfig

RECIPE = 5
"""Goes up whenever the same bytes and settings give another media row or other sampled frames."""


def frames_version(config: FramesConfig) -> str:
    """`frames<RECIPE>-<6 hex digits>`: a hash of the settings that change what is read of a GIF, limits included."""
    settings = config.model_dump_json(exclude={"fetch_threads", "allowed_places"})
    return f"frames{RECIPE}-{hashlib.sha256(settings.encode()).hexdigest()[:6]}"

"""What names the way in which frames are made, so that rows made in another way are not taken for these."""

from __future__ import annotations

import hashlib

from autotag_core.config import FramesConfig

RECIPE = 2
"""Counts the changes of what a media row or a sampled frame is for the same bytes and settings."""


def frames_version(config: FramesConfig) -> str:
    """`frames<RECIPE>-<6 hex digits>`, of the settings that change what is read of a GIF, limits among them."""
    settings = config.model_dump_json(exclude={"fetch_threads"})
    return f"frames{RECIPE}-{hashlib.sha256(settings.encode()).hexdigest()[:6]}"

"""What a stage decides about a tag, and why."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Decision:
    """About a normalised tag: `decision` is kept, out, or the tag or label that it became; `stage` decided so."""

    tag: str
    stage: str
    decision: str
    why: str
    target: str | None = None
    """The tag that it became. None where it stayed or is out."""

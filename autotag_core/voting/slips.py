"""Tags that are slips of the pen: seen once, and one slip away from a tag that others use."""

from __future__ import annotations

MIN_LENGTH = 4
"""Shorter tags are one slip away from too many others, letters."""
MIN_COUNT = 2
"""A tag must be used by so many GIFs to be what a slip meant."""


def is_slip(written: str, meant: str) -> bool:
    """Whether `written` is `meant` with two neighboring letters swapped, one left out, or one doubled."""
    if len(written) < MIN_LENGTH or len(meant) < MIN_LENGTH or written == meant:
        return False
    if len(written) == len(meant):
        at = [place for place in range(len(meant)) if written[place] != meant[place]]
        return len(at) == 2 and at[1] == at[0] + 1 and written[at[0]] == meant[at[1]] and written[at[1]] == meant[at[0]]
    if len(written) + 1 == len(meant):
        return any(meant[:place] + meant[place + 1 :] == written for place in range(len(meant)))
    if len(written) == len(meant) + 1:
        doubled = (place for place in range(len(meant)) if written[place] == written[place + 1])
        return any(written[:place] + written[place + 1 :] == meant for place in doubled)
    return False

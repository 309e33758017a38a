"""Tags that look like slips: rare beside a tag that they are one slip away from."""

from __future__ import annotations

MIN_LENGTH = 4
"""Letters. Shorter tags are one slip away from too many others."""
MIN_COUNT = 2
"""So many GIFs must have a tag for it to be what a slip meant."""
MAX_SHARE = 0.01
"""A slip is on one GIF only, or on at most this share of the GIFs with what it meant. In a larger catalog each slip is
repeated more often, but never as often as a word."""


def is_slip(written: str, meant: str) -> bool:
    """Whether `written` is `meant` with two neighboring letters swapped, one left out, or one doubled.

    A word without its first letter is mostly another word (lock, block). One without its last s is the singular (horn,
    horns). Neither counts as a slip, though now and then one is.
    """
    if len(written) < MIN_LENGTH or len(meant) < MIN_LENGTH or written == meant:
        return False
    if len(written) == len(meant):
        at = [place for place in range(len(meant)) if written[place] != meant[place]]
        return len(at) == 2 and at[1] == at[0] + 1 and written[at[0]] == meant[at[1]] and written[at[1]] == meant[at[0]]
    if len(written) + 1 == len(meant):
        if written == meant[1:] or written + "s" == meant:
            return False
        return any(meant[:place] + meant[place + 1 :] == written for place in range(1, len(meant)))
    if len(written) == len(meant) + 1:
        doubled = (place for place in range(len(meant)) if written[place] == written[place + 1])
        return any(written[:place] + written[place + 1 :] == meant for place in doubled)
    return False

"""Typing slips: letters swapped, left out, doubled, repeated, or not typed to the end."""

from __future__ import annotations

import random

from autotag_core.drawing.factors import vocabulary

_VOCABULARY = {tag for tags in vocabulary().values() for tag in tags}
MIN_PREFIX = 5
"""Letters that an unfinished tag has at least."""


def misspell(tag: str, rng: random.Random) -> str:
    """The tag with two neighboring letters swapped, one left out or one doubled. Never a tag that exists."""
    while True:
        position = rng.randrange(len(tag) - 1)
        left, right, rest = tag[:position], tag[position : position + 2], tag[position + 2 :]
        spelled = left + rng.choice([right[::-1], right[0], right[0] + right]) + rest
        if spelled != tag and spelled.strip() == spelled and spelled not in _VOCABULARY:
            return spelled


def repeat(tag: str, rng: random.Random) -> str:
    """The tag with its last letter two to four times more: happyyy."""
    return tag + tag[-1] * rng.randint(2, 4)


def cut(tag: str, rng: random.Random) -> str:
    """The tag without its last letter or two; at least MIN_PREFIX letters stay. A shorter tag stays as it is."""
    return tag[: max(MIN_PREFIX, len(tag) - rng.randint(1, 2))].strip()

"""Texts of other people as a terminal may print them: nothing in them moves the cursor, ends a line or turns text."""

from __future__ import annotations

import re
from collections.abc import Iterable

_COMMANDS = (
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\U000e0000-\U000e007f]"
)
"""Control characters; invisible signs, such as those that turn the direction of text; halves of characters. Not here
are the joiners U+200C and U+200D, which emoji and many scripts are written with."""


def shown(text: str) -> str:
    """The text on one line, with its control characters as `\\u001b`. What is JSON stays the same JSON."""
    return re.sub(_COMMANDS, _escaped, text)


def shown_lines(lines: Iterable[str]) -> str:
    """The lines below each other, each as `shown`."""
    return "\n".join(map(shown, lines))


def shown_text(text: str) -> str:
    """A text of several lines that the job itself has made, without other control characters."""
    return re.sub(f"(?!\n){_COMMANDS}", _escaped, text)


def _escaped(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))

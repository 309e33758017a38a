"""Texts of other people as cells of a sheet: none is taken for a formula, and each comes back as it was."""

from __future__ import annotations

_STARTS = ("=", "+", "-", "@", "\t", "\r", "'")


def inert_cell(text: str) -> str:
    """The text with a ' before what a sheet would take for a formula, or before a ' of its own."""
    return f"'{text}" if text.startswith(_STARTS) else text


def plain_cell(text: str) -> str:
    """The text of `inert_cell`, without white space at its ends."""
    text = text.strip()
    return text[1:] if text.startswith("'") and text[1:].startswith(_STARTS) else text

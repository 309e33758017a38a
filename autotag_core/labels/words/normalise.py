"""Normalises a tag, so that case, hashtags, punctuation and emoji no longer tell spellings apart."""

from __future__ import annotations

import re
import unicodedata

MAX_CHARS = 100
"""A longer text is no tag."""

_PLAIN = re.compile(r"[a-z0-9]+(?: [a-z0-9]+)*")
_HASHTAG = re.compile(r"#(?=\w)")
_WORD_ENDS = re.compile(r"(?<=[a-z])(?=[A-Z])")
_APOSTROPHES = re.compile("['’‘`´]")
_EMOJI_NOISE = re.compile(r"^(?:heavy |black |white |smiling face with |face with )+|(?: face| sign| symbol)$")
_VARIATION_SELECTORS = range(0xFE00, 0xFE10)


def normalise(raw: str) -> str | None:
    """The tag as the vocabulary knows it, or None where nothing is left. normalise(normalise(raw)) changes nothing.

    Unicode NFKC, lower case, #CamelCase split into words, `&` becomes `and`, apostrophes go, and all other punctuation
    becomes a space. Emoji beside words go, since the words say it. A tag of emoji alone becomes the Unicode name of the
    first, without `face`, `sign` and colours. Accents stay: the stage of misspellings compares `café` and `cafe`.
    """
    if _PLAIN.fullmatch(raw) and len(raw) <= MAX_CHARS:
        return raw
    text = unicodedata.normalize("NFKC", raw)
    if _HASHTAG.search(text):
        text = _WORD_ENDS.sub(" ", _HASHTAG.sub(" ", text))
    text = unicodedata.normalize("NFKC", _APOSTROPHES.sub("", text).replace("&", " and ").lower())
    words = "".join(char if _is_of_word(char) else " " for char in text).split()
    if not words:
        words = _emoji_name(text).split()
    joined = " ".join(words)
    return joined if 0 < len(joined) <= MAX_CHARS else None


def _is_of_word(char: str) -> bool:
    """Whether it is a letter, a digit or a mark of a letter. Marks of emoji don't count."""
    return unicodedata.category(char)[0] in "LN" or (
        unicodedata.category(char) in ("Mn", "Mc") and ord(char) not in _VARIATION_SELECTORS and ord(char) != 0x20E3
    )


def _emoji_name(text: str) -> str:
    """The name of the first emoji, in words. Empty where there is none."""
    for char in text:
        if unicodedata.category(char) == "So":
            name = unicodedata.name(char, "").lower()
            short = _EMOJI_NOISE.sub("", name)
            return re.sub(r"[^a-z0-9]+", " ", short or name)
    return ""

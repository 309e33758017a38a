"""The stem of an English word: a few suffixes stripped, as in steps 1 to 4 of Porter 1980, without its exceptions."""

from __future__ import annotations

import re

_SUFFIXES = re.compile(
    r"(?<=.{3})(?:at(?:e|es|ed|ing|ions?|ors?)|ational|itions?|ness|ments?|fully?|ously|ous|ings?|ingly|edly|ed|ers?|ors?|"
    r"ions?|ies|ily|iest|ier|est|ly|es|s|y|ie|e)$"
)
_LAST_VOWEL = re.compile(r"(?<=.{3})[iey]$")
_DOUBLE = re.compile(r"([bdfgklmnprtvz])\1$")


def stem(tag: str) -> str:
    """The tag with each word cut to its stem, at least three letters: celebrate and celebration are `celebr`.

    Coarse on purpose: a common stem is a reason to look at how two words are used, no more.
    """
    return " ".join(_stem_word(word) for word in tag.split())


def _stem_word(word: str) -> str:
    cut = _SUFFIXES.sub("", word)
    again = _SUFFIXES.sub("", cut) if len(cut) > 5 else cut
    return _DOUBLE.sub(r"\1", _LAST_VOWEL.sub("", again))

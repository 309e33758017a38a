"""The sample's tags as people write them in other languages."""

from __future__ import annotations

from autotag_core.word_lists import read_word_list

_ROWS = read_word_list(__package__, "translations.csv")

LANGUAGES = tuple(_ROWS[0])[1:]
"""ISO 639-1, in the order of the file's columns."""

TRANSLATIONS: dict[str, dict[str, str]] = {
    row["tag"]: {language: row[language] for language in LANGUAGES if row[language]} for row in _ROWS
}
"""By tag and language, without those spelled like an English word (French chat, German Stern) or like a slip of one."""

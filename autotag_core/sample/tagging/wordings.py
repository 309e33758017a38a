"""English words for the sample's tags: forms and synonyms that mean the same, and words that mean something else."""

from __future__ import annotations

from autotag_core.word_lists import read_word_list

_ROWS = read_word_list(__package__, "wordings.csv")


def _of_kind(kind: str) -> dict[str, tuple[str, ...]]:
    rows = [(row["tag"], row["wording"]) for row in _ROWS if row["kind"] == kind]
    return {tag: tuple(wording for other, wording in rows if other == tag) for tag, _ in rows}


INFLECTIONS = _of_kind("inflection")
"""Other forms of a tag: plurals, and the forms of a verb."""

SYNONYMS = _of_kind("synonym")
"""Other words for a tag. Uploaders write them in its place, and seldom beside it."""

OTHER_WORDS = _of_kind("other")
"""Words that stand beside a true tag and are groups of their own. Some look like it or like each other (bear and beer,
desert and dessert), some mean the opposite (happy and sad, weekend and weekday), some just go with it (cake)."""

"""Names of people, found however they are spelled: by their letters, and by SymSpell a few letters off."""

from __future__ import annotations

from typing import Any

from autotag_core.labels import Entity, Lexicon
from autotag_core.labels.steps.entities import PERSON
from autotag_core.labels.steps.spelling import letters
from autotag_core.labels.words.lexicon import need

ENROLLED, REFUSED, LISTED, OTHER = "enrolled", "refused", "listed", "other"
"""Whose name it is. OTHER: of a film or show, and so of nobody."""
_SHORTEST, _LONG = 5, 8
"""Letters from which a name may be one letter off, and two."""
_MOST_OFF = 2
_MOST_WORDS = 4
"""Of a name within a longer search."""

Known = tuple[str, str]
"""(name, whose it is)."""


class NameIndex:
    """Names by their letters. Spaces, accents and case don't matter."""

    def __init__(self, lexicon: Lexicon) -> None:
        symspell = need("symspellpy")
        self._closest, self._lexicon = symspell.Verbosity.CLOSEST, lexicon
        self._symspell: Any = symspell.SymSpell(max_dictionary_edit_distance=_MOST_OFF, prefix_length=7)
        self._names: dict[str, Known] = {}

    def add(self, tag: str | None, name: str, source: str) -> None:
        """Add a name as `normalise` spells it. The first one of the same letters stays."""
        key = letters(tag or "")
        if key and key not in self._names:
            self._names[key] = (name, source)
            self._symspell.create_dictionary_entry(key, 1)

    def add_alias(self, alias: str, tag: str | None, entity: Entity) -> None:
        """Add another name of somebody. It is whose their own name is, if that is known already."""
        own = (entity.name, LISTED if entity.kind == PERSON else OTHER)
        self.add(alias, *self._names.get(letters(tag or ""), own))

    def find(self, tag: str) -> Known | None:
        """Whose name the whole search is: the same letters, else the nearest name of at most two letters off.

        One letter from five letters on, two from eight. The first letter is right, unless two letters are swapped. A
        dictionary's word alone is no misspelled name, and several common words are at most one letter off.
        """
        key = letters(tag)
        if key in self._names:
            return self._names[key]
        words = tag.split()
        most = 0 if len(key) < _SHORTEST else 1 if len(key) < _LONG else _MOST_OFF
        if len(words) == 1 and self._lexicon.is_english(tag):
            return None
        if all(map(self._lexicon.is_ordinary, words)):
            most = min(most, 1)
        near = [
            one
            for one in self._symspell.lookup(key, self._closest, max_edit_distance=most)
            if (one.distance < _MOST_OFF or len(one.term) >= _LONG)
            and (one.term[0] == key[0] or sorted(one.term) == sorted(key))
        ]
        best = min(near, key=lambda one: (one.distance, self._names[one.term][1] != ENROLLED, one.term), default=None)
        return None if best is None else self._names[best.term]

    def find_within(self, tag: str) -> Known | None:
        """Whose name stands in a longer search, word by word. A name of one word does not count."""
        words = tag.split()
        for num in range(min(_MOST_WORDS, len(words) - 1), 1, -1):
            for at in range(len(words) - num + 1):
                found = self._names.get(letters("".join(words[at : at + num])))
                if found is not None:
                    return found
        return None

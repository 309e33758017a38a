"""What dictionaries say of a word: whether it is English, how common, its lemma, and which other languages have it."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from autotag_core.errors import InputError
from autotag_core.labels.words.slang import SLANG

COMMON = 1_000_000
"""Occurrences in the dictionary's books from which a word is common: the top 13,000 of its 82,765 words."""


def need(module: str) -> Any:
    """The module of a package that only labels need. InputError says how to install it."""
    try:
        return import_module(module)
    except ImportError as error:
        raise InputError(f"labels need the package {module}: pip install 'autotag[labels]' ({error})") from None


class Lexicon:
    """English words with frequencies (SymSpell's list), lemmas and other languages' words (simplemma).

    Loading takes seconds and 100 to 200 MB a language. It is done once, in the driver.
    """

    def __init__(self, languages: Sequence[str] = ()) -> None:
        dictionaries = need("simplemma.strategies.dictionaries.dictionary_factory")
        wrong = sorted(set(languages) - dictionaries.SUPPORTED_LANGUAGES)
        if wrong:
            raise InputError(f"labels.languages: {', '.join(wrong)}: no dictionary; there are ISO 639-1 codes like es")
        # simplemma's own factory keeps eight languages and would load the ninth anew for every word
        factory = dictionaries.DefaultDictionaryFactory(cache_max_size=len(languages) + 1)
        self._lemmatizer = _lemmatizer(factory)
        self._english = factory.get_dictionary("en")
        self._foreign = {language: factory.get_dictionary(language) for language in languages}

    @functools.cached_property
    def frequencies(self) -> dict[str, int]:
        """Occurrences of 82,765 English words in books."""
        path = Path(need("symspellpy").__file__).with_name("frequency_dictionary_en_82_765.txt")
        pairs = (line.split() for line in path.read_text(encoding="utf-8-sig").splitlines())
        return {word: int(count) for word, count in pairs}

    def frequency(self, word: str) -> int:
        """How often the word occurs in English books; 0 where it is not listed."""
        return self.frequencies.get(word, 0)

    def is_english(self, tag: str) -> bool:
        """Whether every word of the tag is an English one, slang and inflections included."""
        return self.is_listed(tag) or all(
            self.is_listed(word) or self._english.get(word) is not None for word in tag.split()
        )

    def is_listed(self, tag: str) -> bool:
        """Whether every word is slang, a number, or on the list of words with frequencies.

        Stricter than is_english: the dictionary of lemmas also has words that nobody writes (`ocasion`, `vehicl`).
        """
        return tag in SLANG or all(word.isdigit() or word in SLANG or word in self.frequencies for word in tag.split())

    def is_ordinary(self, word: str) -> bool:
        """Whether it is a common word that the dictionary has too: the list with frequencies also has names."""
        return self.frequency(word) >= COMMON and self._english.get(word) is not None

    def foreign_languages(self, word: str) -> list[str]:
        """The other languages that have the word, also with a capital, as German nouns have one."""
        forms = (word, word.capitalize())
        return [
            language for language, words in self._foreign.items() if any(words.get(form) is not None for form in forms)
        ]

    @functools.lru_cache(maxsize=500_000)  # noqa: B019 - one lexicon lives as long as the stage
    def lemma(self, tag: str) -> str:
        """The tag with each word in its base form. `better` stays: only forms that begin alike are one word."""
        return " ".join(self._word_lemma(word) for word in tag.split())

    def _word_lemma(self, word: str) -> str:
        found = str(self._lemmatizer.lemmatize(word, "en")).lower()
        alike = 1 if len(word) <= 3 else 2
        return found if found[:alike] == word[:alike] and " " not in found else word


def _lemmatizer(factory: Any) -> Any:
    strategies, lemmatizer = need("simplemma.strategies"), need("simplemma.lemmatizer")
    lookup = strategies.DefaultStrategy(dictionary_factory=factory)
    return lemmatizer.Lemmatizer(lemmatization_strategy=lookup)

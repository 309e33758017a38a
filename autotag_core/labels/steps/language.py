"""Which tags are English. Dictionaries, letters and lingua say how likely a tag is; the tags beside it decide."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np

from autotag_core.config import LabelsConfig
from autotag_core.errors import InputError
from autotag_core.labels.steps.counts import TagCounts
from autotag_core.labels.steps.decisions import Decision
from autotag_core.labels.steps.spelling import SpellingIndex
from autotag_core.labels.words.lexicon import COMMON, Lexicon, need
from autotag_core.labels.words.slang import SLANG

_SURE = 8.0
"""Log odds that nothing can outweigh."""
_LINGUA_SHARES = (0.35, 1.0)
"""Shares of lingua's log odds that count, up to 6 letters and from 14 on: it takes the short `sad` for Spanish."""
_CONTEXT_PRIOR = 4.0
"""Neighboring tags that it takes before the context counts half."""
_SLIP_ODDS = 1.5
"""Added for a tag one letter off a far more frequent English one: every short misspelling is a word somewhere."""
_SLIP_RATIO = 10
_ROUNDS = 2
"""How often the knowledge of a tag is passed on to the tags beside it."""


class Lingua:
    """Lingua between English and a few other languages; 2 s and 100 MB for six."""

    def __init__(self, languages: Sequence[str]) -> None:
        lingua = need("lingua")
        codes = {language.iso_code_639_1.name.lower(): language for language in lingua.Language.all()}
        wrong = sorted(set(languages) - set(codes))
        if wrong:
            raise InputError(f"labels.languages: {', '.join(wrong)}: unknown to lingua; there are codes like es or pt")
        self._english = lingua.Language.ENGLISH
        chosen = [self._english, *(codes[name] for name in languages)]
        self._detector = lingua.LanguageDetectorBuilder.from_languages(*chosen).build()

    def log_odds(self, tags: Sequence[str]) -> list[tuple[float, str]]:
        """For each tag the log odds of English against the likeliest other language, within 3, and that language."""
        found = []
        for values in self._detector.compute_language_confidence_values_in_parallel(list(tags)):
            shares = {value.language: value.value for value in values}
            other = max((language for language in shares if language != self._english), key=lambda name: shares[name])
            odds = np.log((shares[self._english] + 0.01) / (shares[other] + 0.01))
            found.append((float(np.clip(odds, -3, 3)), other.iso_code_639_1.name.lower()))
        return found


def word_log_odds(word: str, lexicon: Lexicon) -> float:
    """Log odds that a word is English, by dictionaries alone. A word in none of them may be a name or a misspelling."""
    if word in SLANG or word.isdigit():
        return _SURE
    foreign = lexicon.foreign_languages(word)
    frequency = lexicon.frequency(word)
    if foreign and len(word) <= 3 and frequency:
        return 0.5  # de, la, mar: English books have them in French names and as abbreviations
    if frequency >= 5 * COMMON or (frequency >= COMMON // 10 and not foreign):
        return 3.5
    if lexicon.is_english(word):
        return 2.5 if not foreign else 0.8 if frequency >= COMMON else 0.3 if frequency else -0.3
    return -2.5 if foreign else 0.7


def tag_log_odds(tags: Sequence[str], lexicon: Lexicon, lingua: Lingua) -> tuple[np.ndarray, list[str]]:
    """Log odds (n,) that each tag is English by itself, and its likeliest other language."""
    odds, others = np.empty(len(tags)), []
    for row, (tag, (heard, other)) in enumerate(zip(tags, lingua.log_odds(tags), strict=True)):
        script = foreign_script(tag)
        words = [word_log_odds(word, lexicon) for word in tag.split()]
        share = float(np.interp(len(tag), (6, 14), _LINGUA_SHARES))
        by_words = float(np.clip(sum(words), -5, 5))
        odds[row] = -_SURE if script else _SURE if tag in SLANG else by_words + share * heard
        others.append(script or other)
    return odds, others


def foreign_script(tag: str) -> str | None:
    """The script, in lower case, of a tag mostly written in another script than Latin. None for any other tag."""
    names = [unicodedata.name(char, "").split(" ")[0].split("-")[0] for char in tag if char.isalpha()]
    strange = [name for name in names if name not in ("LATIN", "FULLWIDTH", "MODIFIER", "")]
    return (
        min(strange, key=lambda name: (-strange.count(name), name)).lower() if 2 * len(strange) > len(names) else None
    )


def decide_languages(
    counts: TagCounts,
    lexicon: Lexicon,
    config: LabelsConfig,
    names: frozenset[str] = frozenset(),
    index: SpellingIndex | None = None,
) -> list[Decision]:
    """One decision a tag: kept, or out as foreign where English is less likely than 1 - config.language_confidence.

    The log odds of the tags on the same GIFs are added to the tag's own: their mean weighted by GIFs, which counts
    little if they are few. A tag one slip off a much more frequent English tag is more likely to be English. Tags in
    `names`, which an entity source knows, are not judged: names have no language.
    `index` is one of these tags; without it one is made.
    Cost: linear in tags and contexts; lingua needs 20 to 100 microseconds a tag.
    """
    own, others = tag_log_odds(counts.tags, lexicon, Lingua(config.languages))
    index = index or SpellingIndex(counts, config.min_gifs)
    own = own + np.array([_SLIP_ODDS * is_slip for is_slip in _slips_of_english(counts, lexicon, index)])
    context = np.zeros(len(own))
    for _ in range(_ROUNDS):
        context = config.language_context * _beside(counts, own + context)
    limit = np.log((1 - config.language_confidence) / config.language_confidence)
    decisions = []
    for row, tag in enumerate(counts.tags):
        sure = abs(own[row]) >= _SURE
        odds = own[row] if sure else own[row] + context[row]
        why = f"{others[row]}: by itself {own[row]:+.1f}, by the tags beside it {context[row]:+.1f}"
        is_out = odds < limit and tag not in names
        decisions.append(Decision(tag, "language", "out" if is_out else "kept", why))
    return decisions


def _beside(counts: TagCounts, odds: np.ndarray) -> np.ndarray:
    """How English the tags beside a tag are, about -1 to 1 (V,); 0 where there are none.

    0 means half as English as the tags beside all tags: foreign uploads have English tags, too.
    """
    weights = np.asarray(counts.contexts.sum(axis=1)).ravel()
    sums = counts.contexts @ np.tanh(odds / 2)
    usual = sums.sum() / max(weights.sum(), 1)
    shrunk: np.ndarray = (sums / np.maximum(weights, 1) - usual / 2) * weights / (weights + _CONTEXT_PRIOR)
    return shrunk


def _slips_of_english(counts: TagCounts, lexicon: Lexicon, index: SpellingIndex) -> list[bool]:
    """Whether each tag is one slip off an English tag that is _SLIP_RATIO times as frequent."""

    def is_slip(row: int) -> bool:
        tag = counts.tags[row]
        if len(tag) < 3 or lexicon.is_listed(tag):
            return False
        least = _SLIP_RATIO * max(int(counts.num_gifs[row]), 1)
        found = [*index.similar(row), *index.longer(row)]
        return any(counts.num_gifs[other.row] >= least and lexicon.is_listed(counts.tags[other.row]) for other in found)

    return [is_slip(row) for row in range(len(counts.tags))]

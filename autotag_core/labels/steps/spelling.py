"""Which tags are misspelled, cut, drawn-out or joined forms of other tags, by the catalog's own counts."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from autotag_core.config import LabelsConfig
from autotag_core.labels.steps.counts import TagCounts
from autotag_core.labels.steps.decisions import Decision
from autotag_core.labels.words.lexicon import Lexicon, need

_DRAWN_OUT = re.compile(r"([a-z])\1{2,}")
_MAX_CUT = 3
"""Letters that may be missing at the end of an unfinished word."""
_EDIT_ODDS = {1: 3.0, 2: 0.5}
"""Log odds, by edit distance, that a tag in no dictionary is a misspelling of a known and more frequent one."""
_UNKNOWN_TARGET = -2.0
"""Added to the odds where no dictionary knows the other tag either: two names may also differ by a letter."""


_RARE_WORD = -2.0
"""Added where the big dictionary has the tag, but the list of words in use has not."""
_FOREIGN_WORD = -1.0
"""Added where another language has the tag."""
_MOST_SUPPORT = 6.0
"""Nats that contexts may count. The tags of a GIF depend on each other, so their sum is too sure of itself."""


@dataclass(frozen=True)
class Candidate:
    """A tag that another one may be a spelling of, with the log odds from how they differ."""

    row: int
    odds: float
    how: str


def correct_spellings(
    counts: TagCounts, lexicon: Lexicon, config: LabelsConfig, index: SpellingIndex | None = None
) -> list[Decision]:
    """One decision for each tag of at least one GIF: kept, or the more frequent tag that it is a spelling of.

    Real words are never merged. A tag whose words are all English, or slang, stays (bear and beer), unless another tag
    is the same but for spaces or accents. Any other tag is compared with similar, more frequent ones (SymSpell:
    swapped, missing, added or wrong letters; prefixes; letters drawn out). Log odds of how they differ, of the counts,
    and of the tags on their GIFs (TagCounts.support) must together reach config.spelling_odds. A target that is itself
    a misspelling is followed to its end. `index` is one of the same tags before some were dropped; a dropped tag is on
    no GIF, so nothing is a spelling of it. Cost: one look-up a tag that is no word, 0.1 to 1 ms
    where SymSpell is asked.
    """
    index = index or SpellingIndex(counts, config.min_gifs)
    targets: dict[int, tuple[int, str]] = {}
    for row in np.flatnonzero(counts.num_gifs > 0).tolist():
        found = _spelling_of(row, counts, lexicon, index, config.spelling_odds)
        if found is not None:
            targets[row] = found
    decisions = []
    for row in np.flatnonzero(counts.num_gifs > 0).tolist():
        tag, end, why = counts.tags[row], row, []
        while end in targets:  # counts only grow along the way, so there is no circle
            end, how = targets[end]
            why.append(how)
        target = None if end == row else counts.tags[end]
        decisions.append(Decision(tag, "spelling", "kept" if target is None else "corrected", "; ".join(why), target))
    return decisions


def _spelling_of(
    row: int, counts: TagCounts, lexicon: Lexicon, index: SpellingIndex, least: float
) -> tuple[int, str] | None:
    """The row of the right spelling, and how it is known."""
    tag = counts.tags[row]
    is_word = lexicon.is_listed(tag)
    candidates = index.same_letters(row)
    if not is_word:
        candidates += [*index.drawn_out(row), *index.similar(row), *index.longer(row)]
    elif _is_cut_phrase(tag):
        candidates += index.longer(row)
    doubt = 0.0
    if not is_word:
        doubt = _RARE_WORD if lexicon.is_english(tag) else _FOREIGN_WORD if lexicon.foreign_languages(tag) else 0.0
    best: tuple[float, int, str] | None = None
    for candidate in candidates:
        target = counts.tags[candidate.row]
        if _order(counts, candidate.row) <= _order(counts, row) or _are_two_words(tag, target, lexicon):
            continue
        ratio = counts.num_gifs[candidate.row] / counts.num_gifs[row]
        support = float(np.clip(counts.support(row, candidate.row), -_MOST_SUPPORT, _MOST_SUPPORT))
        odds = candidate.odds + float(np.log(ratio)) + support + doubt
        odds += 0.0 if lexicon.is_english(target) else _UNKNOWN_TARGET
        how = f"{candidate.how} {target}, {ratio:.0f} times as frequent, context {support:+.1f}"
        if odds >= least and (best is None or (odds, candidate.row) > best[:2]):
            best = (odds, candidate.row, how)
    return None if best is None else best[1:]


def _is_cut_phrase(tag: str) -> bool:
    """Whether the last word may be cut off: `thank y` has English words, but nobody meant the last one."""
    words = tag.split()
    return len(words) > 1 and len(words[-1]) <= 2


def _are_two_words(tag: str, target: str, lexicon: Lexicon) -> bool:
    """Whether both are single words on the list: bear and beer are two words, café and cafe may be one."""
    return " " not in tag + target and lexicon.is_listed(tag) and lexicon.is_listed(target)


def _order(counts: TagCounts, row: int) -> tuple[int, str]:
    """A strict order by GIFs. Of two tags one can be the spelling of the other, but never both."""
    return int(counts.num_gifs[row]), counts.tags[row]


class SimilarTags:
    """Tags found by SymSpell. Memory: about 4 KB a tag, 0.5 GB for the 120,000 that are on enough GIFs of a million."""

    def __init__(self, tags: Iterable[str]) -> None:
        symspell = need("symspellpy")
        self._closest = symspell.Verbosity.ALL
        self._symspell: Any = symspell.SymSpell(max_dictionary_edit_distance=2, prefix_length=7)
        for tag in tags:
            self._symspell.create_dictionary_entry(tag, 1)

    def look_up(self, tag: str) -> dict[str, int]:
        """Edits, by tag that is one edit away, or two if the given tag has eight letters."""
        if len(tag) < 3 or any(char.isdigit() for char in tag):
            return {}
        most = 2 if len(tag) >= 8 else 1
        found = self._symspell.lookup(tag, self._closest, max_edit_distance=most)
        return {item.term: item.distance for item in found if item.distance > 0}


class SpellingIndex:
    """Tags of at least min_gifs GIFs, found by letters, by SymSpell and by their beginning.

    `similar` has what SimilarTags.look_up gives for each tag that is no word; without it SymSpell is asked, once a tag.
    """

    def __init__(
        self, counts: TagCounts, min_gifs: int, similar: Mapping[str, Mapping[str, int]] | None = None
    ) -> None:
        self._counts = counts
        self._by_letters: dict[str, list[int]] = defaultdict(list)
        self._by_start: dict[str, list[int]] = defaultdict(list)
        targets = right_spellings(counts, min_gifs)
        self._look_up: Callable[[str], Mapping[str, int]] = (
            functools.cache(SimilarTags(targets).look_up) if similar is None else lambda tag: similar.get(tag, {})
        )
        for tag in targets:
            row = counts.rows[tag]
            self._by_letters[letters(tag)].append(row)
            for cut in range(1, _MAX_CUT + 1):
                if len(tag) - cut >= 4:
                    self._by_start[tag[:-cut]].append(row)

    def same_letters(self, row: int) -> list[Candidate]:
        """Tags that differ by spaces and accents alone."""
        found = self._by_letters.get(letters(self._counts.tags[row]), [])
        return [Candidate(other, 8.0, "spaces or accents of") for other in found if other != row]

    def drawn_out(self, row: int) -> list[Candidate]:
        """Tags with single or double letters where this one has three or more."""
        tag = self._counts.tags[row]
        if not _DRAWN_OUT.search(tag):
            return []
        forms = {letters(_DRAWN_OUT.sub(kept, tag)) for kept in (r"\1", r"\1\1")}
        found = {other for form in forms for other in self._by_letters.get(form, []) if other != row}
        return [Candidate(other, 8.0, "letters drawn out of") for other in sorted(found)]

    def similar(self, row: int) -> list[Candidate]:
        """Tags one edit away; two edits if both have about eight letters, since an edit changes a short word more."""
        tag, found = self._counts.tags[row], []
        for other, distance in self._look_up(tag).items():
            shorter = min(len(tag), len(other))
            if shorter < 3 or (distance == 2 and shorter < 7):
                continue
            odds = _EDIT_ODDS[distance] - (1.0 if shorter == 3 else 0.0)
            odds -= 1.5 if tag[0] != other[0] and sorted(tag) != sorted(other) else 0.0
            how = f"{'one letter' if distance == 1 else 'two letters'} off"
            found.append(Candidate(self._counts.rows[other], odds, how))
        return found

    def longer(self, row: int) -> list[Candidate]:
        """Tags that begin with this one and have up to three letters more."""
        found = self._by_start.get(self._counts.tags[row], [])
        return [Candidate(other, 2.5, "beginning of") for other in found]


def right_spellings(counts: TagCounts, min_gifs: int) -> list[str]:
    """The tags that others may be spellings of: those of at least min_gifs GIFs."""
    return [counts.tags[row] for row in np.flatnonzero(counts.num_gifs >= min_gifs)]


def unlisted_tags(counts: TagCounts, lexicon: Lexicon) -> list[str]:
    """The tags whose spelling is in doubt: not all of their words are listed. Only these are looked up."""
    return [tag for tag in counts.tags if not lexicon.is_listed(tag)]


def letters(tag: str) -> str:
    """The tag without spaces and accents, so that `ice cream`, `icecream` and `ice-crème` begin alike."""
    plain = unicodedata.normalize("NFKD", tag.replace(" ", ""))
    return "".join(char for char in plain if not unicodedata.combining(char))

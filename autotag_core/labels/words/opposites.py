"""Words that stand among the same words but mean the opposite. No statistic of use tells them from synonyms."""

from __future__ import annotations

from autotag_core.word_lists import read_word_list

_OPPOSITES = frozenset(frozenset(row.values()) for row in read_word_list(__package__, "opposites.csv"))
_NEGATIONS = ("un", "dis", "non", "anti", "counter", "de", "im", "in", "ir", "mis")


def are_opposites(left: str, right: str, lemma_left: str, lemma_right: str) -> bool:
    """Whether the two tags say opposite things, or the same of different numbers, weekdays or sexes.

    Their words, or the lemmas of these, are compared place by place. The tags are opposites if all unequal words are
    opposites of the list above, a word and its negation (`happy`, `unhappy`), or two numbers. They also are if they
    have the same words in another order (`left to right`).
    """
    for first, second in ((left.split(), right.split()), (lemma_left.split(), lemma_right.split())):
        if first != second and sorted(first) == sorted(second):
            return True
        if len(first) != len(second):
            continue
        unequal = [pair for pair in zip(first, second, strict=True) if pair[0] != pair[1]]
        if unequal and all(_opposite_words(*pair) for pair in unequal):
            return True
    return False


def _opposite_words(left: str, right: str) -> bool:
    if frozenset((left, right)) in _OPPOSITES or (left.isdigit() and right.isdigit()):
        return True
    short, long = sorted((left, right), key=len)
    return len(short) >= 3 and any(long == negation + short for negation in _NEGATIONS)

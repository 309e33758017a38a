"""Words that stand among the same words but mean the opposite. No statistic of use tells them from synonyms."""

from __future__ import annotations

_PAIRS = """
left/right up/down in/out on/off yes/no hot/cold big/small happy/sad love/hate hello/goodbye hi/bye hello/bye hi/goodbye
good/bad win/lose laugh/cry old/new old/young young/old day/night night/morning morning/evening day/evening black/white
boy/girl man/woman men/women king/queen mom/dad mother/father brother/sister husband/wife son/daughter prince/princess
rise/fall grow/shrink open/close start/stop start/end begin/end first/last high/low fast/slow rich/poor right/wrong
true/false awake/asleep before/after inside/outside top/bottom front/back more/less light/dark light/heavy hard/soft
early/late push/pull give/take come/go ask/answer agree/disagree like/dislike weekday/weekend summer/winter
spring/autumn spring/fall sun/moon sunrise/sunset birth/death alive/dead male/female north/south east/west arrive/leave
always/never all/nothing everything/nothing loud/quiet heaven/hell angel/devil enter/exit clean/dirty empty/full
strong/weak thick/thin wet/dry wide/narrow increase/decrease grow/dwindle multiply/dwindle buy/sell he/she his/her
him/her monday/tuesday monday/wednesday monday/thursday monday/friday monday/saturday monday/sunday tuesday/wednesday
tuesday/thursday tuesday/friday tuesday/saturday tuesday/sunday wednesday/thursday wednesday/friday wednesday/saturday
wednesday/sunday thursday/friday thursday/saturday thursday/sunday friday/saturday friday/sunday saturday/sunday
"""
_OPPOSITES = frozenset(frozenset(pair.split("/")) for pair in _PAIRS.split())
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

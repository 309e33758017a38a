"""Forms, slang and synonyms are one label; opposites and what only goes together are not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from autotag_core.config import LabelsConfig, TextConfig
from autotag_core.labels import Knowledge, Lexicon, Meaning, group_tags, load_meaning
from autotag_core.labels.words.opposites import are_opposites
from autotag_core.labels.words.stems import stem
from tests.core.labels.rows import counts_of, times

Gifs = Sequence[tuple[Sequence[str], Sequence[str]]]


@pytest.fixture(scope="module")
def meaning() -> Meaning:
    found = load_meaning(TextConfig())
    assert found is not None
    return found


def groups(
    lexicon: Lexicon, meaning: Meaning | None, gifs: Gifs, space: Mapping[str, np.ndarray] | None = None
) -> dict[str, str]:
    known = Knowledge(counts_of(gifs), lexicon, space or {}, meaning, LabelsConfig())
    return {item.tag: item.target for item in group_tags(known) if item.target is not None}


def test_forms_of_a_word_are_named_by_the_most_common(lexicon: Lexicon) -> None:
    gifs = times(9, "dancing") + times(4, "dance") + times(2, "dances") + times(3, "work out") + times(5, "workouts")
    assert groups(lexicon, None, gifs) == {"dance": "dancing", "dances": "dancing", "work out": "workouts"}


def test_forms_that_are_used_of_different_things_stay_apart(lexicon: Lexicon) -> None:
    gifs = times(9, "short") + times(4, "shorts")
    space = {"short": np.array([1.0, 0.0]), "shorts": np.array([-0.6, 0.8])}
    assert groups(lexicon, None, gifs) == {"shorts": "short"}
    assert groups(lexicon, None, gifs, space) == {}


def test_slang_that_says_the_same_is_one_label(lexicon: Lexicon) -> None:
    gifs = times(20, "lol", "cat") + times(8, "lmao", "dog") + times(9, "laughing") + times(5, "omg")
    assert groups(lexicon, None, gifs) == {"lmao": "lol", "laughing": "lol"}


def test_synonyms_that_stand_in_each_others_place_are_one_label(lexicon: Lexicon, meaning: Meaning) -> None:
    apart = times(40, "bicycle", "street") + times(12, "bike", "street")
    assert groups(lexicon, meaning, apart) == {"bike": "bicycle"}
    together = times(40, "bicycle", "street") + times(8, "bike", "bicycle") + times(4, "bike")
    assert groups(lexicon, meaning, together) == {}


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("happy", "sad"),
        ("left to right", "right to left"),
        ("fading in", "fading out"),
        ("yes", "no"),
        ("mom", "dad"),
        ("monday", "friday"),
        ("agree", "disagree"),
        ("cat", "dog"),
        ("coffee", "tea"),
        ("pizza", "burger"),
        ("happy", "birthday"),
    ],
)
def test_opposites_and_things_of_one_kind_stay_apart_though_used_alike(
    left: str, right: str, lexicon: Lexicon, meaning: Meaning
) -> None:
    gifs = times(60, left, "thing") + times(40, right, "thing")
    alike = {tag: np.array([0.6, 0.8]) for tag in (left, right, "thing")}
    assert right not in groups(lexicon, meaning, gifs, alike)


def test_what_goes_together_stays_apart_whatever_editors_say(lexicon: Lexicon, meaning: Meaning) -> None:
    words = [tag for tag in ("bird", "fish", "tree", "star") for _ in range(6)]
    others = [((tag,), (tag,)) for tag in words]
    cake = times(10, "cake", "birthday", editor=["birthday"]) + times(10, "cake", editor=["birthday"])
    assert groups(lexicon, meaning, [*others, *times(30, "birthday"), *cake]) == {}


def test_a_word_that_editors_replace_by_another_is_that_one(lexicon: Lexicon, meaning: Meaning) -> None:
    others: list[tuple[Sequence[str], Sequence[str]]] = [
        ((tag,), (tag,)) for tag in ("bird", "fish", "tree", "star") for _ in range(6)
    ]
    brolly = times(10, "brolly", editor=["umbrella"])
    known = [*others, *times(30, "umbrella"), *brolly]
    assert groups(lexicon, meaning, known) == {"brolly": "umbrella"}
    assert groups(lexicon, meaning, [*known, (("x",), ("brolly",))]) == {}  # editors use both words


def test_opposites_are_told_word_by_word() -> None:
    def opposite(left: str, right: str) -> bool:
        return are_opposites(left, right, left, right)

    assert opposite("good morning", "good night") and opposite("happy", "unhappy") and opposite("2019", "2020")
    assert opposite("left to right", "right to left") and opposite("weekday", "weekend")
    assert not opposite("happy", "glad") and not opposite("hot dog", "cold cat") and not opposite("a b", "a b c")


def test_stems() -> None:
    assert stem("celebrate") == stem("celebration") == stem("celebrating")
    assert stem("happy") == stem("happiness") == stem("happily")
    assert stem("bear") != stem("beer")

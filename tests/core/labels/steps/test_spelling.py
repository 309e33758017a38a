"""Misspellings become their word; real words never become each other."""

from __future__ import annotations

import numpy as np
import pytest

from autotag_core.config import LabelsConfig
from autotag_core.labels import Lexicon, SpellingIndex, correct_spellings
from tests.core.labels.rows import counts_of, times

PARTY = times(60, "happy birthday", "cake", "party") + times(20, "happy", "smile") + times(30, "ice cream", "dessert")
ANIMALS = times(40, "bear", "forest", "animal") + times(40, "beer", "pub", "drink")


def corrected(lexicon: Lexicon, *gifs: list[tuple[tuple[str, ...], tuple[str, ...]]]) -> dict[str, str]:
    counts = counts_of([gif for part in gifs for gif in part])
    return {
        item.tag: item.target for item in correct_spellings(counts, lexicon, LabelsConfig()) if item.target is not None
    }


@pytest.mark.parametrize(
    ("tag", "right"),
    [
        ("happy birtday", "happy birthday"),
        ("happybirthday", "happy birthday"),
        ("happyyy", "happy"),
        ("happy birthda", "happy birthday"),
        ("hapy", "happy"),
        ("icecream", "ice cream"),
        ("ice créam", "ice cream"),
        ("paarty", "party"),
    ],
)
def test_a_slip_becomes_its_word(tag: str, right: str, lexicon: Lexicon) -> None:
    assert corrected(lexicon, PARTY, times(1, tag)) == {tag: right}


def test_real_words_stay_apart_however_alike_and_however_rare_one_is(lexicon: Lexicon) -> None:
    assert corrected(lexicon, ANIMALS, times(1, "beer", "forest", "animal"), times(1, "bee", "animal")) == {}
    assert corrected(lexicon, times(40, "good night", "moon"), times(1, "good knight", "moon")) == {}


def test_what_stands_among_other_tags_is_another_name(lexicon: Lexicon) -> None:
    pokemon = times(40, "zorua", "pokemon", "fox", "game")
    assert corrected(lexicon, pokemon, times(3, "zoruu", "pokemon", "fox")) == {"zoruu": "zorua"}
    other = times(60, "opera", "singer", "stage") + times(3, "zoruu", "opera", "singer", "stage")
    assert corrected(lexicon, pokemon, other) == {}


def test_of_two_spellings_the_more_frequent_is_right(lexicon: Lexicon) -> None:
    assert corrected(lexicon, times(9, "smile", "tshirt"), times(5, "smile", "t shirt")) == {"t shirt": "tshirt"}
    assert corrected(lexicon, times(5, "smile", "tshirt"), times(9, "smile", "t shirt")) == {"tshirt": "t shirt"}


def test_a_rare_tag_is_no_right_spelling(lexicon: Lexicon) -> None:
    assert corrected(lexicon, times(2, "zorua"), times(1, "zoruaa")) == {}


def test_an_index_of_more_tags_gives_the_spellings_of_those_that_are_left(lexicon: Lexicon) -> None:
    """The stage language has dropped `party`, so `paarty` has no right spelling any more."""
    slips = ("hapy", "paarty", "icecream", "happyyy", "happy birthda")
    counts = counts_of([gif for tag in slips for gif in times(1, tag)] + PARTY + ANIMALS)
    index = SpellingIndex(counts, LabelsConfig().min_gifs)
    whole = correct_spellings(counts, lexicon, LabelsConfig(), index)
    assert whole == correct_spellings(counts, lexicon, LabelsConfig())
    targets = np.arange(len(counts.tags))
    targets[counts.rows["party"]] = -1
    left = counts.merged(targets)
    found = correct_spellings(left, lexicon, LabelsConfig(), index)
    assert found == correct_spellings(left, lexicon, LabelsConfig())
    by_tag = ({item.tag: item.target for item in one} for one in (whole, found))
    assert [one["paarty"] for one in by_tag] == ["party", None]

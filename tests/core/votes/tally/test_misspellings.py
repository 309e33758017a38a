import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotag_core.sample.tagging.uploaders import misspell
from autotag_core.votes import MIN_LENGTH, is_slip

TAGS = st.text(string.ascii_lowercase + " ", min_size=MIN_LENGTH + 1, max_size=14).filter(
    lambda tag: tag.strip() == tag
)


@given(TAGS, st.integers(0, 2**32))
def test_every_slip_that_the_sample_makes_is_recognised_but_for_a_singular(tag, seed):
    written = misspell(tag, random.Random(seed))
    assert is_slip(written, tag) or written + "s" == tag or written == tag[1:]


@pytest.mark.parametrize(
    ("written", "meant"),
    [("kitetn", "kitten"), ("kiten", "kitten"), ("kittenn", "kitten"), ("kkitten", "kitten"), ("kitte", "kitten")],
)
def test_two_letters_swapped_one_left_out_or_one_doubled_is_a_slip(written, meant):
    assert is_slip(written, meant)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("kitten", "kitten"),
        ("kittens", "kitten"),  # a letter more, but no double: a plural
        ("kitten", "kittens"),  # a letter less, the singular
        ("horn", "horns"),
        ("horses", "horse"),
        ("lock", "block"),  # people seldom leave out the first letter
        ("itten", "kitten"),
        ("mitten", "kitten"),  # one letter for another
        ("kneitt", "kitten"),
        ("bread", "beard"),  # swapped, but not neighbors
        ("kitn", "kitten"),  # two left out
        ("kitttenn", "kitten"),  # two doubled
        ("dgo", "dog"),  # too short to tell
        ("dogg", "dog"),
        ("cat", "cats"),
        ("", ""),
    ],
)
def test_plurals_other_words_and_short_tags_are_no_slips(written, meant):
    assert not is_slip(written, meant)

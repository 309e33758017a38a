import random
from collections import Counter
from dataclasses import replace
from itertools import combinations
from math import sqrt

import numpy as np
import pytest
from scipy.stats import chi2_contingency

from autotag_core.config import VoteConfig
from autotag_core.drawing.factors import (
    FACTORS,
    MOTIONS,
    STILL_SHARE,
    SUBJECTS,
    USAGES,
    WRITTEN_SHARE,
    general_tag,
    recipe_of,
    vocabulary,
)
from autotag_core.sample.sessions import MAX_VIEWS, OFF_USAGE, SESSIONS_PER_GIF, draw_sessions
from autotag_core.sample.tagging.slips import misspell
from autotag_core.sample.tagging.uploaders import DEFAULT_RATES, MEANINGLESS, UploaderRates, upload_of

NUM_GIFS = 2000
TRUE_TAGS = {tag for tags in vocabulary().values() for tag in tags}


@pytest.fixture(scope="module")
def recipes():
    return [recipe_of(7, index) for index in range(NUM_GIFS)]


@pytest.fixture(scope="module")
def uploads(recipes):
    return [upload_of(recipe) for recipe in recipes]


def assert_rate(count, total, rate):
    """Within four standard deviations of a binomial: a right rate fails once in 16,000."""
    assert abs(count - total * rate) <= 4 * sqrt(total * rate * (1 - rate)), (count / total, rate)


def test_a_recipe_depends_on_seed_and_index_alone():
    assert recipe_of(7, 3) == recipe_of(7, 3)
    assert recipe_of(7, 3) != recipe_of(8, 3)
    assert recipe_of(7, 3).tags() == ["cactus", "plant", "fading out", "office", "everyday"]


def test_factors_are_evenly_drawn_and_independent_of_each_other(recipes):
    values = {
        "shown": [recipe.subject for recipe in recipes],
        "motion": [f"{recipe.change} {recipe.order}" for recipe in recipes if recipe.change],
        "usage": [recipe.usage for recipe in recipes],
    }
    for name, num_values in (("shown", len(SUBJECTS)), ("motion", 3 * len(MOTIONS)), ("usage", len(USAGES))):
        counts = Counter(values[name])
        assert len(counts) == num_values
        for count in counts.values():
            assert_rate(count, len(values[name]), 1 / num_values)
    columns = {
        "subject": [recipe.subject for recipe in recipes],
        "scene": [str(recipe.scene) for recipe in recipes],
        "motion": [f"{recipe.change} {recipe.order}" for recipe in recipes],
        "written": [str(recipe.word) for recipe in recipes],
        "usage": [recipe.usage for recipe in recipes],
    }
    for first, second in combinations(columns, 2):
        pairs = Counter(zip(columns[first], columns[second], strict=True))
        table = [[pairs[a, b] for b in set(columns[second])] for a in set(columns[first])]
        assert chi2_contingency(table).pvalue > 1e-4, (first, second)
    assert_rate(sum(recipe.phrase is not None for recipe in recipes), NUM_GIFS, WRITTEN_SHARE)
    assert_rate(sum(recipe.change is None for recipe in recipes), NUM_GIFS, STILL_SHARE)


def test_no_tag_belongs_to_two_factors():
    names = [tag for tags in vocabulary().values() for tag in tags]
    assert len(names) == len(set(names))
    assert not set(MEANINGLESS) & set(names)


def test_true_tags_are_missing_at_the_stated_rate_of_their_factor(recipes, uploads):
    for factor in FACTORS:
        true = [tag for recipe in recipes for tag in recipe.factor_tags()[factor]]
        missing = sum(
            len(set(upload.missing) & set(recipe.factor_tags()[factor]))
            for recipe, upload in zip(recipes, uploads, strict=True)
        )
        assert_rate(missing, len(true), DEFAULT_RATES.missing[factor])


def test_what_is_not_missing_is_too_general_misspelled_or_said_at_the_stated_rates(recipes, uploads):
    said = [
        (tag, recipe.tags(), upload)
        for recipe, upload in zip(recipes, uploads, strict=True)
        for tag in recipe.tags()
        if tag not in upload.missing
    ]
    with_general = [(tag, upload) for tag, _, upload in said if general_tag(tag)]
    too_general = [(tag, upload) for tag, upload in with_general if tag in upload.too_general]
    assert_rate(len(too_general), len(with_general), DEFAULT_RATES.too_general)
    assert all(general_tag(tag) in upload.tags and tag not in upload.tags for tag, upload in too_general)
    spelled = [(tag, upload) for tag, _, upload in said if tag not in upload.too_general]
    misspelled = [tag for tag, upload in spelled if tag in upload.misspelled]
    assert_rate(len(misspelled), len(spelled), DEFAULT_RATES.misspelled)
    assert all(tag in upload.tags for tag, upload in spelled if tag not in upload.misspelled)


def test_wrong_meaningless_and_editorial_tags_and_captions_come_at_the_stated_rates(recipes, uploads):
    both = list(zip(recipes, uploads, strict=True))
    wrong = [
        (recipe, upload)
        for recipe, upload in both
        if set(upload.tags) & TRUE_TAGS - set(recipe.tags()) - {general_tag(tag) for tag in recipe.tags()}
    ]
    assert_rate(len(wrong), NUM_GIFS, DEFAULT_RATES.wrong)
    assert_rate(sum(bool(set(upload.tags) & set(MEANINGLESS)) for upload in uploads), NUM_GIFS, 0.2)
    reviewed = [(recipe, upload) for recipe, upload in both if upload.reviewed]
    editorial = [(recipe, upload) for recipe, upload in both if upload.editorial_tags and not upload.reviewed]
    assert_rate(len(editorial), NUM_GIFS, DEFAULT_RATES.editorial)
    assert_rate(len(reviewed), NUM_GIFS - len(editorial), DEFAULT_RATES.reviewed)
    assert all(upload.editorial_tags == recipe.tags() for recipe, upload in editorial + reviewed)
    assert_rate(sum(upload.caption is not None for upload in uploads), NUM_GIFS, DEFAULT_RATES.caption)


@pytest.mark.parametrize("seed", range(8))
def test_four_hundred_gifs_are_enough_to_weigh_experts_and_learn_probabilities_beside_a_test_split(seed):
    uploads = [upload_of(recipe_of(seed, index)) for index in range(400)]
    validation = sum(bool(upload.editorial_tags) and not upload.reviewed for upload in uploads)
    assert validation >= VoteConfig().min_evaluation_gifs
    assert 20 <= sum(upload.reviewed for upload in uploads) <= 60


def test_who_is_reviewed_changes_nothing_else_that_uploaders_say(recipes, uploads):
    for recipe, upload in zip(recipes[:200], uploads, strict=False):
        other = upload_of(recipe, UploaderRates(reviewed=0))
        assert replace(upload, reviewed=False, editorial_tags=other.editorial_tags) == other


def test_without_noise_uploaders_tell_the_truth(recipes):
    honest = UploaderRates(dict.fromkeys(FACTORS, 0.0), too_general=0, misspelled=0, wrong=0, meaningless=0)
    for recipe in recipes[:100]:
        assert sorted(upload_of(recipe, honest).tags) == sorted(recipe.tags())


def test_tags_of_an_upload_are_distinct_and_an_upload_is_repeatable(recipes, uploads):
    assert all(len(set(upload.tags)) == len(upload.tags) for upload in uploads)
    assert [upload_of(recipe) for recipe in recipes[:50]] == uploads[:50]


def test_a_misspelled_tag_is_near_the_tag_and_no_tag_itself():
    for tag in sorted(TRUE_TAGS):
        for seed in range(20):
            spelled = misspell(tag, random.Random(seed))
            assert spelled not in TRUE_TAGS and spelled == spelled.strip()
            assert abs(len(spelled) - len(tag)) <= 1 and set(spelled) <= set(tag)


def test_popularity_has_a_long_tail(uploads):
    popularity = np.sort([upload.popularity for upload in uploads])[::-1]
    assert popularity.min() >= 1
    assert np.median(popularity) < 20
    assert popularity.max() > 500
    assert popularity[: NUM_GIFS // 20].sum() > popularity.sum() / 2


def test_people_look_at_gifs_of_one_usage_together(recipes, uploads):
    usages = np.array([list(USAGES).index(recipe.usage) for recipe in recipes], np.int8)
    popularity = np.array([upload.popularity for upload in uploads])
    sessions = list(draw_sessions(7, usages, popularity))
    assert len(sessions) == SESSIONS_PER_GIF * NUM_GIFS
    assert [session.indices for session in sessions] == [s.indices for s in draw_sessions(7, usages, popularity)]
    same = total = 0
    for session in sessions:
        assert len(set(session.indices)) == len(session.indices) <= MAX_VIEWS
        kinds = [recipes[index].usage for index in session.indices]
        same += sum(a == b for a, b in combinations(kinds, 2))
        total += len(kinds) * (len(kinds) - 1) // 2
    # both views on the usage, or one or both off it and there by chance (1 in 12)
    both = (1 - OFF_USAGE) ** 2
    assert same / total == pytest.approx(both + (1 - both) / len(USAGES), abs=0.03)
    views = Counter(index for session in sessions for index in session.indices)
    assert len(views) > 0.95 * NUM_GIFS
    popular, rare = np.argsort(-popularity)[:100], np.argsort(popularity)[:100]
    assert sum(views[int(i)] for i in popular) > 2 * sum(views[int(i)] for i in rare)

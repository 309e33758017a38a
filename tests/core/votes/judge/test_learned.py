"""The learned judge on small catalogs whose truth is drawn here, against what a naive one makes of them."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from autotag_core.config import VoteConfig
from autotag_core.evaluation.quality import area_under_curve
from autotag_core.votes import RULES, ExpertWeight, default_weights
from autotag_core.votes.judge.fit_learned import (
    MIN_RIGHT_NEW,
    fit_learned,
    positive_unlabeled,
    ridge_logistic,
    unmatched_chance,
)
from autotag_core.votes.judge.learned import OWN_FEATURES, START, new_tag_features, reasons, without_echo
from autotag_core.votes.judge.learned_loops import EXPERT_FEATURES, TAG_FEATURES

CONFIG = VoteConfig()
EXPERTS = {"imagenet": ExpertWeight(0.6, 0.5), "semantic": ExpertWeight(0.9, 0.8), "temporal": ExpertWeight(0.5, 0.4)}
WEIGHTS = default_weights(EXPERTS, CONFIG)


def drawn_pairs(evidence, seed, num_gifs, echo=0.0, is_taught=False):
    """Pairs and whether they are right: six new and four own tags a GIF. `imagenet` sees what is right; `temporal` adds
    `echo` to its share of every own tag.
    """
    rng = np.random.default_rng(seed)
    num = 10 * num_gifs
    is_own = np.tile([False] * 6 + [True] * 4, num_gifs)
    is_right = rng.random(num) < np.where(is_own, 0.8, 0.15)
    prior = np.exp(rng.uniform(np.log(0.01), np.log(0.3), num))

    def expert(strength, added=0.0):
        share = np.clip(prior * rng.gamma(1.0, 1.0, num) + is_right * strength * rng.random(num) + added, 0, 1)
        return {"share": share, "spread": 8.0, "lift": 1 + 6 * rng.random(num), "votes": 1}

    experts = {"imagenet": expert(0.5), "semantic": expert(0.0, 0.3 * is_own), "temporal": expert(0.2, echo * is_own)}
    flags = {"is_own": is_own, "is_taught": is_own & is_taught}
    gifs = np.repeat(np.arange(num_gifs), 10)
    pairs = evidence(experts, **flags, prior=prior, gifs=gifs, together=is_right * rng.random(num))
    return pairs, is_right


@pytest.fixture(scope="module")
def taught(evidence):
    """What 150 validation GIFs teach."""
    pairs, is_right = drawn_pairs(evidence, 3, 150)
    return fit_learned(pairs, is_right, WEIGHTS, CONFIG, {})


def scores(pairs, learned):
    return RULES["learned"](pairs, replace(WEIGHTS, learned=learned), CONFIG)


def test_right_tags_are_told_from_wrong_ones_better_than_by_reliability(evidence, taught):
    pairs, is_right = drawn_pairs(evidence, 4, 400)
    for kind in (pairs.is_own, ~pairs.is_own):
        by_reliability = RULES["reliability"](pairs, WEIGHTS, CONFIG)
        learned, plain = (
            area_under_curve(found[kind], is_right[kind]) for found in (scores(pairs, taught), by_reliability)
        )
        assert learned > plain + 0.01, (learned, plain)


def test_scores_are_chances(evidence, taught):
    pairs, is_right = drawn_pairs(evidence, 5, 1000)
    found = scores(pairs, taught)
    for low, high in ((0.0, 0.2), (0.2, 0.8), (0.8, 1.0)):
        inside = (found >= low) & (found < high)
        assert is_right[inside].mean() == pytest.approx(found[inside].mean(), abs=0.06)


def test_editors_who_leave_out_right_tags_move_no_chance(evidence):
    """Who takes every tag that an editor did not repeat for wrong calls right tags less probable than they are."""
    pairs, is_right = drawn_pairs(evidence, 6, 600)
    given = is_right & (np.random.default_rng(1).random(len(is_right)) >= 0.3)
    found = fit_learned(pairs, given, WEIGHTS, CONFIG, {})
    assert found.own.left_out == pytest.approx(0.3, abs=0.08)
    others, truth = drawn_pairs(evidence, 7, 600)
    own = others.is_own
    learned = scores(others, found)[own]
    assert learned.mean() == pytest.approx(truth[own].mean(), abs=0.06)
    naive = LogisticRegression().fit(np.ones((len(given[pairs.is_own]), 1)), given[pairs.is_own])
    assert naive.predict_proba([[1.0]])[0, 1] < truth[own].mean() - 0.15


def test_tags_that_no_train_gif_has_are_judged_alike_and_teach_of_themselves_alone(evidence):
    pairs, is_right = drawn_pairs(evidence, 8, 200)
    is_novel = pairs.is_own & (np.arange(len(pairs)) % 3 == 0)
    novel = replace(pairs, prior=np.where(is_novel, 0.0, pairs.prior))
    never, always = (
        fit_learned(novel, np.where(is_novel, given, is_right), WEIGHTS, CONFIG, {}) for given in (False, True)
    )
    assert replace(never.own, unmatched=0.0) == replace(always.own, unmatched=0.0)
    assert never.own.unmatched < always.own.unmatched
    assert scores(novel, never)[is_novel] == pytest.approx(expit(never.own.unmatched))
    names, parts = reasons(never, novel)
    assert parts[is_novel, names.index("how common it is")] == pytest.approx(never.own.unmatched - never.own.base)


def test_a_tag_that_no_train_gif_has_is_as_right_as_editors_say_unless_they_keep_to_a_list():
    def chance(asked: tuple[int, int], free: tuple[int, int], left_out: float = 0.1) -> float:
        return unmatched_chance(0.95, left_out, asked, free)

    nothing = (0, 0)
    assert chance(nothing, nothing) == pytest.approx(0.95, abs=0.005)
    assert 0.8 < chance(nothing, (720, 1000)) < 0.87  # 0.72 = 0.9 x 0.8
    assert chance(nothing, (0, 1000)) > 0.9 and chance(nothing, (250, 1000)) > 0.9  # so few are right nowhere
    assert chance((50, 100), nothing) == pytest.approx(0.54, abs=0.02)  # an editor who was asked leaves nothing out
    assert chance(nothing, (90, 100), 0.0) < chance(nothing, (90, 100), 0.1)


def test_an_expert_that_has_learned_train_gifs_tags_by_heart_does_not_confirm_them(evidence):
    """Its share of each train GIF's tag is .3 higher than of a validation GIF's: naively all look right."""
    known, is_right = drawn_pairs(evidence, 9, 300)
    train, truth = drawn_pairs(evidence, 10, 600, echo=0.3, is_taught=True)
    own = train.is_own
    excess = float((train.experts["temporal"].share - train.prior)[own].mean())
    naive, honest = (fit_learned(known, is_right, WEIGHTS, CONFIG, taught) for taught in ({}, {"temporal": excess}))
    assert dict(honest.echoes)["temporal"] == pytest.approx(0.3, abs=0.02)
    assert scores(train, naive)[own].mean() > truth[own].mean() + 0.05
    assert scores(train, honest)[own].mean() == pytest.approx(truth[own].mean(), abs=0.03)


def test_the_echo_is_taken_from_taught_tags_alone_and_leaves_no_share_below_0(evidence):
    pairs = evidence({"temporal": {"share": [0.5, 0.5, 0.1, np.nan]}}, is_taught=[True, False, True, True])
    found = without_echo(pairs, (("temporal", 0.2),)).experts["temporal"].share
    assert found == pytest.approx([0.3, 0.5, 0.0, np.nan], nan_ok=True)


def test_too_few_given_tags_teach_nothing_and_reliability_judges(evidence):
    pairs, is_right = drawn_pairs(evidence, 11, 60)
    few = is_right & (np.cumsum(is_right & ~pairs.is_own) < MIN_RIGHT_NEW)
    assert fit_learned(pairs, few, WEIGHTS, CONFIG, {}) is None
    assert list(scores(pairs, None)) == list(RULES["reliability"](pairs, WEIGHTS, CONFIG))


def test_without_own_tags_new_ones_are_learned_and_own_ones_judged_by_reliability(evidence, taught):
    pairs, _ = drawn_pairs(evidence, 12, 50)
    found = scores(pairs, replace(taught, own=None))
    assert found[pairs.is_own] == pytest.approx(RULES["reliability"](pairs, WEIGHTS, CONFIG)[pairs.is_own])
    assert found[~pairs.is_own] == pytest.approx(scores(pairs, taught)[~pairs.is_own])


def test_a_block_of_rows_does_not_matter_to_the_bit(evidence, taught):
    pairs, _ = drawn_pairs(evidence, 13, 80)
    whole = scores(pairs, taught)
    parts = [scores(pairs.where(np.arange(len(pairs)) % 7 == part), taught) for part in range(7)]
    assert all((whole[part::7] == found).all() for part, found in enumerate(parts))


def test_what_moves_an_own_tag_adds_up_to_its_log_odds(evidence, taught):
    pairs, _ = drawn_pairs(evidence, 14, 50)
    own = pairs.where(pairs.is_own)
    says = taught.own_says(own)
    assert says.shape == (len(own), len(OWN_FEATURES))
    assert expit(taught.own.base + says.sum(axis=1)) == pytest.approx(scores(own, taught))


def test_reasons_add_up_to_the_log_odds_and_slips_have_none(evidence, taught):
    pairs, _ = drawn_pairs(evidence, 15, 50)
    pairs = replace(pairs, is_slip=pairs.is_own & (np.arange(len(pairs)) % 5 == 0))
    names, found = reasons(taught, pairs)
    assert np.isnan(found[pairs.is_slip]).all()
    rest = ~pairs.is_slip
    assert expit(np.nansum(found[rest], axis=1)) == pytest.approx(scores(pairs, taught)[rest])
    said = {
        name for name, column in zip(names, found[pairs.is_own & rest].T, strict=True) if not np.isnan(column).all()
    }
    assert said == {START, *OWN_FEATURES}


def test_features_of_a_new_tag_are_what_they_are_called(evidence):
    experts = {"a": {"share": [0.25], "lift": 2.0, "spread": 8.0}, "b": {"share": [np.nan], "lift": 3.0}}
    (row,) = new_tag_features(evidence(experts, prior=0.1), ["a", "b"], [0.5, 0.5])
    assert len(row) == 2 * len(EXPERT_FEATURES) + len(TAG_FEATURES)
    likelihood = 8.0 * (0.25 * np.log(2) - 0.1)
    assert row[:5] == pytest.approx([0.125, 0.125**0.5, np.log(0.253 / 0.103), np.log(2), likelihood])
    assert row[5:10] == pytest.approx([0.0] * 5)
    assert row[10:] == pytest.approx([np.log(0.101), 0.0, 0.0, 0.125, 0.125**0.5, np.log(0.135)])
    alike = evidence({"a": {"share": [0.0] * 4}}, likeness=[-9.0, 1.0, 3.0, 9.0])
    assert pytest.approx(np.array([[-6, 1, 3, 6], [0, 0, 1, 4]])) == new_tag_features(alike, ["a"], [0.5])[:, 6:8].T


def test_the_ridge_is_that_of_scikit_learn():
    rng = np.random.default_rng(2)
    features = rng.normal(size=(400, 5))
    outcomes = (rng.random(400) < expit(features @ [1, -1, 0.5, 0, 2])).astype(float)
    found = ridge_logistic(features, outcomes, 4.0, np.zeros(5))
    expected = LogisticRegression(C=1 / 4, tol=1e-10, max_iter=1000).fit(features, outcomes)
    assert found[:-1] == pytest.approx(expected.coef_[0], abs=1e-5)
    assert found[-1] == pytest.approx(expected.intercept_[0], abs=1e-5)


def test_the_ridge_draws_weights_to_the_usual_ones():
    rng = np.random.default_rng(4)
    features, usual = rng.normal(size=(60, 3)), np.array([1.0, 0.0, -2.0])
    outcomes = (rng.random(60) < 0.3).astype(float)
    firm, loose = (ridge_logistic(features, outcomes, ridge, usual) for ridge in (1e6, 5.0))
    assert firm[:-1] == pytest.approx(usual, abs=1e-3)
    chances = expit(features @ loose[:-1] + loose[-1])
    assert features.T @ (chances - outcomes) + 5.0 * (loose[:-1] - usual) == pytest.approx([0.0] * 3, abs=1e-4)


def test_while_editors_have_said_little_new_tags_are_in_the_order_of_reliability(evidence, monkeypatch):
    monkeypatch.setattr("autotag_core.votes.judge.fit_learned.NEW_RIDGE", 1e9)
    pairs, is_right = drawn_pairs(evidence, 41, 60)
    found = scores(pairs, fit_learned(pairs, is_right, WEIGHTS, CONFIG, {}))[~pairs.is_own]
    plain = RULES["reliability"](pairs, WEIGHTS, CONFIG)[~pairs.is_own]
    assert (np.diff(found[np.argsort(plain)]) > -1e-6).all()
    assert found.max() > 2 * found.min()


def test_with_many_rows_positive_unlabeled_learning_finds_what_made_them():
    rng = np.random.default_rng(3)
    features = rng.normal(size=(20_000, 2))
    given = (rng.random(20_000) < 0.8 * expit(features @ [2.0, -1.0] + 1)).astype(float)
    weights, base, left_out = positive_unlabeled(features, given, np.zeros(2), np.full(2, 3.0), (2.0, 18.0))
    assert weights == pytest.approx([2.0, -1.0], abs=0.2)
    assert (base, left_out) == (pytest.approx(1.0, abs=0.15), pytest.approx(0.2, abs=0.02))


def test_who_was_asked_about_a_tag_leaves_nothing_out(evidence):
    """Answers about train GIFs alone: refused own tags are wrong, and no probability is raised."""
    pairs, is_right = drawn_pairs(evidence, 8, 150)
    found = fit_learned(pairs, is_right, WEIGHTS, CONFIG, {"temporal": 0.3}, np.ones(len(is_right), bool))
    assert (found.own.left_out, found.echoes) == (0.0, ())
    others, truth = drawn_pairs(evidence, 9, 400)
    for kind in (others.is_own, ~others.is_own):
        plain = RULES["reliability"](others, WEIGHTS, CONFIG)
        assert area_under_curve(scores(others, found)[kind], truth[kind]) > area_under_curve(plain[kind], truth[kind])


def test_answers_beside_editors_who_leave_out_say_how_much_they_left_out():
    """Without its answers, what is left out and what is wrong can't be told apart by given tags alone."""
    rng = np.random.default_rng(12)
    features = np.zeros((4000, 1))
    right = rng.random(4000) < 0.8
    is_asked = np.arange(4000) < 2000
    given = (right & (is_asked | (rng.random(4000) >= 0.3))).astype(float)
    usual, spread = np.zeros(1), np.full(1, 0.1)
    _, base, left_out = positive_unlabeled(features, given, usual, spread, (2.0, 18.0), is_asked)
    assert (expit(base), left_out) == (pytest.approx(0.8, abs=0.03), pytest.approx(0.3, abs=0.03))

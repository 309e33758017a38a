import math
from dataclasses import replace

import numpy as np
import pytest

from autotag_core.config import VoteConfig
from autotag_core.votes import ExpertWeight, Weights, default_weights, fit_own_tags

EXPERTS = {name: ExpertWeight(0.5, 0.5) for name in ("useful", "useless", "misleading")}


@pytest.fixture(scope="module")
def drawn(evidence):
    """800 own tags, 70% right: `useful` has neighbors with the right ones, `misleading` with the wrong ones."""
    rng = np.random.default_rng(3)
    is_right = rng.random(800) < 0.7
    shares = {"useful": is_right, "useless": rng.random(800) < 0.5, "misleading": ~is_right}
    said = {name: {"share": (0.2 + 0.3 * more) * rng.random(800)} for name, more in shares.items()}
    return evidence(said, is_own=True, prior=0.1), is_right


def test_before_anything_is_learned_semantic_is_not_heard_and_temporal_little():
    experts = {name: ExpertWeight(0.5, 0.25) for name in ("imagenet", "semantic", "temporal", "text")}
    found = default_weights(experts, VoteConfig().model_copy(update={"original_prior": 0.8}))
    assert {name: one.on_own_tags for name, one in found.experts.items()} == {
        "imagenet": 1.0,
        "semantic": 0.0,
        "temporal": 0.25,
        "text": 1.0,
    }
    assert {(one.published, one.on_new_tags) for one in found.experts.values()} == {(0.5, 0.25)}
    assert (found.together, found.own_log_odds) == (1.0, pytest.approx(math.log(4)))


def test_a_useless_expert_gets_less_weight_than_a_useful_one_and_none_falls_below_0(drawn):
    found = fit_own_tags(
        *drawn, default_weights(EXPERTS, VoteConfig()), VoteConfig().model_copy(update={"own_tags_ridge": 1.0})
    )
    factors = {name: one.on_own_tags for name, one in found.experts.items()}
    assert factors["useful"] > 1.0
    assert factors["useful"] > 2 * factors["useless"] >= 0.0
    assert factors["misleading"] == 0.0
    assert found.experts["useful"].published == found.experts["useful"].on_new_tags == 0.5


def test_a_firm_ridge_keeps_the_factors_at_half_their_defaults(drawn):
    found = fit_own_tags(
        *drawn, default_weights(EXPERTS, VoteConfig()), VoteConfig().model_copy(update={"own_tags_ridge": 1e9})
    )
    assert [one.on_own_tags for one in found.experts.values()] == pytest.approx([0.5] * 3, abs=1e-3)
    assert found.together == pytest.approx(0.5, abs=1e-3)


def test_the_score_as_a_new_tag_is_heard_where_validation_gifs_show_that_it_tells_without_experts_that_learned_tags(
    evidence,
):
    # semantic's neighbors have the right tags, though by chance as often, which its ratio calls nothing: it is no lift
    rng = np.random.default_rng(4)
    is_right = rng.random(800) < 0.7
    share = np.where(is_right, 0.6, 0.2) * rng.random(800)
    pairs = evidence({"semantic": {"share": share}}, is_own=True, prior=0.3)
    weights = default_weights({"semantic": ExpertWeight(0.5, 0.5)}, VoteConfig())
    found = fit_own_tags(pairs, is_right, weights, VoteConfig())
    assert (weights.as_new, found.as_new > 0.3) == (0.0, True)
    assert fit_own_tags(pairs, ~is_right, weights, VoteConfig()).as_new == 0.0
    trained = fit_own_tags(pairs, is_right, weights, VoteConfig().model_copy(update={"trained_on_tags": ("semantic",)}))
    assert trained.as_new == 0.0


def test_without_evidence_the_prior_is_the_share_of_right_tags(evidence):
    is_right = np.arange(100) < 60
    weights = default_weights({"a": ExpertWeight(0.5, 0.5)}, VoteConfig())
    found = fit_own_tags(evidence({"a": {"share": [np.nan] * 100}}, is_own=True), is_right, weights, VoteConfig())
    assert found.own_log_odds == pytest.approx(math.log(60 / 40), abs=1e-3)
    assert found.experts["a"].on_own_tags == pytest.approx(0.5, abs=1e-6)


def test_too_few_own_tags_teach_nothing_and_slips_and_new_tags_do_not_count(evidence):
    weights = Weights({"a": ExpertWeight(0.5, 0.5, 0.75)}, 0.5, 0.25, 1.0)
    is_right = np.arange(100) % 2 == 0
    share = np.where(is_right, 0.9, 0.1)
    for flags in ({"is_own": np.arange(100) < 49}, {"is_own": True, "is_slip": np.arange(100) >= 49}):
        pairs = evidence({"a": {"share": share}}, **flags)
        assert fit_own_tags(pairs, is_right, weights, VoteConfig()) == weights
        assert fit_own_tags(pairs, is_right, weights, VoteConfig(min_evaluation_gifs=49)) != weights


def test_an_expert_trained_on_train_tags_is_never_trusted_more_than_before_however_good_on_validation_gifs(drawn):
    pairs, is_right = drawn
    pairs = replace(pairs, experts={"temporal": pairs.experts["useful"]})
    weights = default_weights({"temporal": ExpertWeight(0.5, 0.0)}, VoteConfig())
    config = VoteConfig().model_copy(update={"own_tags_ridge": 1.0})
    unbound = fit_own_tags(pairs, is_right, weights, config.model_copy(update={"trained_on_tags": ()}))
    assert unbound.experts["temporal"].on_own_tags > 1.0
    assert fit_own_tags(pairs, is_right, weights, config).experts["temporal"].on_own_tags == 0.25


@pytest.mark.parametrize("right", [True, False])
def test_where_all_are_right_or_all_wrong_there_is_nothing_to_learn(right, evidence):
    weights = default_weights({"a": ExpertWeight(0.5, 0.5)}, VoteConfig())
    pairs = evidence({"a": {"share": np.linspace(0, 1, 100)}}, is_own=True)
    assert fit_own_tags(pairs, np.full(100, right), weights, VoteConfig()) == weights

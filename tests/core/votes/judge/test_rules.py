"""Each rule worked by hand on two or three pairs."""

import math

import numpy as np
import pytest

from autotag_core.config import VoteConfig
from autotag_core.votes import RULES, ExpertWeight, Weights, default_weights, published_confidence

CONFIG = VoteConfig(neighbors=3)
UNBOUND = VoteConfig(neighbors=3, lower_bound=0)
NAN = float("nan")


def weights(**by_name):
    """Each expert's weights as (published, on new tags)."""
    return default_weights({name: ExpertWeight(*both) for name, both in by_name.items()}, CONFIG)


def test_the_published_rule_adds_weighted_neighbors_over_the_largest_possible_vote(evidence):
    pairs = evidence({"a": {"share": [0.9] * 3, "votes": [2, 3, 0]}, "b": {"share": [NAN] * 3, "votes": [1, 3, 1]}})
    scores = RULES["published"](pairs, weights(a=(0.5, 0), b=(0.25, 0)), UNBOUND)
    assert scores == pytest.approx([1.25 / 2.25, 1.0, 0.25 / 2.25])


def test_the_published_rule_hears_no_new_tag_below_the_lower_bound_and_every_original_one(evidence):
    said = {"a": {"share": [0.5] * 4, "votes": [2, 2, 2, 3]}}
    pairs = evidence(said, is_own=[True, False, False, False], is_editorial=[False, True, False, False])
    scores = RULES["published"](pairs, weights(a=(0.5, 0.5)), VoteConfig(neighbors=3, lower_bound=1.5))
    assert scores == pytest.approx([2 / 3, 2 / 3, 0.0, 1.0])


def test_the_published_rule_over_a_gifs_own_largest_vote(evidence):
    said = {"a": {"share": [0.5] * 5, "votes": [2, 1, 1, 0, 0]}}
    pairs = evidence(said, gifs=[0, 0, 1, 1, 2])
    config = VoteConfig(neighbors=3, lower_bound=0, normalise="max")
    assert RULES["published"](pairs, weights(a=(0.5, 0.5)), config) == pytest.approx([1.0, 0.5, 1.0, 0.0, 0.0])


def test_the_published_rule_confirms_demotes_adds_and_leaves_alone_whom_nobody_saw(evidence):
    said = {"a": {"share": [0.5, 0.5, 0.5, NAN, 0.5, 0.5], "votes": [1, 0, 0, 0, 3, 1]}}
    flags = {"is_own": [True, True, False, True, False, False], "is_editorial": [False, False, True, *[False] * 3]}
    config = VoteConfig(neighbors=3, lower_bound=1.0).model_copy(update={"unconfirmed_confidence": 0.6})
    found = published_confidence(evidence(said, **flags), weights(a=(0.5, 0.5)), config)
    assert found == pytest.approx([1.0, 0.6, 1.0, 1.0, 1.0, 0.0])


def test_reliability_hears_an_expert_on_a_new_tag_as_far_as_its_lift_goes(evidence):
    pairs = evidence({"a": {"share": [0.5, 0.5, 0.5], "lift": [2.0, 50.0, 1.0]}})
    scores = RULES["reliability"](pairs, weights(a=(0, 0.6)), CONFIG)
    assert scores == pytest.approx([0.5 * 0.5, 0.5 * 0.98, 0.0])


def test_an_expert_with_lift_one_has_no_say_whatever_its_neighbors_have(evidence):
    pairs = evidence({"a": {"share": [0.5, 0.5, 0.5]}, "b": {"share": [0.0, 1.0, NAN], "lift": 1.0}})
    found = weights(a=(0, 0.6), b=(0, 0.2))
    scores = RULES["reliability"](pairs, found, CONFIG)
    assert scores == pytest.approx([0.6 * 0.25 / 0.8, 0.6 * 0.25 / 0.8, 0.25])
    own = evidence({"a": {"share": [0.5, 0.5]}, "b": {"share": [0.0, 1.0], "lift": 1.0}}, is_own=True, prior=0.1)
    low, high = RULES["reliability"](own, found, CONFIG)
    assert low == high


def test_an_own_tag_is_judged_by_log_odds_worked_by_hand(evidence):
    pairs = evidence({"a": {"share": [0.5, 0.0, NAN]}}, is_own=True, prior=0.01, together=[0.5, -0.5, 0.0])
    scores = RULES["reliability"](pairs, weights(a=(0, 0.6)), CONFIG)
    before = math.log(0.85 / 0.15)
    odds = [before + 4 * (0.5 * math.log(2) - 0.01) + 0.5, before - 4 * 0.01 - 0.5, before]
    assert scores == pytest.approx([1 / (1 + math.exp(-one)) for one in odds])


def test_weights_on_own_tags_scale_each_ratio_and_no_ratio_exceeds_its_limit(evidence):
    pairs = evidence({"a": {"share": [0.5, 1.0], "spread": [4.0, 30.0]}}, is_own=True, together=[0.5, 40.0])
    judged = Weights({"a": ExpertWeight(0, 0.6, on_own_tags=0.5)}, together=0.25, own_log_odds=0.0)
    odds = [0.5 * 4 * 0.5 * math.log(2) + 0.25 * 0.5, 0.5 * 6 + 0.25 * 3]
    assert RULES["reliability"](pairs, judged, CONFIG) == pytest.approx([1 / (1 + math.exp(-one)) for one in odds])


def test_what_an_own_tag_would_score_as_a_new_one_counts_by_its_factor(evidence):
    pairs = evidence({"a": {"share": [0.5], "spread": 0.0}, "temporal": {"share": [0.9], "spread": 0.0}}, is_own=True)
    experts = {"a": ExpertWeight(0, 0.6), "temporal": ExpertWeight(0, 0.6)}
    judged = Weights(experts, as_new=0.8, own_log_odds=0.0)
    odds = 0.8 * 5 * 0.25  # temporal has learned the tags of train GIFs
    assert RULES["reliability"](pairs, judged, CONFIG) == pytest.approx([1 / (1 + math.exp(-odds))])


def test_a_gifs_own_tag_is_judged_without_semantic_and_a_new_one_with_it(evidence):
    pairs = evidence({"imagenet": {"share": [0.5] * 4}, "semantic": {"share": [0.0, 1.0] * 2}}, is_own=[1, 1, 0, 0])
    own_low, own_high, new_low, new_high = RULES["reliability"](
        pairs, weights(imagenet=(0, 0.5), semantic=(0, 0.5)), CONFIG
    )
    assert own_low == own_high
    assert (new_low, new_high) == (pytest.approx(0.125), pytest.approx(0.375))


def test_a_slip_is_one_with_the_odds_that_its_gif_speaks_for_what_it_meant(evidence):
    # horn, perhaps meant as horns: half of the neighbors have horns; none has, and the other tags are never beside it
    said = {"a": {"share": [0.5, 0.5, 0.0, 0.0], "lift": 4.0}}
    flags = {"is_own": [1, 0, 1, 0], "is_slip": [1, 0, 1, 0], "is_correction": [0, 1, 0, 1]}
    pairs = evidence(said, **flags, prior=0.1, together=[0.0, 0.0, -3.0, -3.0])
    beside_devils, meant, beside_trumpets, not_meant = RULES["reliability"](pairs, weights(a=(0, 1.0)), CONFIG)
    says = 4 * (0.5 * math.log(4) - 0.1 * 3)
    assert meant == pytest.approx(1 / (1 + math.exp(-(math.log(9) + says))))
    assert beside_devils == pytest.approx((1 - meant) * 0.85)
    assert not_meant == pytest.approx(1 / (1 + math.exp(-(math.log(9) - 4 * 0.1 * 3 - 3))))
    assert beside_trumpets == pytest.approx((1 - not_meant) * 0.85)
    assert beside_devils < 0.1 and beside_trumpets > 0.7


def test_what_a_slip_meant_is_never_below_a_new_tag(evidence):
    pairs = evidence({"a": {"share": [1.0], "lift": 50.0, "spread": 0.0}}, is_correction=True)
    assert RULES["reliability"](pairs, weights(a=(0, 1.0)), CONFIG) == pytest.approx([0.98])


def test_a_copied_tag_is_judged_like_the_gifs_own_and_never_below_a_new_one(evidence):
    said = {"a": {"share": [0.25, 0.25, 0.25, 0.0]}}
    pairs = evidence(said, is_own=[True, False, False, False], is_copied=[False, True, False, True], prior=0.05)
    own, copied, new, unheard = RULES["reliability"](pairs, weights(a=(0, 1.0)), CONFIG)
    assert copied == own > new == 0.125
    assert unheard == pytest.approx(1 / (1 + math.exp(-(math.log(0.85 / 0.15) - 4 * 0.05))))
    surely_new = evidence({"a": {"share": [1.0], "lift": 50.0, "spread": 0.0}}, is_copied=True)
    assert RULES["reliability"](surely_new, weights(a=(0, 1.0)), CONFIG) == pytest.approx([0.98])


@pytest.mark.parametrize("rule", RULES)
def test_scores_are_0_to_1_on_any_evidence(rule, evidence):
    rng = np.random.default_rng(5)

    def drawn():
        share = np.where(rng.random(2000) < 0.3, np.nan, rng.random(2000))
        lift = 50 ** rng.random(2000)
        return {"share": share, "spread": 30 * rng.random(2000), "lift": lift, "votes": rng.integers(0, 4, 2000)}

    names = ("is_own", "is_slip", "is_correction", "is_copied", "is_editorial")
    flags = {name: rng.random(2000) < 0.3 for name in names}
    pairs = evidence({"a": drawn(), "b": drawn()}, **flags, prior=rng.random(2000), together=9 * rng.normal(size=2000))
    scores = RULES[rule](pairs, weights(a=(0.7, 0.6), b=(1.0, 1.0)), CONFIG)
    assert scores.shape == (2000,)
    assert ((scores >= 0) & (scores <= 1)).all()
    assert len(np.unique(scores)) > 10


@pytest.mark.parametrize("rule", RULES)
def test_without_any_weighed_expert_no_new_tag_has_a_score(rule, evidence):
    pairs = evidence({"a": {"share": [0.5], "votes": 3}})
    assert list(RULES[rule](pairs, Weights({}), UNBOUND)) == [0.0]
    assert list(RULES[rule](pairs, weights(a=(0.0, 0.0)), UNBOUND)) == [0.0]

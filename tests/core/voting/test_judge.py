import numpy as np
import pyarrow as pa
import pytest

from autotag_core.config import VoteConfig
from autotag_core.voting import ExpertWeight, Judge, evidence_of, evidence_schema, fit_judge

EXPERTS = {"imagenet": ExpertWeight(0.6, 0.5), "semantic": ExpertWeight(0.9, 0.8)}
SCHEMA = pa.schema([*evidence_schema(sorted(EXPERTS)), pa.field("is_right", pa.bool_())])


def pairs_of(num_gifs, seed=11):
    """Four own and four new tags a GIF, mostly those right that neighbors have; `unseen` has no neighbor's vote."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(num_gifs):
        for place in range(8):
            share = round(float(rng.random()), 3) if place % 4 else 0.0
            row = dict.fromkeys(("is_slip", "is_correction", "is_copied"), False) | {"prior": 0.05, "together": 0.0}
            row |= {"gif_id": f"g{number:03}", "tag": f"t{place}", "split": "validation", "is_own": place < 4}
            for name in EXPERTS:
                row |= {f"share_{name}": share, f"spread_{name}": 4.0, f"lift_{name}": 5.0, f"votes_{name}": 1}
            rows.append(row | {"is_right": bool(rng.random() < 0.1 + 0.8 * share)})
    return pa.Table.from_pylist(rows, schema=SCHEMA)


@pytest.fixture(scope="module")
def pairs():
    return pairs_of(60)


@pytest.fixture(scope="module")
def judge(pairs):
    return fit_judge(pairs, EXPERTS, VoteConfig(target_precision=0.7, min_threshold_examples=61), seed=7)


def judged(judge, pairs):
    evidence = evidence_of(pairs, sorted(EXPERTS))
    scores = judge.scores(evidence)
    return evidence, scores, judge.probabilities(evidence, scores)


@pytest.mark.parametrize("known", [None, pairs_of(0)])
def test_without_validation_gifs_there_are_scores_no_probabilities_and_a_reason(known, pairs):
    found = fit_judge(known, EXPERTS, VoteConfig(target_precision=0.8), seed=7)
    _, scores, probabilities = judged(found, pairs)
    assert (found.calibration, found.thresholds) == (None, None)
    assert found.reason == "fewer than 50 validation GIFs"
    assert ((scores >= 0) & (scores <= 1)).all() and scores.max() > 0.5
    assert np.isnan(probabilities).all()
    assert found.accepts(pairs["tag"], probabilities) is None


def test_probabilities_rise_with_the_score_and_say_how_many_are_right(judge, pairs):
    evidence, scores, probabilities = judged(judge, pairs)
    assert judge.reason is None
    is_right = np.asarray(pairs["is_right"])
    for kind in (evidence.is_own, ~evidence.is_own & (scores > 0)):
        order = np.argsort(scores[kind], kind="stable")
        assert (np.diff(probabilities[kind][order]) >= 0).all()
        assert probabilities[kind].max() - probabilities[kind].min() > 0.3
        assert probabilities[kind].mean() == pytest.approx(is_right[kind].mean(), abs=0.03)


def test_a_pair_without_any_vote_has_no_probability_and_is_not_accepted(judge, pairs):
    evidence, scores, probabilities = judged(judge, pairs)
    unseen = ~evidence.is_own & (np.asarray(pairs["tag"]) == "t4")
    assert (scores[unseen] == 0).all() and np.isnan(probabilities[unseen]).all()
    assert not np.isnan(probabilities[~unseen]).any()
    assert not judge.accepts(pairs["tag"], probabilities)[unseen].any()


def test_accepted_tags_are_as_often_right_as_wanted_on_other_gifs_too(judge):
    others = pairs_of(300, seed=23)
    accepted = judge.accepts(others["tag"], judged(judge, others)[2])
    assert 50 < accepted.sum() < len(accepted) / 2
    is_right = np.asarray(others["is_right"])
    assert is_right[accepted].mean() > 0.65
    assert is_right.mean() < 0.5


def test_without_a_target_nothing_is_accepted_or_refused(pairs):
    found = fit_judge(pairs, EXPERTS, VoteConfig(), seed=7)
    assert (found.thresholds, found.accepts(pairs["tag"], judged(found, pairs)[2])) == (None, None)
    assert found.calibration is not None


def test_what_is_learned_does_not_depend_on_the_order_of_the_pairs(judge, pairs):
    shuffled = pairs.take(np.random.default_rng(1).permutation(len(pairs)))
    assert fit_judge(shuffled, EXPERTS, judge.config, seed=7) == judge


def test_one_validation_gif_too_few_leaves_no_curve_and_says_why():
    found = fit_judge(pairs_of(49), EXPERTS, VoteConfig(), seed=7)
    assert found.calibration.own.reason == "49 GIFs with such tags, 50 are needed"
    assert np.isnan(judged(found, pairs_of(3))[2]).all()


@pytest.mark.parametrize("rule", ["published", "similarity", "reliability"])
def test_the_rule_is_the_one_of_the_config(rule, pairs, judge):
    found = Judge(VoteConfig(rule=rule), judge.weights)
    others = [
        Judge(VoteConfig(rule=other), judge.weights) for other in {"published", "similarity", "reliability"} - {rule}
    ]
    assert all((judged(found, pairs)[1] != judged(other, pairs)[1]).any() for other in others)

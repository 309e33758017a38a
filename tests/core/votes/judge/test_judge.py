import numpy as np
import pyarrow as pa
import pytest

from autotag_core.config import VoteConfig
from autotag_core.votes import RULES, ExpertWeight, Judge, evidence_of, evidence_schema, fit_calibration, fit_judge

EXPERTS = {"imagenet": ExpertWeight(0.6, 0.5), "semantic": ExpertWeight(0.9, 0.8)}
FLAGS = ("is_slip", "is_correction", "is_copied", "is_editorial", "is_taught")
TAUGHT = (pa.field("is_right", pa.bool_()), pa.field("lacks", pa.bool_()))
SCHEMA = pa.schema([*evidence_schema(sorted(EXPERTS)), *TAUGHT])


def pairs_of(num_gifs, seed=11):
    """Four own and four new tags a GIF, mostly those right that neighbors have; `unseen` has no neighbor's vote."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(num_gifs):
        for place in range(8):
            share = round(float(rng.random()), 3) if place % 4 else 0.0
            row = dict.fromkeys(FLAGS, False) | {"prior": 0.05, "together": 0.0, "likeness": None, "lacks": True}
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


def test_the_rule_is_the_one_of_the_config(pairs, judge):
    found = {rule: Judge(VoteConfig(rule=rule, lower_bound=0), judge.weights) for rule in RULES}
    scores = {rule: judged(one, pairs)[1] for rule, one in found.items()}
    assert (scores["published"] != scores["reliability"]).any()
    assert scores["published"][:8] == pytest.approx([1.4 / 14, 1.5 / 15][0] * np.ones(8))


def test_a_copied_tag_has_the_probability_of_an_own_tag_with_its_score(judge, pairs):
    """It is judged like the GIF's own: on the curve of proposed tags, mostly wrong ones, it would look doubtful."""
    is_new = np.asarray(pairs["is_own"]) == False  # noqa: E712
    copied = pairs.set_column(pairs.column_names.index("is_copied"), "is_copied", pa.array(is_new))
    evidence, scores, probabilities = judged(judge, copied)
    said = evidence.is_copied & (scores > 0)
    given = judge.calibration.apply(scores[said], np.ones(said.sum(), bool))
    assert 0 < judge.left_out < 0.3
    expected = np.minimum(given / (1 - judge.left_out), np.maximum(given, 0.995))
    assert probabilities[said] == pytest.approx(expected)
    assert (np.abs(expected - judge.calibration.apply(scores[said], np.zeros(said.sum(), bool))) > 0.01).any()


def test_what_the_scores_have_learned_is_learned_again_without_each_folds_gifs():
    """Thirty experts that know nothing: a fit to 60 own tags finds some that part right from wrong by chance."""
    rng = np.random.default_rng(2)
    names = [f"e{number:02}" for number in range(30)]
    rows = []
    for number in range(60):
        row = dict.fromkeys(FLAGS, False) | {"prior": 0.05, "together": 0.0, "likeness": None, "lacks": False}
        row |= {
            "gif_id": f"g{number:03}",
            "tag": "t",
            "is_own": True,
            "is_right": number % 2 == 0,
            "split": "validation",
        }
        for name in names:
            row |= {f"share_{name}": float(rng.random()), f"spread_{name}": 8.0, f"lift_{name}": 5.0}
            row[f"votes_{name}"] = 1
        rows.append(row)
    known = pa.Table.from_pylist(rows, schema=pa.schema([*evidence_schema(names), *TAUGHT]))
    config = VoteConfig().model_copy(update={"own_tags_ridge": 1e-3, "trained_on_tags": ()})
    judge = fit_judge(known, {name: ExpertWeight(0.5, 0.5) for name in names}, config, seed=7)
    evidence, is_right = evidence_of(known, names), np.asarray(known["is_right"])
    by_heart = fit_calibration(judge.scores(evidence), evidence.is_own, is_right, evidence.gifs, 50, 7).own
    assert by_heart.platt_log_loss < 0.6
    assert judge.calibration.own.platt_log_loss > 0.69


def test_out_of_fold_an_experts_weight_is_what_the_other_folds_gifs_say_and_not_what_all_of_them_said(pairs):
    shares = np.where(np.asarray(pairs["share_semantic"]) > 0, np.random.default_rng(6).random(len(pairs)), 0.0)
    known = pairs.set_column(pairs.column_names.index("share_semantic"), "share_semantic", pa.array(shares))
    one, other = (
        fit_judge(known, {"imagenet": ExpertWeight(0.6, weight), "semantic": ExpertWeight(0.9, 0.5)}, VoteConfig(), 7)
        for weight in (0.9, 0.1)
    )
    assert (judged(one, known)[1] != judged(other, known)[1]).any()
    losses = [judge.calibration.proposed.isotonic_log_loss for judge in (one, other)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-12)


def test_decided_pairs_teach_the_rule_and_leave_probabilities_to_validation_gifs(pairs):
    decided = pairs_of(40, seed=5)
    decided = decided.set_column(0, "gif_id", pa.array([f"d{one.as_py()}" for one in decided["gif_id"]]))
    both = pa.concat_tables(
        table.append_column("is_decided", pa.array(np.full(table.num_rows, is_decided)))
        for table, is_decided in ((pairs, False), (decided, True))
    )
    alone, taught = (fit_judge(known, EXPERTS, VoteConfig(), seed=7) for known in (pairs, both))
    assert alone.weights != taught.weights
    count = [sum(one.num for one in judge.calibration.reliability) for judge in (alone, taught)]
    assert count[0] == count[1], "decided pairs are not among those that say how good probabilities are"


def test_without_validation_gifs_decided_pairs_teach_all_and_weigh_no_expert():
    decided = pairs_of(60)
    decided = decided.append_column("is_decided", pa.array(np.ones(decided.num_rows, bool)))
    judge = fit_judge(decided, EXPERTS, VoteConfig(), seed=7)
    assert judge.calibration is not None and judge.left_out == 0.0
    assert {name: weight.published for name, weight in judge.weights.experts.items()} == {
        name: weight.published for name, weight in EXPERTS.items()
    }

import json
import pickle
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import log_loss as sklearn_log_loss

from autotag_core.errors import InputError
from autotag_core.votes import Bin, Calibration, expected_calibration_error, fit_calibration, reliability_table
from autotag_core.votes.judge.calibration import gif_folds
from autotag_core.votes.judge.curves import MAX_KNOTS, fit_isotonic, fit_platt, interpolated, log_loss, sigmoid


def platt_curve(scores):
    return 1 / (1 + np.exp(-(1.7 * np.log(scores / (1 - scores)) + 0.4)))


def stairs(scores):
    return np.select([scores < 0.2, scores < 0.21, scores < 0.8], [0.05, 0.3, 0.5], 0.97)


def drawn(own_curve, proposed_curve, num_gifs=2000, tags_each=6, seed=3):
    """Rows of GIFs with known probabilities: scores, is_own, is_right, groups and the probability of each."""
    rng = np.random.default_rng(seed)
    scores = rng.uniform(0.01, 0.99, num_gifs * tags_each)
    is_own = rng.random(len(scores)) < 0.5
    true = np.where(is_own, own_curve(scores), proposed_curve(scores))
    return scores, is_own, rng.random(len(scores)) < true, np.repeat(np.arange(num_gifs), tags_each), true


@pytest.fixture(scope="module")
def rows():
    return drawn(platt_curve, stairs)


@pytest.fixture(scope="module")
def fitted(rows):
    return fit_calibration(*rows[:4], min_gifs=50, seed=7)


def test_known_curves_are_recovered_each_by_the_method_that_fits_it(rows, fitted):
    scores, is_own, _, _, true = rows
    assert (fitted.own.method, fitted.proposed.method) == ("platt", "isotonic")
    assert (fitted.own.reason, fitted.proposed.reason) == (None, None)
    assert fitted.own.platt_log_loss < fitted.own.isotonic_log_loss
    assert fitted.proposed.isotonic_log_loss < fitted.proposed.platt_log_loss
    assert (fitted.own.slope, fitted.own.intercept) == (pytest.approx(1.7, abs=0.1), pytest.approx(0.4, abs=0.1))
    assert np.abs(fitted.apply(scores, is_own) - true).mean() < 0.015


def test_new_gifs_get_probabilities_that_hold(fitted):
    scores, is_own, is_right, _, _ = drawn(platt_curve, stairs, seed=11)
    assert expected_calibration_error(reliability_table(fitted.apply(scores, is_own), is_right)) < 0.02
    assert expected_calibration_error(reliability_table(scores, is_right)) > 0.05
    assert fitted.ece < 0.02
    assert max(fitted.own.ece, fitted.proposed.ece) < 0.03
    assert sum(one.num for one in fitted.reliability) == fitted.own.num_rows + fitted.proposed.num_rows == 12_000


def test_too_few_gifs_give_no_curve_and_a_reason(rows):
    scores, is_own, is_right, groups, _ = rows
    is_own = groups < 49
    found = fit_calibration(scores, is_own, is_right, groups, min_gifs=50, seed=7)
    assert (found.own.method, found.own.num_gifs) == (None, 49)
    assert found.own.reason == "49 GIFs with such tags, 50 are needed"
    assert (found.own.reliability, found.own.ece) == ((), None)
    assert np.array_equal(np.isnan(found.apply(scores, is_own)), is_own)
    assert sum(one.num for one in found.reliability) == found.proposed.num_rows


def test_no_rows_at_all_give_no_curve_and_a_reason():
    found = fit_calibration([], [], [], [], min_gifs=1, seed=7)
    assert found.own.reason == "0 GIFs with such tags, 5 are needed"
    assert (found.reliability, found.ece) == ((), None)


def test_tags_that_are_all_right_or_all_wrong_give_no_curve():
    scores, is_own = np.linspace(0, 1, 40), np.arange(40) % 2 == 0
    found = fit_calibration(scores, is_own, is_own, np.arange(40) // 2, min_gifs=5, seed=7)
    assert found.own.reason == "all 20 tags are right"
    assert found.proposed.reason == "all 20 tags are wrong"


def test_a_score_that_is_higher_for_wrong_tags_gives_no_curve(rows):
    scores, is_own, is_right, groups, _ = rows
    found = fit_calibration(1 - scores, is_own, is_right, groups, min_gifs=50, seed=7)
    assert found.own.method is None
    assert found.own.reason.startswith("tags with a higher score are less often right (slope -1.")


def test_folds_never_split_a_gif_and_share_them_evenly():
    groups = np.random.default_rng(5).integers(0, 43, 600)
    folds = gif_folds(groups, 5, seed=7)
    assert all(len(set(folds[groups == gif])) == 1 for gif in range(43))
    sizes = [len(set(groups[folds == fold])) for fold in range(5)]
    assert sum(sizes) == 43
    assert max(sizes) - min(sizes) == 1
    assert not np.array_equal(folds, gif_folds(groups, 5, seed=8))


def test_a_row_is_never_judged_by_a_curve_that_saw_its_gif():
    # each GIF has one score and one outcome, drawn apart, in 20 equal rows: only a row's own GIF tells about it
    rng = np.random.default_rng(5)
    groups = np.repeat(np.arange(60), 20)
    scores, is_right = rng.random(60)[groups], (rng.random(60) < 0.5)[groups]
    found = fit_calibration(scores, np.ones(1200, bool), is_right, groups, min_gifs=5, seed=7)
    assert found.own.isotonic_log_loss > 0.69
    everything_seen = interpolated(scores, fit_isotonic(scores, is_right))
    assert log_loss(everything_seen, is_right) < 0.66


def test_the_order_of_rows_changes_nothing(rows, fitted):
    order = np.random.default_rng(1).permutation(len(rows[0]))
    shuffled = [column[order] for column in rows[:4]]
    assert fit_calibration(*shuffled, min_gifs=50, seed=7) == fitted


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 1), st.booleans(), st.booleans(), st.integers(0, 9)), min_size=5, max_size=80),
    st.lists(st.floats(0, 1), min_size=2, max_size=20),
)
def test_probabilities_never_fall_with_the_score_whatever_the_rows(found, asked):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        calibration = fit_calibration(*zip(*found, strict=True), min_gifs=5, seed=7)
    for is_own in (True, False):
        probabilities = calibration.apply(sorted(asked), [is_own] * len(asked))
        curve = calibration.own if is_own else calibration.proposed
        if curve.method is None:
            assert np.isnan(probabilities).all()
            assert curve.reason
        else:
            assert (np.diff(probabilities) >= -1e-9).all()
            assert ((probabilities >= 0) & (probabilities <= 1)).all()
    assert Calibration.from_json(calibration.to_json()) == calibration


def test_json_and_pickle_give_back_the_same_calibration_and_are_small(rows, fitted):
    scores, is_own, *_ = rows
    text = fitted.to_json()
    assert json.loads(text)["proposed"]["method"] == "isotonic"
    for back in (Calibration.from_json(text), pickle.loads(pickle.dumps(fitted))):
        assert back == fitted
        assert np.array_equal(back.apply(scores, is_own), fitted.apply(scores, is_own))
    assert len(pickle.dumps(fitted)) < 20_000


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"own": None}, "own"),
        ({"own": {"num_gifs": 1, "num_rows": 1, "method": "spline"}}, "own.method"),
        ({"own": {"num_gifs": 1, "num_rows": 1}}, "a curve without a method needs a reason"),
        ({"own": {"num_gifs": 1, "num_rows": 1, "method": "platt", "slope": -1.0}}, "slope -1.0"),
        ({"own": {"num_gifs": 1, "num_rows": 1, "method": "isotonic"}}, "knots must be"),
        ({"own": {"num_gifs": 1, "num_rows": 1, "method": "isotonic", "knots": [[0, 0.5], [1, 0.4]]}}, "knots must be"),
    ],
)
def test_json_that_is_no_calibration_is_an_input_error(fitted, change, problem):
    with pytest.raises(InputError, match=problem):
        Calibration.from_json(json.dumps(json.loads(fitted.to_json()) | change))
    with pytest.raises(InputError, match="not a calibration"):
        Calibration.from_json("{oops")


def test_platt_is_the_likeliest_sigmoid():
    rng = np.random.default_rng(2)
    scores = rng.uniform(0.02, 0.98, 400)
    is_right = rng.random(400) < platt_curve(scores)
    num_right = is_right.sum()
    targets = np.where(is_right, (num_right + 1) / (num_right + 2), 1 / (400 - num_right + 2))

    def loss(line):
        margins = line[0] * np.log(scores / (1 - scores)) + line[1]
        return np.sum(np.logaddexp(0, margins) - targets * margins)

    assert fit_platt(scores, is_right) == pytest.approx(minimize(loss, [0.0, 0.0]).x, abs=1e-4)


def test_isotonic_is_that_of_scikit_learn_even_with_few_knots():
    rng = np.random.default_rng(2)
    scores = rng.random(150_000)
    is_right = rng.random(150_000) < scores**2
    theirs = IsotonicRegression(out_of_bounds="clip").fit(scores, is_right)
    assert len(theirs.X_thresholds_) > MAX_KNOTS
    knots = fit_isotonic(scores, is_right)
    assert len(knots) == MAX_KNOTS
    asked = np.linspace(0, 1, 1001)
    differences = np.abs(interpolated(asked, knots) - theirs.predict(asked))
    assert differences.mean() < 0.003
    assert differences.max() < 0.05  # on a step that fell out
    few = IsotonicRegression(y_min=1 / 302, y_max=301 / 302, out_of_bounds="clip").fit(scores[:300], is_right[:300])
    assert interpolated(asked, fit_isotonic(scores[:300], is_right[:300])) == pytest.approx(few.predict(asked))


def test_a_score_that_parts_right_from_wrong_gives_a_finite_curve():
    scores = np.repeat([0.0, 0.1, 0.2, 0.8, 0.9, 1.0], 10)
    slope, intercept = fit_platt(scores, scores > 0.5)
    assert np.isfinite([slope, intercept]).all()
    assert sigmoid(np.array([0.0, 1.0]), slope, intercept) == pytest.approx([0, 1], abs=0.02)


def test_one_score_for_all_gives_the_share_of_right_ones():
    slope, intercept = fit_platt(np.full(100, 0.3), np.arange(100) < 20)
    assert slope == 0
    assert sigmoid(np.array([0.9]), slope, intercept) == pytest.approx(0.2, abs=0.01)


def test_log_loss_is_that_of_scikit_learn():
    rng = np.random.default_rng(4)
    probabilities, is_right = rng.random(50), rng.random(50) < 0.5
    assert log_loss(probabilities, is_right) == pytest.approx(sklearn_log_loss(is_right, probabilities))


def test_a_reliability_table_worked_by_hand():
    bins = reliability_table([0.0, 0.05, 0.1, 0.3, 0.95, 1.0, np.nan], [False, True, True, False, True, True, True])
    assert bins == [
        Bin(0.0, 0.1, 2, pytest.approx(0.025), 0.5),
        Bin(0.1, 0.2, 1, 0.1, 1.0),
        Bin(0.3, 0.4, 1, 0.3, 0.0),
        Bin(0.9, 1.0, 2, pytest.approx(0.975), 1.0),
    ]
    assert expected_calibration_error(bins) == pytest.approx((2 * 0.475 + 0.9 + 0.3 + 2 * 0.025) / 6)
    assert expected_calibration_error([]) is None


def test_rows_that_do_not_fit_are_named(fitted):
    with pytest.raises(InputError, match=r"scores\[1\] is 1.5, it must be 0..1"):
        fit_calibration([0.5, 1.5], [True, True], [True, False], [1, 2], min_gifs=5, seed=7)
    with pytest.raises(InputError, match=r"scores\[0\] is nan"):
        fitted.apply([np.nan], [True])
    with pytest.raises(InputError, match=r"scores \(2,\), is_own \(1,\)"):
        fitted.apply([0.1, 0.2], [True])
    with pytest.raises(InputError, match="num_bins is 0"):
        reliability_table([0.5], [True], num_bins=0)

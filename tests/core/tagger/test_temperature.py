"""A temperature makes overconfident logits mean what they say, and changes no order."""

from __future__ import annotations

import numpy as np
import pytest

from autotag_core.tagger.temperature import fit_temperature, scaled_probabilities
from autotag_core.votes import expected_calibration_error, reliability_table


def test_it_finds_by_how_much_logits_were_too_sure() -> None:
    rng = np.random.default_rng(2)
    true = rng.normal(0, 2, (4000, 3))
    right = rng.random(true.shape) < scaled_probabilities(true, 1.0)
    found = fit_temperature(3 * true, right)
    assert found == pytest.approx(3, rel=0.05)
    before, after = (
        expected_calibration_error(reliability_table(scaled_probabilities(3 * true, one).ravel(), right.ravel()))
        for one in (1.0, found)
    )
    assert after < before / 3  # type: ignore[operator]


def test_without_pairs_nothing_is_scaled() -> None:
    assert fit_temperature(np.zeros((0, 3)), np.zeros((0, 3), bool)) == 1.0


def test_no_logit_is_too_large() -> None:
    assert scaled_probabilities(np.array([-1e4, 0.0, 1e4]), 1.0).tolist() == [0.0, 0.5, 1.0]

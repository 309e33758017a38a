"""Intervals and corrections against figures from the literature and by hand."""

from __future__ import annotations

import pytest

from autotag_core.faces.chance import holm, one_share, two_shares, wilson


def test_wilsons_interval_is_that_of_newcombe_1998() -> None:
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson(15, 148) == pytest.approx((0.0624, 0.1605), abs=1e-4)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)
    assert wilson(29, 29) == pytest.approx((0.8830, 1.0), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)


def test_the_tea_tasters_test_and_a_fair_coin() -> None:
    assert two_shares(3, 4, 1, 4) == pytest.approx(0.4857, abs=1e-4)
    assert two_shares(3, 4, 0, 0) == 1.0
    assert one_share(9, 10, 0.5) == pytest.approx(22 / 1024)
    assert one_share(0, 0, 0.5) == 1.0


def test_holm_multiplies_the_smallest_most_and_never_goes_down() -> None:
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []

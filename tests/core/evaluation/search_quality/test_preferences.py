"""Counted decisions."""

from __future__ import annotations

import json

import pytest

from autotag_core.evaluation.search_quality.preferences import Preferences


def test_ties_are_counted_and_decide_nothing() -> None:
    found = Preferences(num_before=2, num_after=10, num_ties=30)
    assert found.share_after == pytest.approx(10 / 12)
    assert found.chance == pytest.approx(2 * (1 + 12 + 66) / 2**12), "the sign test by hand"
    assert found.to_text().splitlines() == [
        "after 10, before 2, tie 30",
        "after wins 83% of the decided (95% interval 55% to 95%, sign test p = 0.039): after is better",
    ]


@pytest.mark.parametrize(
    ("counts", "says"),
    [
        ((5, 6, 0), "that may be chance"),
        ((20, 3, 1), "before is better"),
        ((0, 0, 4), "nothing was decided"),
    ],
)
def test_what_may_be_chance_says_so(counts: tuple[int, int, int], says: str) -> None:
    assert Preferences(*counts).to_text().endswith(says)


def test_the_counts_are_one_json_object_too() -> None:
    assert json.loads(Preferences(0, 0, 4).to_json()) == {
        "num_before": 0, "num_after": 0, "num_ties": 4, "share_after": None, "low": 0.0, "high": 1.0, "p": 1.0
    }  # fmt: skip

"""The funnel of a small catalog, row by row."""

from __future__ import annotations

from autotag_core.training.funnel import FunnelRow, Outcome, funnel_rows

STEPS = ("catalog", "frames", "before", "label", "example")


def test_each_step_has_what_is_left_and_why_the_others_left() -> None:
    outcomes = [
        Outcome("train", None, None, True, 10),
        Outcome("train", None, None, False, 7),
        Outcome("train", "frames", "not_found", True, 2),
        Outcome("train", "frames", "too_large", False, 1),
        Outcome("train", "label", "no_label", False, 4),
        Outcome("test", None, None, True, 3),
    ]
    assert funnel_rows(outcomes, STEPS, ("train", "test"), "before") == [
        FunnelRow(0, "catalog", "train", 24, {}),
        FunnelRow(0, "catalog", "test", 3, {}),
        FunnelRow(1, "frames", "train", 21, {"not_found": 2, "too_large": 1}),
        FunnelRow(1, "frames", "test", 3, {}),
        FunnelRow(2, "before", "train", 10, {}),
        FunnelRow(2, "before", "test", 3, {}),
        FunnelRow(3, "label", "train", 17, {"no_label": 4}),
        FunnelRow(3, "label", "test", 3, {}),
        FunnelRow(4, "example", "train", 17, {}),
        FunnelRow(4, "example", "test", 3, {}),
    ]

"""From the catalog to the examples: how many GIFs each step leaves, and why the others left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Outcome(NamedTuple):
    """num_gifs GIFs of a split that ended alike. `left_at` is the step at which they left, None for examples."""

    split: str
    left_at: str | None
    reason: str | None
    had_label: bool
    num_gifs: int
    shares_uploader: bool | None = None
    """Whether their uploaders have GIFs in more protected splits. None: nobody knows."""


class FunnelRow(NamedTuple):
    """A row of tables.TRAINING_FUNNEL."""

    position: int
    step: str
    split: str
    num_gifs: int
    num_left_by_reason: dict[str, int]


def funnel_rows(
    outcomes: Iterable[Outcome], steps: Sequence[str], splits: Sequence[str], before_voting: str
) -> list[FunnelRow]:
    """The funnel, split by split within each step. The first step loses none.

    At the step `before_voting` nobody leaves. Its num_gifs are the GIFs that are left then and came with a label.
    """
    outcomes = list(outcomes)
    rows = []
    for split in splits:
        own = [outcome for outcome in outcomes if outcome.split == split]
        left = Counter[tuple[str | None, str]]()
        for outcome in own:
            left[outcome.left_at, outcome.reason or ""] += outcome.num_gifs
        num_gifs = sum(outcome.num_gifs for outcome in own)
        for position, step in enumerate(steps):
            reasons = {reason: count for (at, reason), count in sorted(left.items(), key=str) if at == step and count}
            num_gifs -= sum(reasons.values())
            shown = num_gifs
            if step == before_voting:
                gone = set(steps[:position])
                shown = sum(one.num_gifs for one in own if one.had_label and one.left_at not in gone)
            rows.append(FunnelRow(position, step, split, shown, reasons))
    return sorted(rows, key=lambda row: (row.position, splits.index(row.split)))

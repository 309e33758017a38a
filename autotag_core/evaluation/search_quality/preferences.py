"""How often people prefer one of two, and whether that is more than chance."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from autotag_core.faces.chance import LEVEL, one_share, wilson


@dataclass(frozen=True)
class Preferences:
    """Decisions for before, for after, and for neither."""

    num_before: int
    num_after: int
    num_ties: int

    @property
    def num_decided(self) -> int:
        """Decisions that are no tie."""
        return self.num_before + self.num_after

    @property
    def share_after(self) -> float | None:
        """The share of after among the decided. None of none."""
        return self.num_after / self.num_decided if self.num_decided else None

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% interval of that share (Wilson 1927)."""
        return wilson(self.num_after, self.num_decided)

    @property
    def chance(self) -> float:
        """The chance of a share at least as far from a half, if neither is better: the sign test, without ties."""
        return one_share(self.num_after, self.num_decided, 0.5)

    def to_text(self) -> str:
        """One line with the counts, one with the share, its interval and what it says."""
        counts = f"after {self.num_after:,}, before {self.num_before:,}, tie {self.num_ties:,}"
        if self.share_after is None:
            return f"{counts}\nnothing was decided"
        low, high = self.interval
        better = "after is better" if self.share_after > 0.5 else "before is better"
        verdict = better if self.chance < 1 - LEVEL else "that may be chance"
        return (
            f"{counts}\nafter wins {self.share_after:.0%} of the decided "
            f"({LEVEL:.0%} interval {low:.0%} to {high:.0%}, sign test p = {self.chance:.2g}): {verdict}"
        )

    def to_json(self) -> str:
        """One JSON object."""
        low, high = self.interval
        shares = {"share_after": self.share_after, "low": low, "high": high, "p": self.chance}
        return json.dumps(asdict(self) | shares)

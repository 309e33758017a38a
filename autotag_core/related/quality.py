"""How often the GIF that somebody looked at next was among the recommended ones."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import numpy as np


@dataclass(frozen=True)
class Hits:
    """`views` after which something could be recommended, and how often the next GIF was among the first k."""

    views: int
    hits: int


@dataclass(frozen=True)
class RelatedQuality:
    """Hit rates at k over `num_views` pairs of a GIF and the next one. No method has seen these held-out sessions."""

    k: int
    num_views: int
    num_training_sessions: int
    num_held_out_sessions: int
    methods: dict[str, Hits]
    """related, its parts (from sessions, from tags), co-occurrence and popularity."""

    def hit_rate(self, method: str) -> float:
        """Hits over all views of held-out sessions. A view for which a method has no answer is a miss."""
        return self.methods[method].hits / self.num_views

    def to_json(self) -> str:
        """One JSON object."""
        rates = {name: self.hit_rate(name) for name in self.methods}
        return json.dumps(asdict(self) | {"hit_rate": rates})

    def to_text(self) -> str:
        """The split, then one line for each method: hit rate, half its 95% interval, share of views with an answer."""
        lines = [
            f"{self.num_views} views that followed another one in {self.num_held_out_sessions} held-out sessions; "
            f"learned from {self.num_training_sessions} others",
            f"{'':<16} {f'hit rate at {self.k}':>14} {'+-':>7} {'answers':>8}",
        ]
        for name, found in self.methods.items():
            rate = self.hit_rate(name)
            spread = 1.96 * np.sqrt(rate * (1 - rate) / self.num_views)
            answered = found.views / self.num_views
            lines.append(f"{name:<16} {rate:>14.4f} {spread:>7.4f} {answered:>8.3f}")
        return "\n".join(lines)

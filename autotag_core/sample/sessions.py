"""Who looked at what in a row. People who want a GIF for one usage look at GIFs of that usage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from autotag_core.drawing.factors import USAGES, random_of, vocabulary
from autotag_core.sample.tagging.wordings import INFLECTIONS, SYNONYMS

SESSIONS_PER_GIF = 2
"""A session has about six GIFs, so a GIF is seen twelve times on average."""
MIN_VIEWS, MAX_VIEWS = 3, 9
OFF_USAGE = 0.15
"""Share of views of any GIF, whatever it is used for."""
MIN_SEARCHES, MAX_SEARCHES = 2, 5
_TASTE = 0.3
"""Views are drawn in proportion to popularity to this power. Popular GIFs are seen more, but most GIFs are seen."""


@dataclass(frozen=True)
class Session:
    """GIF indices in the order they were looked at, distinct."""

    session_id: str
    indices: list[int]


def draw_sessions(seed: int, usages: npt.NDArray[np.int8], popularity: npt.NDArray[np.int64]) -> Iterator[Session]:
    """SESSIONS_PER_GIF sessions a GIF, one by one. `usages` are positions in USAGES; both (num_gifs,) by GIF index."""
    chance = popularity.astype(np.float64) ** _TASTE
    everything = np.arange(len(usages))
    groups = [np.flatnonzero(usages == usage) for usage in range(len(USAGES))]
    used = [usage for usage in range(len(USAGES)) if len(groups[usage])]
    bounds = [np.cumsum(chance[group]) for group in groups]
    all_bounds = np.cumsum(chance)
    for number in range(SESSIONS_PER_GIF * len(usages)):
        rng = random_of(seed, number, "session")
        usage = rng.choice(used)
        seen: dict[int, None] = {}
        for _ in range(rng.randint(MIN_VIEWS, MAX_VIEWS)):
            off = rng.random() < OFF_USAGE
            group, bound = (everything, all_bounds) if off else (groups[usage], bounds[usage])
            at = int(np.searchsorted(bound, rng.random() * bound[-1], side="right"))
            seen[int(group[min(at, len(group) - 1)])] = None
        yield Session(f"session-{number:08d}", list(seen))


def draw_searches(seed: int, num_gifs: int) -> Iterator[tuple[str, list[str]]]:
    """What people type: SESSIONS_PER_GIF times num_gifs rows (session_id, queries).

    Queries are words for one usage, its forms and synonyms; OFF_USAGE of them are any true tag. One may be typed twice.
    The session ids are not those of draw_sessions.
    """
    tags = sorted(tag for tags in vocabulary().values() for tag in tags)
    words = {usage: [usage, *INFLECTIONS.get(usage, ()), *SYNONYMS.get(usage, ())] for usage in USAGES}
    for number in range(SESSIONS_PER_GIF * num_gifs):
        rng = random_of(seed, number, "searches")
        usage = rng.choice(list(USAGES))
        typed = [
            rng.choice(tags) if rng.random() < OFF_USAGE else rng.choice([*words[usage], USAGES[usage]])
            for _ in range(rng.randint(MIN_SEARCHES, MAX_SEARCHES))
        ]
        yield f"search-{number:08d}", typed

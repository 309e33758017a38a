"""Interleaved lists, and people who click in them: a simulation whose better ranking is known."""

from __future__ import annotations

from collections.abc import Sequence, Set

import numpy as np
import pytest

from autotag_core.evaluation.search_quality.interleaving import InterleavedList, count_credits, interleave
from autotag_core.evaluation.search_quality.preferences import Preferences

GIFS = [f"g{number:02}" for number in range(40)]
RIGHT = frozenset(GIFS[:8])


def ranked(noise: float, rng: np.random.Generator) -> list[str]:
    """A ranking of GIFS: with little noise the right ones come first."""
    scores = np.array([gif_id in RIGHT for gif_id in GIFS]) + rng.normal(0, noise, len(GIFS))
    return [GIFS[place] for place in np.argsort(-scores)]


def clicks(shown: Sequence[str], right: Set[str], rng: np.random.Generator) -> list[str]:
    """Who looks from the top, clicks what is right more often, and stops after a while (a cascade, Craswell 2008)."""
    found = []
    for gif_id in shown:
        if rng.random() < (0.6 if gif_id in right else 0.1):
            found.append(gif_id)
        if rng.random() < 0.15:
            break
    return found


def simulated(noise_before: float, noise_after: float, num_searches: int, seed: int = 7) -> Preferences:
    rng, credits = np.random.default_rng(seed), []
    for _ in range(num_searches):
        one = interleave(ranked(noise_before, rng), ranked(noise_after, rng), 10, rng)
        credits.append(one.credit(clicks(one.gif_ids, RIGHT, rng)))
    return count_credits(credits)


def test_each_ranking_picks_its_best_gif_that_is_not_there_yet_and_both_as_often() -> None:
    before, after = ["a", "b", "c", "d"], ["b", "e", "a", "f"]
    seen = {interleave(before, after, 4, np.random.default_rng(seed)) for seed in range(40)}
    assert seen == {
        InterleavedList(tuple(gifs), frozenset(first), frozenset(second))
        for gifs, first, second in [
            ("abce", "ac", "be"),
            ("abec", "ac", "be"),
            ("bace", "ac", "be"),
            ("baec", "ac", "be"),
        ]
    }


def test_the_longer_ranking_fills_what_the_shorter_one_leaves() -> None:
    one = interleave(["a"], ["a", "b", "c"], 10, np.random.default_rng(1))
    assert one.gif_ids == ("a", "b", "c")
    assert one.before | one.after == set("abc")
    assert interleave([], [], 10, np.random.default_rng(1)).gif_ids == ()


def test_clicks_are_credited_to_who_brought_the_gif_in() -> None:
    one = InterleavedList(("a", "b", "c"), frozenset("ac"), frozenset("b"))
    assert [one.credit(clicked) for clicked in ("b", "a", "ab", "bb", "acb", "", "z")] == [1, -1, 0, 1, -1, 0, 0]


def test_the_same_ranking_twice_wins_half_of_the_searches_wherever_people_click() -> None:
    rng, firsts = np.random.default_rng(5), 0
    for _ in range(2000):
        one = interleave(GIFS, GIFS, 10, rng)
        assert one.gif_ids == tuple(GIFS[:10])
        firsts += one.credit([GIFS[0]])
    assert abs(firsts) < 150, "who clicks only the first GIF favours neither"


def test_people_who_click_find_the_better_ranking_and_none_where_both_are_as_good() -> None:
    better = simulated(noise_before=1.0, noise_after=0.4, num_searches=400)
    assert better.interval[0] > 0.5
    worse = simulated(noise_before=0.4, noise_after=1.0, num_searches=400)
    assert worse.interval[1] < 0.5
    by_chance = [simulated(0.7, 0.7, num_searches=100, seed=seed).chance < 0.05 for seed in range(40)]
    assert sum(by_chance) <= 6, "about one in twenty"


def test_interleaving_needs_fewer_searches_than_two_groups_of_people() -> None:
    """The claim of the paper: each search compares both, so what differs between searches cancels out."""
    rng = np.random.default_rng(11)
    interleaved, split = 0, 0
    for seed in range(30):
        interleaved += simulated(1.0, 0.7, num_searches=150, seed=seed).chance < 0.05
        groups = [
            [bool(set(clicks(ranked(noise, rng)[:10], RIGHT, rng)) & RIGHT) for _ in range(75)] for noise in (1.0, 0.7)
        ]
        split += np.ptp([np.mean(group) for group in groups]) > 1.96 * np.sqrt(
            sum(np.var(group) / len(group) for group in groups)
        )
    assert interleaved > split


@pytest.mark.parametrize("size", [1, 2, 7])
def test_no_list_is_longer_than_what_is_shown(size: int) -> None:
    assert len(interleave(GIFS, GIFS[::-1], size, np.random.default_rng(3)).gif_ids) == size

"""Draws, visits and ranks, counted."""

from __future__ import annotations

import numpy as np
import pytest

from autotag_core.training.plan import Draws, every_example, plan_draws, share_of, shuffled

GROUPS = np.repeat(np.arange(6, dtype=np.int32), 10)
RATES = np.repeat([0.1, 0.25, 0.5, 1.0, 2.5, 7.0], 10)


def counts(draws: Draws) -> np.ndarray:
    return np.bincount(draws.examples, minlength=len(RATES))


def test_rates_hold_over_epochs_and_within_one_up_to_a_draw() -> None:
    epochs = [counts(plan_draws(RATES, GROUPS, 7, epoch)) for epoch in range(200)]
    assert np.mean(epochs, axis=0) == pytest.approx(RATES, rel=0.15)
    assert all((np.floor(RATES) <= epoch).all() and (epoch <= np.ceil(RATES)).all() for epoch in epochs)


def test_a_row_group_is_read_no_oftener_than_its_rows_are_drawn() -> None:
    visited = []
    for epoch in range(40):
        draws = plan_draws(RATES, GROUPS, 7, epoch)
        visited.append([len(set(draws.visits[GROUPS[draws.examples] == group])) for group in range(6)])
    per_epoch = np.mean(visited, axis=0)
    assert per_epoch[:3] == pytest.approx([0.1, 0.25, 0.5])  # whole row groups in their turn, not one row of each
    assert per_epoch[3] == 1 and 2 <= per_epoch[4] <= 3 and per_epoch[5] == 7


def test_draws_of_a_gif_are_spread_over_visits_and_each_has_its_number() -> None:
    draws = plan_draws(RATES, GROUPS, 7, 0)
    own = draws.examples == 55
    assert sorted(draws.repeats[own]) == list(range(7))
    assert len(set(draws.visits[own])) == 7
    assert (np.diff(draws.visits) >= 0).all()
    for visit in set(draws.visits):
        assert len(set(GROUPS[draws.examples[draws.visits == visit]])) == 1


def test_ranks_get_equal_parts_that_do_not_overlap() -> None:
    draws = plan_draws(RATES, GROUPS, 7, 0)
    parts = [share_of(draws, rank, 3, 4, is_padded=False) for rank in range(3)]
    assert {len(part) for part in parts} == {len(draws) // 12 * 4}
    pairs = [pair for part in parts for pair in zip(part.examples.tolist(), part.repeats.tolist(), strict=True)]
    assert len(set(pairs)) == len(pairs)


def test_padding_starts_again_and_reads_again_even_round_and_round() -> None:
    draws = every_example(np.zeros(3, np.int32))
    whole = share_of(draws, 0, 1, 8, is_padded=True)
    assert (whole.examples.tolist(), whole.num_padding) == ([0, 1, 2, 0, 1, 2, 0, 1], 5)
    assert whole.visits.tolist() == [0, 0, 0, 1, 1, 1, 2, 2]
    parts = [share_of(draws, rank, 2, 2, is_padded=True) for rank in range(2)]
    assert [(part.examples.tolist(), part.num_padding) for part in parts] == [([0, 1], 0), ([2, 0], 1)]


def test_windows_are_shuffled_each_in_itself() -> None:
    order = shuffled(10, 4, 7, 0, 0)
    assert [sorted(order[at : at + 4]) for at in (0, 4, 8)] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert order.tolist() != list(range(10))
    assert order.tolist() != shuffled(10, 4, 7, 1, 0).tolist() != shuffled(10, 4, 7, 1, 1).tolist()

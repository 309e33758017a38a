from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotag_core.frames import sample_indices

DELAYS = st.lists(st.integers(1, 5000), min_size=1, max_size=60)
WANTED = st.integers(1, 24)


@pytest.mark.parametrize(
    ("num_frames", "wanted", "indices"),
    [
        (1, 16, [0]),
        (3, 16, [0, 1, 2]),
        (16, 16, list(range(16))),
        (5, 2, [1, 3]),
        (20, 4, [2, 7, 12, 17]),
        (17, 16, [0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16]),
        (7, 1, [3]),
    ],
)
def test_index_sampling_takes_the_middle_of_equal_parts(num_frames, wanted, indices):
    assert sample_indices([100] * num_frames, wanted, "index") == indices


@pytest.mark.parametrize(
    ("delays", "wanted", "indices"),
    [
        ([100, 100, 100, 100], 2, [1, 3]),  # t = 100, 300: a frame that ends at t is over
        ([100, 100, 700, 100], 2, [1, 2]),  # t = 250, 750: frame 2 twice; of 0, 1 and 3 the middle one is 1
        ([100, 100, 700, 100, 100], 3, [1, 2, 3]),  # t = 183, 550, 917
        ([900, 25, 25, 25, 25], 3, [0, 2, 4]),  # t = 166.7, 500, 833.3: all frame 0; of 1 .. 4 numbers 1 and 3
        ([10, 900, 10, 10, 10, 10, 10], 4, [1, 2, 4, 6]),  # t = 120, 360, 600, 840; of 0 2 3 4 5 6 numbers 1, 3, 5
        # a file of no more frames than are wanted is taken whole, however long one of them stands
        ([1000, 100], 16, [0, 1]),
        ([100, 100, 700, 100], 4, [0, 1, 2, 3]),
        ([900, 50, 50], 3, [0, 1, 2]),
        ([10_000, 10, 10, 10, 10_000], 2, [0, 4]),
        ([50, 50], 1, [1]),
        ([70], 16, [0]),
        ([0, 0, 0, 0], 2, [1, 3]),  # no time at all: by index
        ([0], 16, [0]),
    ],
)
def test_time_sampling_takes_the_frame_shown_in_the_middle_of_equal_times(delays, wanted, indices):
    assert sample_indices(delays, wanted, "time") == indices


@given(DELAYS, WANTED)
def test_time_sampling_is_its_formula_in_exact_fractions(delays, wanted):
    m = min(len(delays), wanted)
    shown = []
    for j in range(m):
        t = (j + Fraction(1, 2)) * sum(delays) / m
        shown.append(next(i for i in range(len(delays)) if sum(delays[: i + 1]) > t))
    others = [i for i in range(len(delays)) if i not in shown]
    k = m - len(set(shown))
    filled = [others[int((i + Fraction(1, 2)) * len(others) / k)] for i in range(k)]
    assert sample_indices(delays, wanted, "time") == sorted([*set(shown), *filled])


@given(DELAYS, WANTED)
def test_as_many_distinct_frames_come_as_there_are_or_as_are_wanted(delays, wanted):
    for sampling in ("index", "time"):
        assert len(set(sample_indices(delays, wanted, sampling))) == min(len(delays), wanted)


@given(st.integers(1, 2000), WANTED)
def test_equal_delays_sample_the_same_by_time_and_by_index(num_frames, wanted):
    by_index = sample_indices([70] * num_frames, wanted, "index")
    assert sample_indices([70] * num_frames, wanted, "time") == by_index
    assert len(set(by_index)) == min(num_frames, wanted)
    assert by_index == sorted(by_index)
    assert 0 <= by_index[0] <= by_index[-1] < num_frames

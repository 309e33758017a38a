"""Vectors of length one, and those that have no direction."""

import numpy as np
import pytest

from autotag_core.experts import l2_normalised


def test_a_vector_is_divided_by_its_length() -> None:
    vector = l2_normalised(np.array([3.0, 0.0, -4.0]))
    assert vector is not None
    assert vector.tolist() == pytest.approx([0.6, 0.0, -0.8])
    assert vector.dtype == np.float32


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "embedding",
    [[0.0, 0.0], [np.inf, 1.0], [-np.inf, np.inf], [np.nan, 1.0], [1e200, 1e200], [1e-200, 0.0], []],
)
def test_a_vector_without_a_length_has_no_direction(embedding: list[float]) -> None:
    assert l2_normalised(np.array(embedding)) is None

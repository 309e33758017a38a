"""How faces are cut out."""

from __future__ import annotations

import numpy as np
import pytest

from autotag_core.faces.network.trained_embedder import cut_out


def test_a_box_is_cut_out_with_a_tenth_of_its_size_more_at_each_side() -> None:
    frame = np.zeros((100, 100, 3), np.uint8)
    frame[38:62, 26:74] = 200  # the box 30, 40, 70, 60 with its margins of 4 and 2
    chip = cut_out(frame, (30.0, 40.0, 70.0, 60.0), 0.2, 32)
    assert chip.shape == (32, 32, 3)
    assert chip.min() == 200
    frame[40:60, 30:70] = 90
    assert cut_out(frame, (30.0, 40.0, 70.0, 60.0), 0.0, 32).max() == 90


@pytest.mark.parametrize("box", [(-30.0, -30.0, 40.0, 40.0), (95.0, 95.0, 140.0, 150.0), (120.0, 5.0, 130.0, 9.0)])
def test_a_box_over_the_edge_is_cut_off_there(box: tuple[float, float, float, float]) -> None:
    frame = np.full((100, 100, 3), 90, np.uint8)
    assert (cut_out(frame, box, 0.2, 32) == 90).all()

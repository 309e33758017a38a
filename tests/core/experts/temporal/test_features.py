"""Frame features on their way: half precision, in order, and never cut unseen."""

import numpy as np
import pytest

from autotag_core.experts import pack_features, unpack_features


def test_features_are_little_endian_halves_row_by_row() -> None:
    features = np.array([[1, -2, 0.5], [0, 0.1, 65504]], np.float32)
    data = pack_features(features)
    assert data.hex() == "003c" + "00c0" + "0038" + "0000" + "662e" + "ff7b"
    found = unpack_features(data, 2)
    assert found.dtype == np.float16
    np.testing.assert_allclose(found, features, rtol=1e-3)


def test_what_a_half_cannot_hold_becomes_its_largest_number() -> None:
    found = unpack_features(pack_features(np.array([[1e6, -1e6]], np.float32)), 1)
    assert found.tolist() == [[65504, -65504]]


def test_bytes_that_are_cut_are_refused() -> None:
    data = pack_features(np.ones((3, 4), np.float32))
    for cut in (data[:-1], data[:-2]):
        with pytest.raises(ValueError, match="size"):
            unpack_features(cut, 3)

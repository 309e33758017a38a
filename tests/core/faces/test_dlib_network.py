"""The network that is read from dlib's file, held against dlib."""

from __future__ import annotations

from pathlib import Path

import dlib
import numpy as np
import pytest
import torch

from autotag_core.errors import InputError
from autotag_core.faces.dlib_network import read_dlib_network
from autotag_core.faces.embedder import CHIP_SIDE, NETWORK, FaceEmbedder, weights_folder

FILE = weights_folder() / NETWORK


def test_embeddings_are_those_of_dlib(embedder: FaceEmbedder) -> None:
    random = np.random.default_rng(3)
    coarse = random.integers(0, 256, (40, 10, 10, 3), dtype=np.uint8)
    chips = [np.ascontiguousarray(chip.repeat(15, 0).repeat(15, 1)) for chip in coarse]
    chips[0], chips[1] = np.zeros_like(chips[0]), np.full_like(chips[0], 255)
    right = np.array(dlib.face_recognition_model_v1(str(FILE)).compute_face_descriptor(chips))  # (40, 128)
    found = embedder.embed(chips)
    assert found.shape == (40, 128) and found.dtype == np.float32
    assert np.ptp(right, axis=0).min() > 0.01, "the chips differ"
    np.testing.assert_allclose(found, right, atol=1e-5)


def test_no_chips_have_no_embeddings(embedder: FaceEmbedder) -> None:
    assert embedder.embed([]).shape == (0, 128)


def test_a_batch_takes_any_number_of_chips() -> None:
    chips = torch.zeros(3, CHIP_SIDE, CHIP_SIDE, 3, dtype=torch.uint8)
    assert read_dlib_network(FILE)(chips).shape == (3, 128)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.999])
def test_a_file_that_breaks_off_is_refused_by_name(tmp_path: Path, share: float) -> None:
    whole = FILE.read_bytes()
    (tmp_path / "network.dat").write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(InputError, match=r"network\.dat: not the face network of dlib"):
        read_dlib_network(tmp_path / "network.dat")


def test_another_network_of_dlib_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="numbers of con_4 were expected"):
        read_dlib_network(weights_folder() / "mmod_human_face_detector.dat")

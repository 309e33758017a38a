"""A task computes on the GPU that Spark gave it, or on the CPU, or says why not."""

import logging

import pytest
import torch

from autotag_core.errors import InputError
from autotag_core.experts import choose_device


@pytest.mark.parametrize(
    ("wanted", "addresses", "num_visible", "visible", "device"),
    [
        ("auto", [], 4, "", "cpu"),  # CUDA sees GPUs, but Spark gave none of them to this task
        ("cpu", ["0"], 4, "", "cpu"),
        ("auto", ["2"], 4, "", "cuda:2"),
        ("cuda", ["1", "3"], 4, "", "cuda:1"),
        ("cuda", ["3"], 2, "1,3", "cuda:1"),  # nvidia-smi's index, torch counts the visible ones
        ("cuda", ["GPU-ab"], 2, "GPU-cd, GPU-ab", "cuda:1"),
        ("cuda", ["0"], 1, "5", "cuda:0"),  # a container that renumbers its GPUs
    ],
)
def test_the_device_follows_from_what_is_assigned(
    wanted: str, addresses: list[str], num_visible: int, visible: str, device: str
) -> None:
    assert choose_device(wanted, addresses, num_visible, visible) == torch.device(device)


def test_cuda_without_an_assigned_gpu_is_an_error_even_where_cuda_sees_one() -> None:
    with pytest.raises(InputError, match=r"assigned no GPU.*spark\.task\.resource\.gpu\.amount"):
        choose_device("cuda", [], 1, "")


def test_a_declared_gpu_that_is_not_there_is_a_warning_in_auto_and_an_error_in_cuda(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        assert choose_device("auto", ["0"], 0, "") == torch.device("cpu")
    assert "CUDA sees no device" in caplog.text
    with pytest.raises(InputError, match="CUDA sees no device"):
        choose_device("cuda", ["0"], 0, "")


@pytest.mark.parametrize("address", ["7", "GPU-xx", "-1", ""])
def test_an_address_that_cuda_cannot_place_is_an_error(address: str) -> None:
    with pytest.raises(InputError, match="discovery script"):
        choose_device("auto", [address], 2, "0,1")

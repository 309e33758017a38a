"""A GPU without enough free memory: all the errors that say so, and what is done about it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from autotag_core.errors import AutotagError

_T = TypeVar("_T")

_SAID = (
    "CUDA out of memory",
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
)
"""In the texts of RuntimeErrors: only PyTorch's own allocator raises torch.cuda.OutOfMemoryError. The driver makes
PyTorch raise torch.AcceleratorError. cuBLAS and cuDNN have memory of their own."""

_log = logging.getLogger(__name__)


class _Fitted(NamedTuple):
    size: int
    """Rows at once that fitted in the end."""
    lost: list[int]
    """Rows that did not fit even alone."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the error says that the GPU has too little free memory, so that less work at once may fit."""
    import torch

    if isinstance(error, torch.cuda.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(said in str(error) for said in _SAID)


def compute_in_batches(num_rows: int, size: int, compute: Callable[[int, int, int], None], rows: str) -> _Fitted:
    """Calls compute(start, stop, size) over all rows, at most size at once, halved where the GPU is too small."""
    import torch

    alone = []
    start = 0
    while start < num_rows:
        stop = min(start + size, num_rows)
        try:
            compute(start, stop, size)
            start = stop
            continue
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
        # memory is freed here, where the exception no longer holds the batch's memory
        torch.cuda.empty_cache()
        if size > 1:
            size //= 2
            _log.warning("CUDA out of memory: going on with batches of %d %s", size, rows)
        else:
            alone.append(start)
            start += 1
    return _Fitted(size, alone)


def loaded_on_device(load: Callable[[], _T], name: str) -> _T:
    """What `load` gives. Where the GPU is full, PyTorch's kept memory is given back, and `load` is tried once more.

    AutotagError in one line, which calls the model `name`, where that does not help.
    """
    import torch

    try:
        return load()
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
    # here, where the exception no longer holds half a model
    _log.warning("CUDA out of memory while %s is loaded: trying once more", name)
    torch.cuda.empty_cache()
    try:
        return load()
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
    raise AutotagError(f"{name} does not fit the GPU's free memory: is another process using it?")

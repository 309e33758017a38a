"""Inner loops compiled by numba, kept on disk so that each machine compiles them once.

A module whose functions carry `compiled` loads numba, half a second, when it is imported: import it where it is used.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """The function as machine code, made at its first call for each kind of arguments and kept in the user's cache.

    Without a folder to write to, every process compiles for itself, some seconds. Sums of floats keep their order.
    """
    import numba

    folder = cache_folder()
    if folder is not None:
        vars(numba.config)["CACHE_DIR"] = str(folder)
    made: Any = numba.njit(cache=folder is not None, nogil=True)(function)
    return cast(Function, made)


def cache_folder() -> Path | None:
    """NUMBA_CACHE_DIR, or a folder in XDG_CACHE_HOME or ~/.cache; None where it can't be written."""
    try:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        folder = Path(os.environ.get("NUMBA_CACHE_DIR") or cache / "autotag" / "compiled")
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):
        return None
    return folder if os.access(folder, os.W_OK) else None

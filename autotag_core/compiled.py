"""Inner loops that numba compiles. The machine code is kept on disk, so each machine compiles it once.

Importing a module whose functions carry `compiled` loads numba, which takes half a second. Import it where it is used.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
from collections.abc import Callable, Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, TypeVar, cast

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function, in_any_order: bool = False) -> Function:
    """The function as machine code, made at its first call for each kind of arguments and kept in the user's cache.

    Without a folder to write to, every process compiles for itself, which takes some seconds. Sums of floats keep their
    order. `in_any_order` lets the compiler reorder them, which is faster.
    """
    import numba

    folder = cache_folder()
    made: Any = numba.njit(nogil=True, fastmath=in_any_order)(function)
    if folder is not None:
        vars(numba.config)["CACHE_DIR"] = str(folder)
        with contextlib.suppress(RuntimeError):  # numba finds no place for a module in a wheel, or in no file at all
            made.enable_caching()
    return cast(Function, made)


def cache_folder() -> Path | None:
    """A folder for this source in NUMBA_CACHE_DIR, XDG_CACHE_HOME or ~/.cache; None where it can't be written.

    numba notices a change in the file that a function is in, but not in functions of other files compiled into it.
    So after any change of the package everything is compiled anew.
    """
    try:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "autotag" / "compiled"
        folder = Path(os.environ.get("NUMBA_CACHE_DIR") or cache) / _source_hash()
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):
        return None
    return folder if os.access(folder, os.W_OK) else None


@functools.cache
def _source_hash() -> str:
    """A hash of the source of every module of the package, which may be a folder or in a wheel."""
    hashed = hashlib.sha256()
    for text in _sources(files(__package__)):
        hashed.update(text)
    return hashed.hexdigest()[:16]


def _sources(folder: Traversable) -> Iterator[bytes]:
    for one in sorted(folder.iterdir(), key=lambda one: one.name):
        if one.is_dir():
            yield from _sources(one)
        elif one.name.endswith(".py"):
            yield one.read_bytes()

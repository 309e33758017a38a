"""Python's garbage collector in Spark's workers, without what is never garbage."""

from __future__ import annotations

import gc
import sys
from typing import Any

_WORKER = "pyspark.daemon"


def freeze_modules() -> None:
    """In a Python worker of Spark, let collections pass over what has been imported. Elsewhere nothing happens.

    A worker collects in full after each task. pandas takes that 25 ms, torch 130 ms, of which a short task has
    nothing. So a full collection after which there are new modules is followed by gc.freeze: what is alive then is not
    looked at again. Objects are still freed when nothing refers to them.
    """
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    if spec is not None and spec.name == _WORKER:
        gc.callbacks.append(FreezeModules())


class FreezeModules:
    """A callback of Python's garbage collector."""

    def __init__(self) -> None:
        self._num_modules = 0

    def __call__(self, phase: str, info: dict[str, Any]) -> None:
        """Freeze after a full collection, where modules were imported since the last freeze."""
        if phase == "stop" and info["generation"] == 2 and len(sys.modules) > self._num_modules:
            self._num_modules = len(sys.modules)
            gc.freeze()

"""Vectors of shards in half of the bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from autotag_core.neighbors.distances import Floats, sum_in_halves

_ROWS = 4096


@dataclass(frozen=True)
class HalfVectors:
    """Unit vectors that are kept as float16, read as float32 of length 1 again: (rows, dimension)."""

    halves: npt.NDArray[np.float16]
    """May be a memory map."""
    scales: Floats  # (rows,)

    @classmethod
    def of(cls, vectors: Floats) -> HalfVectors:
        """These vectors, rounded; a row's result does not depend on the others."""
        halves, scales = vectors.astype(np.float16), np.empty(len(vectors), np.float32)
        for start in range(0, len(halves), _ROWS):
            here = slice(start, start + _ROWS)
            scales[here] = 1 / np.sqrt(sum_in_halves(halves[here].astype(np.float64) ** 2))
        return cls(halves, scales)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and dimension."""
        rows, dimension = self.halves.shape
        return rows, dimension

    def __len__(self) -> int:
        return len(self.halves)

    def __getitem__(self, rows: slice | npt.NDArray[np.integer[Any]]) -> Floats:
        unpacked = self.halves[rows].astype(np.float32)
        unpacked *= self.scales[rows, None]
        return unpacked


Vectors: TypeAlias = Floats | HalfVectors
"""(rows, dimension), float32 where rows are taken from it."""

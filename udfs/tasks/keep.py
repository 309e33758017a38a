"""How a step has rows computed once that it reads several times."""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import DataFrame

Keep = Callable[[DataFrame], DataFrame]
"""Writes the rows somewhere and gives them back as they are read from there."""

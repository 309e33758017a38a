"""A small share of the mutants: each catalog is rows and failures that add up, or an error of one line."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from benchmarks.chaos.catalog_mutants import NUM_ROWS, end_of, files, write_mutant


@pytest.mark.parametrize("suffix", files())
def test_the_originals_are_sound(spark: SparkSession, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"sound{suffix}"
    path.write_bytes(files()[suffix])
    assert end_of(spark, path) == f"read: {NUM_ROWS} rows, {NUM_ROWS} GIFs, 0 failures"


def test_mutants_of_catalogs_are_rows_and_failures_that_add_up_or_an_error(spark: SparkSession, tmp_path: Path) -> None:
    ends = [end_of(spark, write_mutant(tmp_path, number)) for number in range(24)]
    assert [end for end in ends if not end.startswith(("read: ", "refused: "))] == []
    assert {end.partition(":")[0] for end in ends} == {"read", "refused"}

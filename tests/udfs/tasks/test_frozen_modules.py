"""What Python's garbage collector passes over in Spark's workers, and in other processes."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from udfs.tasks import frozen_modules


def frozen(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        yield pa.RecordBatch.from_pydict({"num": [gc.get_freeze_count()] * batch.num_rows})


def test_a_worker_freezes_what_it_imported_once_a_task_is_over(spark: SparkSession) -> None:
    def seen(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from udfs.tasks import frozen_modules as imported  # as every function of the package does

        assert imported
        return frozen(batches)

    # one partition a task; a worker is used again for the next one
    numbers = [row.num for row in spark.range(0, 40, 1, 40).mapInArrow(seen, "num long").collect()]
    assert sum(number > 50_000 for number in numbers) > 30


def test_other_processes_are_left_as_they_are() -> None:
    before = list(gc.callbacks)
    frozen_modules.freeze_modules()
    assert gc.callbacks == before


def test_only_new_modules_are_followed_by_a_freeze(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    monkeypatch.setattr(gc, "freeze", lambda: calls.append(len(sys.modules)))
    after_collection = frozen_modules.FreezeModules()
    for phase, generation in (("start", 2), ("stop", 1), ("stop", 0)):
        after_collection(phase, {"generation": generation})
    assert calls == []
    for _ in range(3):
        after_collection("stop", {"generation": 2})
    assert len(calls) == 1
    monkeypatch.setitem(sys.modules, "a_new_module", sys)
    after_collection("stop", {"generation": 2})
    assert len(calls) == 2

"""Similar tags are looked up in tasks as in one process."""

from __future__ import annotations

import numpy as np
from pyspark.sql import SparkSession

from autotag_core.labels import SimilarTags
from udfs.labels.spellings import similar_tags


def test_tasks_find_what_one_process_finds(spark: SparkSession) -> None:
    rng = np.random.default_rng(3)
    targets = sorted({"".join(rng.choice(list("abc d"), rng.integers(3, 10))).strip() for _ in range(300)})
    asked = sorted({"".join(rng.choice(list("abc d"), rng.integers(1, 10))).strip() for _ in range(300)} | {"a1b", "é"})
    index = SimilarTags(targets)
    expected = {tag: index.look_up(tag) for tag in asked}
    found = similar_tags(spark, asked, targets)
    assert {tag: dict(found.get(tag, {})) for tag in asked} == expected
    assert 50 < len(found) < len(asked) and {1, 2} == {edit for row in found.values() for edit in row.values()}


def test_nothing_asked_and_nothing_to_find_need_no_tasks(spark: SparkSession) -> None:
    assert similar_tags(spark, [], ["cat"]) == similar_tags(spark, ["cat"], []) == {}

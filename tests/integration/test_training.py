"""What a night on S3 leaves for training, and one epoch over it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from autotag_core.training import open_examples

pytestmark = pytest.mark.integration


def test_the_funnel_leads_from_the_catalog_to_the_examples(night: Any) -> None:
    rows: list[Any] = night.rows("training_funnel")
    gifs: list[Any] = night.rows("catalog")
    examples: list[Any] = night.rows("training_examples")
    for split in ("train", "validation", "test"):
        steps = sorted((row for row in rows if row["split"] == split), key=lambda row: row["position"])
        left = sum(count for row in steps for _, count in row["num_left_by_reason"])
        assert steps[0]["num_gifs"] == sum(gif["split"] == split for gif in gifs)
        assert steps[-1]["num_gifs"] == sum(row["split"] == split for row in examples) > 0
        assert steps[0]["num_gifs"] - left == steps[-1]["num_gifs"]
    reasons = Counter(reason for row in rows for reason, _ in row["num_left_by_reason"])
    assert reasons["not_found"]
    assert night.run.facts.gates["training_leaks"].startswith("left out: ")


def test_labels_of_the_examples_are_the_published_tags_and_the_editors(night: Any) -> None:
    names = {row["label_id"]: row["label"] for row in night.rows("training_labels")}
    voted: dict[Any, dict[Any, Any]] = {}
    for row in night.rows("voted_tags"):
        if row["source"] != "proposed":
            voted.setdefault(row["gif_id"], {})[row["tag"]] = row["confidence"]
    editorial = {row["gif_id"]: row["editorial_tags"] for row in night.rows("catalog")}
    for row in night.rows("training_examples"):
        labels = {names[one]: by for one, by in zip(row["label_ids"], row["confidences"], strict=True)}
        if row["split"] == "train":
            assert labels == voted[row["gif_id"]]
        else:
            assert labels == dict.fromkeys(editorial[row["gif_id"]], 1.0)


def test_no_example_has_a_copy_in_a_more_protected_split(night: Any) -> None:
    groups = {row["gif_id"]: row["group_id"] for row in night.rows("duplicates")}
    examples: list[Any] = night.rows("training_examples")
    for key in (lambda row: row["version"], lambda row: groups.get(row["gif_id"], row["gif_id"])):
        splits: dict[Any, set[str]] = {}
        for row in examples:
            splits.setdefault(key(row), set()).add(row["split"])
        assert all(len(found) == 1 for found in splits.values())


def test_an_epoch_goes_through_all_examples_of_the_night_on_s3(night: Any) -> None:
    warehouse, run_id = night.request.warehouse, night.run.run_id
    train = open_examples(warehouse, run_id, batch_size=4, scheme="natural", min_examples=1, num_decoders=4)
    seen = [index for batch in train for index in batch["index"].tolist()]
    num_train = sum(row["split"] == "train" for row in night.rows("training_examples"))
    assert len(seen) == len(set(seen)) == num_train // 4 * 4
    held_out = open_examples(warehouse, run_id, "test", batch_size=4, min_examples=1)
    batches = list(held_out)
    assert all(batch["frames"].shape == (4, 16, 3, 224, 224) for batch in batches)
    assert all(batch["mask"].any(1).all() for batch in batches)
    reviewed = {row["gif_id"] for row in night.rows("training_examples") if row["split"] == "test"}
    assert {held_out.gif_id(at) for batch in batches for at in batch["index"].tolist() if at >= 0} == reviewed

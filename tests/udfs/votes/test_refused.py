"""A refused tag is less likely, never accepted and never added; nothing else changes."""

from __future__ import annotations

import math

import pytest
from pyspark.sql import SparkSession

from udfs.votes.refused import REFUSAL_ODDS, weigh_refused

VOTED = (
    "gif_id string, tag string, confidence float, source string, published_score float, score float, "
    "probability float, accepted boolean, votes map<string,int>, evidence array<string>, reasons map<string,float>"
)


def row(gif_id: str, tag: str, source: str, chance: float | None, why: dict[str, float] | None) -> tuple[object, ...]:
    return gif_id, tag, 0.6, source, 0.6, 0.5, chance, None if chance is None else True, {"imagenet": 3}, ["n"], why


def test_refused_tags_lose_odds_and_are_not_added(spark: SparkSession) -> None:
    rows = [
        row("a", "dog", "voted", 0.5, {"neighbors": 1.5}),
        row("a", "cat", "voted", 0.5, {"neighbors": 1.5}),
        row("a", "red", "confirmed", None, None),
        row("a", "sure", "editorial", 1.0, {}),
        row("b", "dog", "proposed", 1.0, {}),
        row("c", "dog", "voted", 0.5, {}),
    ]
    voted_df = spark.createDataFrame(rows, VOTED)
    refused = [("a", ["dog", "red", "sure", "absent"]), ("b", ["dog", "dog"])]
    found_df = weigh_refused(voted_df, spark.createDataFrame(refused, "gif_id string, refused array<string>"))
    assert found_df.columns == voted_df.columns and found_df.count() == len(rows)
    found = {(one["gif_id"], one["tag"]): one for one in found_df.collect()}
    less = 1 / (1 + REFUSAL_ODDS)
    dog = found["a", "dog"]
    assert (dog["source"], dog["confidence"], dog["accepted"], dog["published_score"]) == (
        "proposed", 0.0, False, pytest.approx(0.6),
    )  # fmt: skip
    assert (dog["score"], dog["probability"]) == (pytest.approx(less), pytest.approx(less))
    assert dog["reasons"] == {"neighbors": 1.5, "refused": pytest.approx(-math.log(REFUSAL_ODDS), abs=0.01)}
    red = found["a", "red"]
    assert (red["source"], red["confidence"], red["probability"], red["accepted"], red["reasons"]) == (
        "confirmed", pytest.approx(0.6), None, None, None,
    )  # fmt: skip
    assert red["score"] == pytest.approx(less)
    assert found["b", "dog"]["probability"] == pytest.approx(0.995 / (0.995 + 0.005 * REFUSAL_ODDS))
    before = {(one["gif_id"], one["tag"]): one for one in voted_df.collect()}
    for key in (("a", "cat"), ("a", "sure"), ("c", "dog")):
        assert found[key] == before[key]

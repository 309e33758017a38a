"""The queue of a release: which tags are in it, in which order, as a sheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from autotag_core.errors import InputError
from autotag_core.review.decided_file import read_rows
from autotag_core.review.decisions import Decision, as_table
from autotag_core.review.queue import QueuedTag, read_queue
from autotag_core.review.queue_sheet import queue_sheet
from autotag_core.tables import EDITORIAL_DECISIONS
from autotag_core.warehouse.own_tables import append_rows


def voted(
    gif_id: str, tag: str, source: str, probability: float | None, score: float = 0.3, **votes: int
) -> dict[str, Any]:
    said = {"gif_id": gif_id, "tag": tag, "source": source, "probability": probability, "score": score}
    return said | {"votes": list(votes.items())}


@pytest.fixture
def place(publish: Callable[..., str], gif: Callable[..., dict[str, Any]]) -> str:
    return publish(
        {
            "catalog": [gif("a", 90, "cat", "old", caption="a cat\nsleeps"), gif("b", 90), gif("c", 0, "dog")],
            "voted_tags": [
                voted("a", "cat", "confirmed", 0.97),
                voted("a", "old", "unconfirmed", 0.4),
                voted("a", "kitten", "voted", 0.5),
                voted("b", "kitten", "proposed", 0.5),
                voted("b", "sure", "editorial", None),
                voted("b", "wrong", "refused", 0.0),
                voted("c", "dog", "unconfirmed", 0.5),
                voted("c", "cat", "original", 0.5),
            ],
        }
    )


def test_own_and_proposed_tags_near_the_threshold_come_first_and_nobodys_tag_twice(place: str) -> None:
    queue = read_queue(place, None, 10)
    found = [(one.gif_id, one.tag, one.kind) for one in queue.tags]
    # own tags come in between, one in five; c is seldom viewed
    assert found == [
        ("a", "kitten", "new"), ("b", "kitten", "new"), ("a", "old", "own"), ("a", "cat", "own"), ("c", "dog", "own"),
    ]  # fmt: skip
    assert (queue.num_undecided, queue.num_decided, queue.release.run_id) == (5, 0, "r1")
    first = queue.tags[0]
    assert (first.popularity, first.probability, first.other_tags) == (90, 0.5, ("cat", "old"))
    assert [one.tag for one in read_queue(place, None, 3).tags] == ["kitten", "kitten", "old"]


def test_what_was_decided_is_not_asked_again(place: str) -> None:
    word = Decision("a", "kitten", "accepted", "ann", datetime(2026, 11, 30, tzinfo=UTC), number=1)
    append_rows(place, EDITORIAL_DECISIONS, as_table([word]))
    queue = read_queue(place, None, 10)
    assert [(one.gif_id, one.tag) for one in queue.tags] == [("b", "kitten"), ("a", "old"), ("a", "cat"), ("c", "dog")]
    assert (queue.num_undecided, queue.num_decided) == (4, 1)


def test_a_tags_own_threshold_is_where_it_is_unsure(
    publish: Callable[..., str], gif: Callable[..., dict[str, Any]]
) -> None:
    rows = {
        "catalog": [gif("a", 0), gif("b", 0)],
        "voted_tags": [voted("a", "cat", "proposed", 0.5), voted("b", "dog", "proposed", 0.9)],
        "tag_thresholds": [{"tag": "dog", "threshold": 0.9}, {"tag": None, "threshold": 0.97}],
    }
    assert [one.tag for one in read_queue(publish(rows), None, 2).tags] == ["dog", "cat"]


def test_without_probabilities_the_score_says_how_sure_a_tag_is(
    publish: Callable[..., str], gif: Callable[..., dict[str, Any]]
) -> None:
    rows = {
        "catalog": [gif("a", 0), gif("b", 0)],
        "voted_tags": [voted("a", "cat", "proposed", None, 0.02), voted("b", "dog", "proposed", None, 0.4)],
    }
    found = read_queue(publish(rows), None, 2).tags
    assert [(one.tag, one.probability) for one in found] == [("dog", None), ("cat", None)]


def test_a_new_tag_that_the_rule_takes_for_a_slip_is_not_asked(
    publish: Callable[..., str], gif: Callable[..., dict[str, Any]]
) -> None:
    rows = {
        "catalog": [gif("a", 900, "umbrela")],
        "voted_tags": [
            voted("a", "mubrella", "voted", None, 0.0),
            voted("a", "umbrella", "voted", 0.9),
            voted("a", "umbrela", "unconfirmed", None, 0.0),
        ],
    }
    queue = read_queue(publish(rows), None, 5)
    assert sorted(one.tag for one in queue.tags) == ["umbrela", "umbrella"] and queue.num_undecided == 2


def test_a_warehouse_without_a_release_has_no_queue(tmp_path: Any) -> None:
    with pytest.raises(InputError, match="no run was ever recorded here"):
        read_queue(str(tmp_path), None, 10)


def test_the_sheet_has_a_row_a_tag_and_comes_back_as_decisions(place: str, tmp_path: Any) -> None:
    (first, *_) = read_queue(place, None, 1).tags
    odd = QueuedTag("=1", "'90s", "own", None, 3, "s3a://gifs/x.gif", None, ())
    data = queue_sheet([replace(first, tag="-rising"), odd], "r1")
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert [row["tag"] for row in rows] == ["'-rising", "''90s"]
    assert (rows[0]["caption"], rows[0]["other tags"], rows[0]["decision"]) == ("a cat sleeps", "cat, old", "")
    rows[0]["decision"], rows[1]["decision"] = "accepted", "refused"
    with (tmp_path / "back.csv").open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    found = [(row.gif_id, row.tag, row.decision, row.run_id) for row in read_rows(str(tmp_path / "back.csv"))]
    assert found == [("a", "-rising", "accepted", "r1"), ("=1", "'90s", "refused", "r1")]


def test_after_a_tag_comes_one_that_other_experts_speak_for(
    publish: Callable[..., str], gif: Callable[..., dict[str, Any]]
) -> None:
    rows = {
        "catalog": [gif(name, 0) for name in "abcd"],
        "voted_tags": [
            voted("a", "cat", "proposed", 0.5, imagenet=9, temporal=1),
            voted("b", "dog", "proposed", 0.5, imagenet=9, temporal=1),
            voted("c", "fox", "proposed", 0.45, text=9, temporal=1),
            voted("d", "hen", "proposed", 0.45, text=9, temporal=1),
        ],
    }
    found = [one.gif_id for one in read_queue(publish(rows), None, 4).tags]
    assert len(set(found[:2]) & set("ab")) == len(set(found[:2]) & set("cd")) == 1

"""Why a GIF has its tags, read from tables that a run published."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from autotag_core.delta import plain_schema
from autotag_core.errors import InputError
from autotag_core.explanation import as_text, explain_gif
from autotag_core.tables import TABLES
from autotag_core.warehouse import RunRecord, append_run

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def gif(gif_id: str, tags: list[str], editorial: list[str] | None = None, split: str = "train") -> dict[str, object]:
    row = {"gif_id": gif_id, "uri": f"s3a://gifs/{gif_id}.gif", "tags": tags, "editorial_tags": editorial or []}
    return row | {"caption": None, "popularity": 0, "version": None, "split": split}


def tag(gif_id: str, name: str, confidence: float, score: float, source: str, **votes: int) -> dict[str, object]:
    row = {"gif_id": gif_id, "tag": name, "confidence": confidence, "score": score, "source": source}
    row |= {"published_score": score / 2, "probability": score or None, "accepted": score > 0.4 or None}
    return row | {"votes": list(votes.items()), "evidence": ["n1"] if votes else []}


ROWS: dict[str, list[dict[str, object]]] = {
    "catalog": [
        gif("cat", ["cat", "old"]),
        gif("n1", ["kitten", "cat"], ["cat", "pet"]),
        gif("n2", ["dog"]),
        gif("lone", [], split="test"),
    ],
    "neighbors": [
        {"gif_id": "cat", "expert": "imagenet", "neighbor_ids": ["n1", "n2"], "distances": [0.125, 0.5]},
        {"gif_id": "n1", "expert": "semantic", "neighbor_ids": ["n2"], "distances": [0.25]},
    ],
    "expert_weights": [
        {"expert": "semantic", "weight": 0.25, "num_evaluated": 4, "num_correct": 1, "evaluated_on": "train"},
        {"expert": "imagenet", "weight": 0.5, "num_evaluated": 2, "num_correct": 1, "evaluated_on": "validation"},
    ],
    "voted_tags": [
        tag("cat", "old", 0.7, 0.0, "unconfirmed"),
        tag("cat", "kitten", 0.5, 0.5, "voted", imagenet=1, semantic=2),
        tag("cat", "cat", 1.0, 0.25, "confirmed", imagenet=1),
        tag("n1", "cat", 1.0, 0.0, "editorial"),
    ],
    "failures": [
        {"gif_id": "lone", "stage": "frames", "reason": "not_found", "message": "there is no such object"},
        {"gif_id": "gone", "stage": "catalog", "reason": "missing_uri", "message": "no uri in: {}"},
    ],
}


@pytest.fixture
def published(tmp_path: Path) -> str:
    for name, rows in ROWS.items():
        table = pa.Table.from_pylist(rows, schema=plain_schema(TABLES[name]))
        write_deltalake(str(tmp_path / name), table, partition_by=list(TABLES[name].partition_by) or None)
    append_run(
        str(tmp_path), RunRecord("r1", NOW, NOW, "published", release_of="r1", table_versions=dict.fromkeys(ROWS, 0))
    )
    return str(tmp_path)


def test_the_text_shows_votes_times_weights_and_the_neighbors_that_voted(published: str) -> None:
    assert as_text(explain_gif(published, "cat")).splitlines() == [
        "cat  (train, s3a://gifs/cat.gif)",
        "  caption    -",
        "  uploader   cat, old",
        "  editor     -",
        "  run        r1, tables of r1",
        "",
        f"  {'tag':<24} confidence source        score probability  "
        "published vote: neighbors x weight by expert, over the largest possible",
        f"  {'cat':<24}      1.000 confirmed     0.250       0.250  1 x 0.500 imagenet = 0.500 -> 0.125",
        f"  {'old':<24}      0.700 unconfirmed   0.000           -  none",
        f"  {'kitten':<24}      0.500 voted         0.500       0.500  "
        "1 x 0.500 imagenet + 2 x 0.250 semantic = 1.000 -> 0.250 accepted",
        "  confidence and source: the published rule; score and probability: vote.rule=published; "
        "proposed: by that rule alone",
        "",
        "  imagenet (weight 0.500: right on 1 of 2 validation GIFs)",
        f"    0.1250  {'n1':<28} kitten, cat, pet",
        f"    0.5000  {'n2':<28} dog",
        "",
        "  semantic: abstains, it has no embedding of this GIF",
    ]


def test_a_gif_that_failed_on_the_way_says_where_and_why(published: str) -> None:
    text = as_text(explain_gif(published, "lone"))
    assert "  failed     frames: not_found: there is no such object" in text
    assert "imagenet: abstains" in text and "semantic: abstains" in text


def test_a_gif_that_never_came_into_the_catalog_says_why(published: str) -> None:
    with pytest.raises(InputError, match=r"gone: not in the catalog of run r1; failed: catalog: missing_uri \(no uri"):
        explain_gif(published, "gone")


def test_an_unknown_gif_or_run_is_said_in_one_line(published: str) -> None:
    for gif_id in ("never' or 'a'='a", "nobody"):
        with pytest.raises(InputError, match=f"^{gif_id}: not in the catalog of run r1$"):
            explain_gif(published, gif_id)
    with pytest.raises(InputError, match="run r9 published nothing"):
        explain_gif(published, "cat", "r9")

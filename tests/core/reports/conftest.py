"""Two nights of a small catalog, written without Spark; uploaders tag with markup, as some do."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from PIL import Image

from autotag_core.config import Config
from autotag_core.tables import TABLES
from autotag_core.warehouse import RunRecord, append_run

MARKUP = "<img src=x onerror=alert(1)>"
Rows = dict[str, list[dict[str, Any]]]


def drawn_gif(colours: tuple[str, ...], side: int = 40) -> bytes:
    """A GIF with a frame of each colour, a tenth of a second each."""
    frames = [Image.new("RGB", (side, side), colour) for colour in colours]
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=100, loop=0)
    return file.getvalue()


GIFS = {
    "cat": drawn_gif(("black", "orange", "grey")),
    "dog": drawn_gif(("brown", "white")),
    "new": drawn_gif(("green",)),
    "old": drawn_gif(("purple", "white")),
}
BINS = [
    {"low": 0.2, "high": 0.3, "num": 40, "mean_probability": 0.25, "share_right": 0.2},
    {"low": 0.8, "high": 0.9, "num": 60, "mean_probability": 0.85, "share_right": 0.9},
]


def tag(gif_id: str, name: str, source: str, probability: float | None, published_score: float = 0.0) -> dict[str, Any]:
    row = {"gif_id": gif_id, "tag": name, "source": source, "probability": probability}
    return row | {"published_score": published_score, "confidence": 0.5, "score": 0.5, "votes": [], "evidence": []}


def weight(expert: str, share: float) -> dict[str, Any]:
    row = {"expert": expert, "weight": share, "weight_low": share - 0.1, "weight_high": share + 0.1}
    return row | {"num_correct": int(share * 100), "num_evaluated": 100, "evaluated_on": "validation"}


def rise(kind: str, period: str, rank: int, item: str) -> dict[str, Any]:
    row = {"kind": kind, "item": item, "period": period, "rank": rank, "observed": 1200, "expected": 40.5}
    return row | {"window_hours": 6, "as_of": datetime(2026, 11, 28, 23, tzinfo=UTC)}


def first_night(folder: Path) -> Rows:
    return {
        "catalog": [
            gif(folder, "cat", 900, ["cat", "old"]),
            gif(folder, "dog", 70, []),
            gif(folder, "old", 5, ["dog"]),
        ],
        "voted_tags": [
            tag("cat", "cat", "confirmed", 0.9),
            tag("cat", "old", "unconfirmed", 0.4),
            tag("old", "dog", "confirmed", 0.7),
        ],
        "expert_weights": [weight("imagenet", 0.3), weight("semantic", 0.5)],
        "failures": [],
    }


def second_night(folder: Path) -> Rows:
    return {
        "catalog": [
            gif(folder, "cat", 900, ["cat", "old", MARKUP]),
            gif(folder, "dog", 70, ["Lazy  Dog"]),
            gif(folder, "new", 300, ["wrong"]),
        ],
        "media": [{"gif_id": name, "version": hashlib.sha256(GIFS[name]).hexdigest()[:32]} for name in GIFS],
        "voted_tags": [
            tag("cat", "cat", "confirmed", 0.9, 0.4),
            tag("cat", "old", "unconfirmed", 0.6, 0.2),  # demoted, but likelier right than wrong
            tag("cat", MARKUP, "unconfirmed", 0.02, 0.1),
            tag("cat", "kitten", "voted", 0.8, 0.3),
            tag("dog", "Lazy  Dog", "unconfirmed", None),  # nobody votes for it
            tag("dog", "dog", "voted", 0.7, 0.3),
            tag("dog", "puppy", "proposed", 0.6),
            tag("new", "wrong", "unconfirmed", 0.1, 0.1),
            tag("new", "cat", "voted", 0.75, 0.4),
        ],
        "expert_weights": [weight("imagenet", 0.35), weight("semantic", 0.45)],
        "failures": [
            {"gif_id": f"gone{number}", "stage": "frames", "reason": "not_found", "message": f"no {MARKUP}"}
            for number in range(5)
        ]
        + [{"gif_id": None, "stage": "catalog", "reason": "missing_uri", "message": "no uri"}],
        "duplicates": [{"gif_id": name, "group_id": "cat", "group_size": 2} for name in ("cat", "new")],
        "related_searches": [
            {"query": query, "related": [], "similarities": []}
            for query in ("cat", "lazy dog", "kitten", MARKUP, "owl")
        ],
        "trends": [rise("query", "hour", 1, MARKUP), rise("gif", "day", 1, "cat"), rise("gif", "day", 11, "dog")],
    }


def gif(folder: Path, gif_id: str, popularity: int, tags: list[str]) -> dict[str, Any]:
    row = {"gif_id": gif_id, "uri": str(folder / "gifs" / f"{gif_id}.gif"), "tags": tags, "editorial_tags": []}
    return row | {"caption": f"a {gif_id} {MARKUP}", "popularity": popularity, "split": "train"}


@pytest.fixture
def publish(tmp_path: Path) -> Callable[..., str]:
    """Publishes a run with these tables into one warehouse, and gives the warehouse."""
    (tmp_path / "gifs").mkdir()
    for name, data in GIFS.items():
        (tmp_path / "gifs" / f"{name}.gif").write_bytes(data)
    warehouse = tmp_path / "ware house's"

    def write(run_id: str, day: int, rows_of: Rows, **facts: Any) -> str:
        versions = {}
        for name, rows in rows_of.items():
            table = pa.Table.from_pylist(rows, schema=TABLES[name].plain_schema)
            partition_by = list(TABLES[name].partition_by) or None
            write_deltalake(str(warehouse / name), table, mode="overwrite", partition_by=partition_by)
            versions[name] = DeltaTable(str(warehouse / name)).version()
        config = Config().model_dump(mode="json")
        config["frames"]["allowed_places"] = [str(tmp_path / "gifs")]
        times = [datetime(2026, 11, day, 1, minute, tzinfo=UTC) for minute in (0, 12)]
        record = RunRecord(run_id, *times, "published", None, run_id, versions, config=json.dumps(config), **facts)
        append_run(str(warehouse), record)
        return str(warehouse)

    return write


@pytest.fixture
def two_nights(publish: Callable[..., str], tmp_path: Path) -> str:
    """The warehouse of runs r1 and r2."""
    publish("r1", 28, first_night(tmp_path), seconds={"catalog": 3.0, "votes": 6.0}, rows_out={"catalog": 3})
    return publish(
        "r2",
        29,
        second_night(tmp_path),
        seconds={"catalog": 2.0, "votes": 8.0, "frames:fetch": 40.0},
        rows_in={"catalog": 9},
        rows_out={"catalog": 3},
        calibration=json.dumps({"ece": 0.05, "reliability": BINS}),
        gates={"failed_share": "passed", "tag_churn": f"0.4 {MARKUP}"},
    )


@pytest.fixture
def explained_night(publish: Callable[..., str], tmp_path: Path) -> str:
    """The second night with the nearest GIFs of `cat`, as `autotag explain` reads it."""
    nearest = {"gif_id": "cat", "expert": "imagenet", "neighbor_ids": ["dog", "new"], "distances": [0.25, 0.5]}
    return publish("r2", 29, second_night(tmp_path) | {"neighbors": [nearest]})

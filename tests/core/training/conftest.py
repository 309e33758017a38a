"""Small releases of training examples, written without Spark: every pixel of GIF i is grey 2 i."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
import torch
from deltalake import WriterProperties, write_deltalake

from autotag_core import storage
from autotag_core.config import Config, FramesConfig, TrainingConfig
from autotag_core.tables import TRAINING_EXAMPLES, TRAINING_LABELS, Table
from autotag_core.training.pictures import encode_frames
from autotag_core.warehouse import RunRecord, append_run, table_uri
from autotag_core.warehouse.delta import delta_uri

SIZE = 32


@dataclass(frozen=True)
class Gif:
    """An example as tests give it; its frames are grey, unless files are given."""

    split: str = "train"
    labels: tuple[int, ...] = (0,)
    num_frames: int = 4
    files: tuple[bytes, ...] | None = None
    uri: str = "gone.gif"
    version: str = "v"


def gif_id(number: int) -> str:
    return f"g{number:03d}"


def grey(number: int) -> int:
    return 2 * number


def write_table(uri: str, table: Table, rows: Sequence[dict[str, object]], rows_per_group: int, mode: str) -> None:
    target = table_uri(uri, table.name)
    if not storage.is_s3(uri):
        Path(target).mkdir(parents=True, exist_ok=True)
    write_deltalake(
        delta_uri(target),
        pa.Table.from_pylist(list(rows), schema=table.plain_schema),
        mode=mode,
        storage_options=storage.storage_options(target),
        writer_properties=WriterProperties(max_row_group_size=rows_per_group),
    )


def write_release(
    uri: str, gifs: Sequence[Gif], names: Sequence[str] = ("common", "rare"), stored: bool = True, number: int = 1
) -> str:
    """The number-th release of a warehouse, run r1, r2, ...: two files of row groups of 5; returns the warehouse."""
    rows = [_row(at, gif, stored) for at, gif in enumerate(gifs)]
    half = len(rows) // 2
    write_table(uri, TRAINING_EXAMPLES, rows[:half], 5, "overwrite")
    write_table(uri, TRAINING_EXAMPLES, rows[half:], 5, "append")
    train = [label for gif in gifs if gif.split == "train" for label in gif.labels]
    labels = [
        {"label_id": 10 * at, "label": name, "num_examples": train.count(at), "num_held_out": 0}
        for at, name in enumerate(names)
    ]
    write_table(uri, TRAINING_LABELS, labels, 100, "overwrite")
    config = Config(
        frames=FramesConfig(size=SIZE), training=TrainingConfig(frames="jpeg" if stored else "reference")
    ).model_dump(mode="json")
    now, run_id = datetime(2026, 11, 25, tzinfo=UTC), f"r{number}"
    versions = {"training_examples": 2 * number - 1, "training_labels": number - 1}
    record = RunRecord(run_id, now, now, "published", None, run_id, versions, config=json.dumps(config))
    append_run(uri, record)
    return uri


def _row(number: int, gif: Gif, stored: bool) -> dict[str, object]:
    frames = torch.full((gif.num_frames, 3, SIZE, SIZE), grey(number), dtype=torch.uint8)
    files = list(gif.files) if gif.files is not None else encode_frames(frames, "jpeg", 95)
    return {
        "gif_id": gif_id(number),
        "split": gif.split,
        "uri": gif.uri,
        "version": gif.version,
        "label_ids": [10 * label for label in gif.labels],
        "confidences": [0.5 + 0.25 * label for label in gif.labels],
        "has_text": number % 2 == 0,
        "num_frames": gif.num_frames,
        "duration_ms": 100 * gif.num_frames,
        "frames": files if stored else None,
    }


@pytest.fixture(params=["local", "s3"])
def anywhere(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    base = str(tmp_path) if request.param == "local" else request.getfixturevalue("bucket")
    return f"{base}/gifs and ü/version=2/warehouse"


@pytest.fixture
def release(tmp_path: Path) -> Callable[..., str]:
    """Writes a local release of the given GIFs."""

    def write(gifs: Sequence[Gif], **options: object) -> str:
        return write_release(f"{tmp_path}/warehouse", gifs, **options)  # type: ignore[arg-type]

    return write

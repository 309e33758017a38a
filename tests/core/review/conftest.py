"""A small release, written without Spark."""

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
from deltalake import write_deltalake
from PIL import Image

from autotag_core.config import Config
from autotag_core.tables import TABLES
from autotag_core.warehouse import RunRecord, append_run

NOW = datetime(2026, 11, 30, tzinfo=UTC)
Rows = dict[str, list[dict[str, Any]]]


def drawn_gif(shade: int) -> bytes:
    frames = [Image.new("RGB", (40, 30), (shade, 120, other)) for other in (0, 250)]
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=100, loop=0)
    return file.getvalue()


@pytest.fixture
def publish(tmp_path: Path) -> Callable[[Rows], str]:
    """Publishes run r1 of these rows and gives its warehouse; GIFs of the catalog are drawn in the folder gifs."""

    def published(rows: Rows) -> str:
        place, folder = tmp_path / "warehouse", tmp_path / "gifs"
        folder.mkdir(exist_ok=True)
        media = []
        for number, row in enumerate(rows["catalog"]):
            data = drawn_gif(40 * number % 256)
            Path(row["uri"]).write_bytes(data)
            media.append({"gif_id": row["gif_id"], "version": hashlib.sha256(data).hexdigest()[:32]})
        for name, table_rows in (rows | {"media": media}).items():
            arrow = pa.Table.from_pylist(table_rows, schema=TABLES[name].plain_schema)
            write_deltalake(str(place / name), arrow)
        config = Config().model_copy(deep=True)
        settings = json.loads(config.model_dump_json())
        settings["frames"]["allowed_places"] = [f"{folder}/"]
        versions = dict.fromkeys([*rows, "media"], 0)
        record = RunRecord("r1", NOW, NOW, "published", None, "r1", versions, config=json.dumps(settings))
        append_run(str(place), record)
        return str(place)

    return published


@pytest.fixture
def gif(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Makes a row of the catalog."""

    def row(
        gif_id: str, popularity: int, *tags: str, split: str = "train", caption: str | None = None
    ) -> dict[str, Any]:
        uri = str(tmp_path / "gifs" / f"{hashlib.sha256(gif_id.encode()).hexdigest()[:8]}.gif")
        said = {"gif_id": gif_id, "uri": uri, "tags": list(tags), "editorial_tags": [], "caption": caption}
        return said | {"popularity": popularity, "split": split}

    return row

"""Random catalogs with every odd case in them, in the forms in which the vote takes them."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from autotag_core.votes import ABOUT, TagTable, write_tag_table

EXPERTS = {"a": 0.1, "b": 0.2, "c": 0.7}
TAGS = ["cat", "größe", "猫", "lol", "", "g3", "rare"]
SCHEMA = pa.schema(
    [
        ("gif_id", pa.string()),
        ("expert", pa.string()),
        ("items", pa.list_(pa.string())),
        ("distances", pa.list_(pa.float32())),
        *(field for field in ABOUT if field.name not in ("gif_id", "items")),
    ]
)
Catalog = dict[str, tuple[str, list[str], list[str]]]
Lists = dict[tuple[str, str], list[tuple[str, float]]]


def drawn(seed: int) -> tuple[Catalog, Lists]:
    """A catalog {gif_id: (split, tags, editorial tags)} and lists {(gif_id, expert): [(neighbor, distance)]}."""
    rng = random.Random(seed)
    ids = [f"g{number}" for number in range(12)]
    catalog = {
        gif_id: (
            rng.choice(["train", "train", "train", "validation", "test"]),
            rng.sample(TAGS, rng.randrange(5)),
            rng.sample([*TAGS, "edited"], rng.choice([0, 0, 3])),
        )
        for gif_id in ids
    }
    lists = {}
    for gif_id in [*ids, "not in the catalog"]:
        for expert in EXPERTS:
            near = [other for other in rng.sample([*ids, "gone"], rng.randrange(6)) if other != gif_id]
            distances = sorted(float(np.float32(rng.random())) for _ in near)
            if rng.random() < 0.8:
                lists[gif_id, expert] = list(zip(near, distances, strict=True))
    return catalog, lists


def as_rows(catalog: Catalog, lists: Lists) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [
        {"gif_id": gif_id, "expert": expert, "items": [one for one, _ in near], "distances": [one for _, one in near]}
        for (gif_id, expert), near in lists.items()
    ]
    rows += about_rows(catalog)
    random.Random(1).shuffle(rows)
    return sorted(rows, key=lambda row: str(row["gif_id"]))


def about_rows(catalog: Catalog) -> list[dict[str, Any]]:
    """Rows of ABOUT: tags that only an editor gave, that the uploader gave too, that only the uploader gave."""
    rows = []
    for gif_id, (split, tags, editorial) in catalog.items():
        only = [tag for tag in editorial if tag not in tags]
        both = [tag for tag in editorial if tag in tags]
        items = [*only, *both, *(tag for tag in tags if tag not in editorial)]
        places = {"first_own": len(only), "num_editorial": len(editorial), "first_copied": len(items)}
        rows.append({"gif_id": gif_id, "items": items, "is_train": split == "train"} | places)
    return rows


def as_table(catalog: Catalog, folder: Path, slice_gifs: int) -> TagTable:
    rows = pa.Table.from_pylist(about_rows(catalog), ABOUT)
    return write_tag_table(rows.to_batches(max_chunksize=3), str(folder), folder, slice_gifs)

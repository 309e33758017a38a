"""GIFs of people that are drawn into a sample."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from autotag_core.errors import InputError
from autotag_core.sample.people import ENROLLED, write_people


def write_pictures(folder: Path, people: int, pictures: int) -> Path:
    for person in range(people):
        (folder / f"p{person}").mkdir(parents=True)
        for number in range(pictures):
            noise = np.random.default_rng(10 * person + number).integers(0, 255, (56, 46, 3), dtype=np.uint8)
            Image.fromarray(noise).save(folder / f"p{person}" / f"{number}.png")
    return folder


def test_gifs_show_pictures_that_nobody_is_enrolled_by(tmp_path: Path) -> None:
    people, sample = write_pictures(tmp_path / "people", 4, ENROLLED + 1), tmp_path / "sample"
    sample.mkdir()
    (sample / "catalog.jsonl").write_text('{"gif_id": "before"}\n')
    enrolled, truth = write_people(str(sample), people, 6, seed=1)
    rows = list(csv.DictReader(Path(enrolled).read_text().splitlines()))
    known = {row["name"] for row in rows}
    assert len(known) == 3 and len(rows) == 3 * ENROLLED
    catalog = [json.loads(line) for line in (sample / "catalog.jsonl").read_text().splitlines()]
    assert [row["gif_id"] for row in catalog] == ["before", *truth]
    assert all(people <= known for people in truth.values())
    for row in catalog[1:]:
        with Image.open(sample / row["uri"]) as gif:
            assert 4 <= gif.n_frames <= 20


def test_people_with_too_few_pictures_are_refused_by_name(tmp_path: Path) -> None:
    people = write_pictures(tmp_path / "people", 2, ENROLLED)
    with pytest.raises(InputError, match="p0, p1"):
        write_people(str(tmp_path), people, 2, seed=1)
    with pytest.raises(InputError, match="a folder a person"):
        write_people(str(tmp_path), tmp_path / "nobody", 2, seed=1)

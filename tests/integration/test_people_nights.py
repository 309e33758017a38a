"""Nights that look for faces: who is in a GIF, beside its tags, by a gallery that grows."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pyspark.sql import SparkSession

from autotag_core import warehouse
from autotag_core.config import ElasticsearchConfig
from autotag_core.config.file import load_config
from autotag_core.errors import InputError
from autotag_core.reports.explanation import explain_gif
from autotag_core.reports.explanation_text import as_text
from autotag_core.search import elasticsearch_client, search_gifs
from autotag_core.warehouse import UNCHANGED
from jobs.faces.enroll_people import enroll_people
from jobs.faces.forget_person import forget_person
from jobs.nightly import Request, run_nightly
from jobs.run.run import Run

pytestmark = pytest.mark.integration

SETTINGS = (
    "experts=[imagenet]",
    "neighbors.backend=exact",
    "neighbors.k=3",
    "vote.neighbors=3",
    "related.enabled=false",
    "training.enabled=false",
    "duplicates.enabled=false",
    "vote.rule=published",
    "spark.partitions=2",
    "elasticsearch.replicas=0",
    "faces.enabled=true",
)


@pytest.fixture(scope="module")
def people_folder(shared_data: Path) -> Path:
    folder = shared_data / "faces"
    if not folder.is_dir():
        pytest.skip("no real faces")
    return folder


def write_gif(path: Path, folder: Path, *people: str) -> None:
    """Three frames with these people side by side."""
    frames = []
    for number in (5, 6, 7):
        pictures = [Image.open(folder / person / f"{number}.png").convert("RGB") for person in people]
        width, height = pictures[0].size
        frame = Image.new("RGB", (2 * width * max(len(people), 1), 2 * height), (90, 90, 90 + number))
        for at, picture in enumerate(pictures):
            frame.paste(picture.resize((2 * width, 2 * height)), (2 * width * at, 0))
        frames.append(frame)
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=200, loop=0)


def enroll(gallery: str, folder: Path, place: Path, *people: str) -> None:
    """Three pictures each, which no GIF shows."""
    rows = ["name,picture", *(f"{name.upper()},{folder / name / f'{at}.png'}" for name in people for at in (1, 2, 3))]
    (place / "people.csv").write_text("\n".join(rows) + "\n")
    enroll_people(str(place / "people.csv"), gallery)


def named(run: Run) -> dict[str, list[str | None]]:
    """Names of the people in each GIF, as the run published them."""
    found: dict[str, list[str | None]] = {}
    for row in rows_of(run, "people"):
        found.setdefault(row["gif_id"], []).append(row["name"])
    return found


def rows_of(run: Run, table: str) -> list[dict[str, Any]]:
    release = warehouse.current_release(run.warehouse, run.run_id)
    return warehouse.read_table(run.warehouse, table, release).to_pylist()


def test_people_are_named_found_and_named_again_as_the_gallery_grows(
    spark: SparkSession, tmp_path: Path, people_folder: Path, elasticsearch: str
) -> None:
    gifs = {"both": ("s1", "s2"), "one": ("s1",), "other": ("s3",), "nobody": ()}
    for name, people in gifs.items():
        (tmp_path / "gifs").mkdir(exist_ok=True)
        if people:
            write_gif(tmp_path / "gifs" / f"{name}.gif", people_folder, *people)
        else:
            Image.new("RGB", (90, 90), "green").save(tmp_path / "gifs" / f"{name}.gif")
    rows = [{"gif_id": name, "uri": f"gifs/{name}.gif", "tags": ["face"], "version": "1"} for name in gifs]
    catalog = tmp_path / "catalog.jsonl"
    catalog.write_text("".join(json.dumps(row) + "\n" for row in rows))
    gallery, place = str(tmp_path / "gallery"), str(tmp_path / "w")
    enroll(gallery, people_folder, tmp_path, "s1")

    def night(*settings: str) -> Run:
        config = load_config(None, [*SETTINGS, f"faces.gallery={gallery}", *settings])
        return run_nightly(Request(str(catalog), place, config, elasticsearch, "people"))

    first = night()
    assert named(first) == {"both": ["S1", None], "one": ["S1"], "other": [None]}
    faces = rows_of(first, "faces")
    owners = {(row["gif_id"], row["person"]): row["name"] for row in rows_of(first, "people")}
    assert faces and all((row["embeddings"] is None) == (owners[row["gif_id"], row["person"]] is None) for row in faces)
    assert all(len(row["boxes"]) == 4 * len(row["frames"]) == 4 * len(row["scores"]) for row in faces)
    assert all(frame in (0, 1, 2) for row in faces for frame in row["frames"])
    assert night().facts.status == UNCHANGED

    enroll(gallery, people_folder, tmp_path, "s3")
    second = night()
    assert second.facts.inputs.notes["same_gifs"] == "4"
    assert named(second) == {"both": ["S1", None], "one": ["S1"], "other": ["S3"]}

    with elasticsearch_client(elasticsearch, ElasticsearchConfig()) as client:
        hits = search_gifs(client, "people", "s3 face")
    assert hits[0].gif_id == "other" and len(hits) == 4
    explained = as_text(explain_gif(place, "both"))
    assert re.search(r"person     S1 0\.9\d, in 3 frames", explained) and "person     unknown, in 3 frames" in explained

    third = night("faces.keep_unknown=true")
    assert all(row["embeddings"] for row in rows_of(third, "faces"))
    enroll(gallery, people_folder, tmp_path, "s2")
    fourth = night("faces.keep_unknown=true")
    assert named(fourth)["both"] == ["S1", "S2"]
    assert "frames:faces" not in fourth.facts.seconds  # embeddings were kept
    documents = {row["gif_id"]: row["people"] for row in rows_of(fourth, "search_documents")}
    assert (documents["both"], documents["other"], documents["nobody"]) == (["S1", "S2"], ["S3"], [])
    tags = {row["tag"] for row in rows_of(fourth, "voted_tags")}
    assert tags == {"face"}

    check_forgotten("S1", (gallery, place, elasticsearch), {first.run_id, second.run_id, third.run_id, fourth.run_id})
    assert named(night("faces.keep_unknown=true")) == {"both": ["S2", None], "one": [None], "other": ["S3"]}


def check_forgotten(person_id: str, places: tuple[str, str, str], runs: set[str]) -> None:
    """Forget somebody who is in two GIFs. `places`: gallery, warehouse, Elasticsearch. `runs` still name them."""
    forgotten = forget_person(person_id, *places, "people")
    assert (forgotten.num_pictures, forgotten.num_gifs) == (3, 2)
    assert set(forgotten.held_by) == runs
    release = warehouse.current_release(places[1])
    people = warehouse.read_table(places[1], "people", release).to_pylist()
    assert sorted(str(row["name"]) for row in people) == ["None", "None", "S2", "S3"]
    strangers = {(row["gif_id"], row["person"]) for row in people if row["name"] is None}
    faces = warehouse.read_table(places[1], "faces", release).to_pylist()
    assert all((row["embeddings"] is None) == ((row["gif_id"], row["person"]) in strangers) for row in faces)
    with elasticsearch_client(places[2], ElasticsearchConfig()) as client:
        found = client.search(index="people", size=10)["hits"]["hits"]
    assert {hit["_id"]: hit["_source"]["people"] for hit in found} == {
        "both": ["S2"],
        "one": [],
        "other": ["S3"],
        "nobody": [],
    }
    with pytest.raises(InputError, match="in no release"):
        forget_person("nobody", *places, "people")

"""One night that several modules look at: the whole job over a real S3 server and a real Elasticsearch."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from pyspark.sql import SparkSession

from autotag_core import storage, warehouse
from autotag_core.config.file import load_config
from autotag_core.drawing.encoding import gif_bytes
from autotag_core.drawing.factors import recipe_of
from autotag_core.local_machine import S3Server
from autotag_core.sample import BROKEN_KINDS, UploaderRates, write_sample
from jobs.nightly import Request, run_nightly
from jobs.run.run import Run

SETTINGS = (
    "neighbors.backend=exact",
    "elasticsearch.replicas=0",
    "elasticsearch.max_refused_share=0.05",
    "gates.max_failed_share=0.5",
    "vote.min_evaluation_gifs=5",
    "vote.target_precision=0.5",
    "vote.min_threshold_examples=5",
)
NIGHT_OF_TAGS = (
    "experts=[semantic]",  # it looks at no frame, so that a night is short
    "semantic.min_count=1",
    "neighbors.backend=exact",
    "neighbors.k=3",
    "vote.neighbors=3",
    "related.enabled=false",
    "duplicates.enabled=false",
    "reports.enabled=false",
)
"""Settings of a short night."""


@dataclass(frozen=True)
class Night:
    """A finished run and what it was given."""

    folder: str
    request: Request
    run: Run
    num_gifs: int = 60
    settings: tuple[str, ...] = SETTINGS
    long_id: str = "long-" + "x" * 600
    """Elasticsearch takes ids of at most 512 bytes: the tables hold this GIF, the search index refuses it."""

    def rows(self, name: str) -> list[dict[str, object]]:
        """The rows of a table as this run published it."""
        release = warehouse.current_release(self.request.warehouse, self.run.run_id)
        return warehouse.read_table(self.request.warehouse, name, release).to_pylist()


@pytest.fixture(scope="session")
def night(spark: SparkSession, s3: S3Server, elasticsearch: str, tmp_path_factory: pytest.TempPathFactory) -> Night:
    s3.client().create_bucket(Bucket="night")
    folder = "s3a://night"
    rates = UploaderRates(copied=0.1, editorial=0.12, reviewed=0.08)  # leaves train enough to train a head on
    write_sample(f"{folder}/catalog", Night.num_gifs, seed=7, num_broken=len(BROKEN_KINDS), workers=1, rates=rates)
    add_gif_with_a_long_id(f"{folder}/catalog")
    lists = [f"semantic.sessions={folder}/catalog/sessions.jsonl", f"catalog.test_list={folder}/catalog/test.txt"]
    config = load_config(None, [*lists, *SETTINGS])
    metrics = str(tmp_path_factory.mktemp("metrics") / "autotag.prom")
    request = Request(
        f"{folder}/catalog/catalog.jsonl", f"{folder}/warehouse", config, elasticsearch, "night", metrics=(metrics,)
    )
    return Night(folder, request, run_nightly(request))


def add_gif_with_a_long_id(folder: str) -> None:
    row = {"gif_id": Night.long_id, "uri": "gifs/long.gif", "tags": ["cat"], "editorial_tags": []}
    storage.write_bytes(f"{folder}/gifs/long.gif", gif_bytes(recipe_of(99, 0)))
    lines = storage.read_bytes(f"{folder}/catalog.jsonl").decode() + json.dumps(row) + "\n"
    storage.write_bytes(f"{folder}/catalog.jsonl", lines.encode())

"""A command killed at any point of its publication: no reader sees a mixture, and the next one puts all right.

The process is killed with SIGKILL, so that nothing of it can tidy up.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from autotag_core import search, warehouse
from autotag_core.config import ElasticsearchConfig
from autotag_core.config.file import load_config
from autotag_core.local_machine import PROJECT
from autotag_core.tables import CATALOG
from autotag_core.warehouse.intent import read_intent
from autotag_core.warehouse.unended_runs import all_runs
from jobs.nightly import Request, run_nightly
from jobs.release.rollback_release import rollback_release
from jobs.release.settle_publication import writing

pytestmark = pytest.mark.integration
SETTINGS = (
    "experts=[semantic]",
    "semantic.threads=1",
    "neighbors.backend=exact",
    "related.enabled=false",
    "vote.rule=published",
    "spark.partitions=2",
    "elasticsearch.replicas=0",
    "elasticsearch.writers=4",
    "elasticsearch.max_changed_share=0.5",
    "gates.max_vanished_share=1",
)
KILL = """
import os, signal

point = os.environ.get("KILL_AT")
os.environ.setdefault("KILL_PID", str(os.getpid()))  # the driver's: Spark's workers inherit it

def dies(owner, name, when):
    real = getattr(owner, name)
    def dying(*args, **named):
        found = real(*args, **named) if when == "after" else None
        os.kill(int(os.environ["KILL_PID"]), signal.SIGKILL)
        return found
    setattr(owner, name, dying)

if point:
    from autotag_core import search
    from autotag_core.search import bulk
    if point == "some documents are in the copy":
        dies(bulk, "_index_batch", "after")
    if point == "the alias has moved":
        dies(search, "move_alias", "after")
"""
"""A sitecustomize that kills the process at a point of its work."""
CLIENT = ElasticsearchConfig()


@dataclass(frozen=True)
class House:
    """A catalog, a warehouse and an alias, and commands on them."""

    folder: Path
    url: str
    alias: str

    @property
    def uri(self) -> str:
        return str(self.folder / "warehouse")

    def night(self) -> str:
        """Do a night on the catalog; how it brought its documents into an index."""
        catalog = str(self.folder / "catalog.jsonl")
        request = Request(catalog, self.uri, load_config(None, SETTINGS), self.url, self.alias)
        return run_nightly(request).facts.inputs.notes.get("index", "")

    def write(self, *gif_ids: str) -> None:
        """The catalog, with a GIF of each id."""
        rows = [
            {"gif_id": gif_id, "uri": f"{gif_id}.gif", "tags": ["animal", "pet" if n % 2 else "wild"]}
            for n, gif_id in enumerate(gif_ids)
        ]
        (self.folder / "catalog.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    def killed(self, point: str, *command: str) -> None:
        """Run the command until it is killed at the point."""
        (self.folder / "site").mkdir(exist_ok=True)
        (self.folder / "site" / "sitecustomize.py").write_text(KILL)
        environment = {name: value for name, value in os.environ.items() if name != "KILL_PID"}
        environment |= {"PYTHONPATH": f"{self.folder / 'site'}{os.pathsep}{PROJECT}", "KILL_AT": point}
        arguments = [sys.executable, "-m", "jobs.commands.app", *command, "--warehouse", self.uri]
        arguments += ["--elasticsearch", self.url, "--index", self.alias]
        log = self.folder / "log"
        with log.open("wb") as output:
            child = subprocess.Popen(
                arguments, cwd=PROJECT, env=environment, stdout=output, stderr=output, start_new_session=True
            )
            try:
                code = child.wait(timeout=300)
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)  # its JVM too
        assert code == -signal.SIGKILL, log.read_text()[-3000:]

    def killed_night(self, point: str) -> None:
        settings = [part for setting in SETTINGS for part in ("--set", setting)]
        self.killed(point, "nightly", "--catalog", str(self.folder / "catalog.jsonl"), *settings)

    def tables(self) -> list[str]:
        """What a reader of the tables sees."""
        rows = warehouse.read_table(self.uri, CATALOG.name, warehouse.current_release(self.uri), ["gif_id"])
        return sorted(rows["gif_id"].to_pylist())

    def found(self) -> list[str]:
        """What a reader finds through the alias."""
        with search.elasticsearch_client(self.url, CLIENT) as client:
            return sorted(hit.gif_id for hit in search.search_gifs(client, self.alias, "animal", 50))

    def documents(self) -> list[str]:
        """All that the alias shows, as text."""
        with search.elasticsearch_client(self.url, CLIENT) as client:
            hits = client.search(index=self.alias, size=50)["hits"]["hits"]
        return sorted(self._placeless(hit["_source"]) for hit in hits)

    def rows(self) -> dict[str, list[str]]:
        """Every table's rows as text, in an order that the rows alone decide."""
        release = warehouse.current_release(self.uri)
        return {
            name: sorted(map(self._placeless, warehouse.read_table(self.uri, name, release).to_pylist()))
            for name in release.table_versions
        }

    def indexes(self) -> set[str]:
        with search.elasticsearch_client(self.url, CLIENT) as client:
            return set(client.indices.get(index=f"{self.alias}-*"))

    def _placeless(self, row: object) -> str:
        return repr(row).replace(str(self.folder), "")


OLD = ("ant", "bee", "cat", "dog", "elk", "fox")
_numbers = itertools.count()


@pytest.fixture(scope="module")
def houses(
    spark: SparkSession, elasticsearch: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[House, House]]:
    """Two houses after the same first night. In the second one nobody is ever killed."""
    found = [House(tmp_path_factory.mktemp("house"), elasticsearch, f"gifs{uuid.uuid4().hex[:8]}") for _ in range(2)]
    for house in found:
        house.write(*OLD)
        house.night()
    yield found[0], found[1]
    with search.elasticsearch_client(elasticsearch, CLIENT) as client:
        for house in found:
            for name in house.indexes():
                client.indices.delete(index=name)


@pytest.mark.parametrize(
    ("point", "is_ahead"),
    [
        ("some documents are in the copy", False),
        ("the alias has moved", True),
    ],
)
def test_after_a_killed_night_readers_see_a_whole_release_and_the_next_night_equals_an_undisturbed_one(
    point: str, is_ahead: bool, houses: tuple[House, House]
) -> None:
    house, calm = houses
    old, new = house.tables(), sorted([*OLD[:5], f"new-{next(_numbers)}"])
    for each in houses:
        each.write(*new)
    house.killed_night(point)
    assert house.tables() == old
    assert house.found() == (new if is_ahead else old), "never a mixture"
    last = all_runs(house.uri)[-1]
    assert last.status == "died"
    assert (f"search alias {house.alias} may show {house.alias}-" in str(last.message)) == is_ahead
    house.night()
    assert house.tables() == house.found() == new
    assert read_intent(house.uri) is None
    assert calm.night() == "changed: 2 of 6 documents"
    assert house.rows() == calm.rows()
    assert house.documents() == calm.documents()
    assert house.indexes() <= {run.elasticsearch_index for run in warehouse.list_runs(house.uri)}


def test_after_a_killed_rollback_whoever_writes_next_lets_search_follow_the_tables(
    houses: tuple[House, House],
) -> None:
    house, _ = houses
    old, new = house.tables(), sorted([*OLD[:5], f"new-{next(_numbers)}"])
    before = warehouse.current_release(house.uri).run_id
    house.write(*new)
    house.night()
    house.killed("the alias has moved", "rollback", before)
    assert house.tables() == new
    assert house.found() == old
    with writing(house.uri):  # as a night, a rollback and an edit of labels begin
        assert house.tables() == house.found() == new
    assert read_intent(house.uri) is None
    rollback_release(house.uri, before, house.url, house.alias)
    assert house.tables() == house.found() == old


def test_search_that_somebody_has_moved_meanwhile_is_left_where_it_is(houses: tuple[House, House]) -> None:
    house, _ = houses
    new = sorted([*OLD[:5], f"new-{next(_numbers)}"])
    house.write(*new)
    house.killed_night("the alias has moved")
    with search.elasticsearch_client(house.url, CLIENT) as client:
        client.indices.create(index=f"{house.alias}by-hand", aliases={house.alias: {}})
        actions = [{"remove": {"index": f"{house.alias}-*", "alias": house.alias}}]
        client.indices.update_aliases(actions=actions)
        with writing(house.uri):
            assert search.current_indexes(client, house.alias, CLIENT) == [f"{house.alias}by-hand"]
        house.night()
        assert house.tables() == house.found() == new
        client.indices.delete(index=f"{house.alias}by-hand")

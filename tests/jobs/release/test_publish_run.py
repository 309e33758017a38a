"""The end of a run: tables and search move together or not at all, and what follows a publication can't undo it."""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import structlog
from elasticsearch import ApiError
from pyspark.sql import SparkSession
from pyspark.sql.pandas.types import from_arrow_schema
from structlog.testing import capture_logs

from autotag_core import search, storage, warehouse
from autotag_core.config import Config, ElasticsearchConfig, WarehouseConfig
from autotag_core.errors import InputError, NotPublishedError
from autotag_core.search import Owner
from autotag_core.tables import SEARCH_DOCUMENTS
from autotag_core.warehouse import RunRecord, lease, releases
from jobs.process.progress import Progress
from jobs.release import move_search
from jobs.release import publish_run as publication
from jobs.release.publish_run import publish_run, recorded, tidy_up
from jobs.release.rollback_release import rollback_release
from jobs.release.settle_publication import writing
from jobs.run.run import Run
from jobs.search.index_alias import Index, open_index, serves_release
from jobs.search.index_documents import index_documents

pytestmark = pytest.mark.integration
SETTINGS = ElasticsearchConfig(replicas=0, keep_indexes=1, max_changed_share=0.5).model_copy(
    update={"attempts": 2, "initial_backoff_s": 0.001, "max_backoff_s": 0.01}
)


@dataclass
class House:
    """A warehouse with search beside it, and nights that write a document for each id."""

    spark: SparkSession
    uri: str
    index: Index

    def night(self, *gif_ids: str, base: Run | RunRecord | None = None) -> Run:
        """A run up to the filled, or changed, and counted index."""
        log: Any = structlog.get_logger()
        config = Config(elasticsearch=SETTINGS, warehouse=WarehouseConfig(keep_releases=2))
        run = Run(self.spark, config, self.uri, log, Progress(self.spark.sparkContext, is_terminal=False))
        run.tables.base = base and warehouse.current_release(self.uri, base.run_id)
        lists = {"related_gifs": [], "people": [], "written_tags": []}
        documents = [
            {"gif_id": name, "tags": [("cat", 1.0, 1.0, None)], "popularity": 0, "uri": f"{name}.gif", **lists}
            for name in gif_ids
        ]
        documents_df = self.spark.createDataFrame(documents, from_arrow_schema(SEARCH_DOCUMENTS.schema))
        run.facts.rows_out["documents"] = run.tables.write(SEARCH_DOCUMENTS, documents_df)
        with recorded(run):
            index_documents(run, self.index)
        return run

    def published(self, *gif_ids: str, base: Run | RunRecord | None = None) -> Run:
        run = self.night(*gif_ids, base=base)
        self.publish(run)
        tidy_up(run, self.index)
        return run

    def publish(self, run: Run) -> None:
        with recorded(run):
            publish_run(run, self.index)

    def seen(self) -> tuple[list[str], list[str]]:
        """What readers of the tables and of search find."""
        release = warehouse.current_release(self.uri)
        rows = warehouse.read_table(self.uri, "search_documents", release, ["gif_id"])
        hits = search.search_gifs(self.index.client, self.index.alias, "cat")
        return sorted(rows["gif_id"].to_pylist()), sorted(hit.gif_id for hit in hits)

    def holds(self, run: Run) -> bool:
        """Whether the index of a run is said to hold its documents."""
        release = warehouse.current_release(self.uri, run.run_id)
        return serves_release(self.index, release)

    def statuses(self) -> list[str]:
        return [run.status for run in warehouse.list_runs(self.uri)]


@pytest.fixture
def house(spark: SparkSession, elasticsearch: str, tmp_path: Path) -> Iterator[House]:
    alias = f"gifs{uuid.uuid4().hex[:8]}"
    uri = str(tmp_path / "warehouse")
    index = open_index(elasticsearch, Owner(alias, uri), SETTINGS)
    yield House(spark, uri, index)
    for name in index.client.indices.get(index=f"{alias}*"):
        index.client.indices.delete(index=name)


def fail(error: BaseException) -> Any:
    def failing(*_: Any, **__: Any) -> None:
        raise error

    return failing


def refused(house: House) -> ApiError:
    """What Elasticsearch answers where it will not do something."""
    with pytest.raises(ApiError) as caught:
        house.index.client.perform_request("GET", "/no-such-index/_search", headers={"accept": "application/json"})
    return ApiError("refused", meta=caught.value.meta, body={"error": {"type": "refused", "reason": "a snapshot runs"}})


def test_a_published_run_is_what_readers_of_the_tables_and_of_search_see(house: House) -> None:
    first, second = house.published("a"), house.published("b")
    assert house.seen() == (["b"], ["b"])
    found = warehouse.list_runs(house.uri)
    assert [(run.run_id, run.elasticsearch_index) for run in found] == [
        (run.run_id, f"{house.index.alias}-{run.run_id.lower()}") for run in (first, second)
    ]


def test_an_index_that_lacks_a_document_moves_nothing_and_is_exit_code_3(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.published("a")
    real = search.finish_index
    monkeypatch.setattr(search, "finish_index", lambda *arguments: real(*arguments) - 1)
    with pytest.raises(NotPublishedError, match="holds 0 documents where 1 belong") as caught:
        house.night("b")
    assert caught.value.exit_code == 3
    assert house.seen() == (["a"], ["a"])
    assert house.statuses() == ["published", "not_published"]
    assert warehouse.list_runs(house.uri)[-1].elasticsearch_index is None


def test_a_run_that_dies_between_its_index_and_the_alias_leaves_readers_where_they_were(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.published("a")
    run = house.night("b")
    monkeypatch.setattr(search, "move_alias", fail(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt), recorded(run):
        publish_run(run, house.index)
    assert house.seen() == (["a"], ["a"])
    assert house.statuses() == ["published", "failed"]


@pytest.mark.parametrize("error", [InputError("the disk is full"), KeyboardInterrupt()])
def test_a_run_that_dies_between_the_alias_and_its_row_puts_the_alias_back(
    error: BaseException, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.published("a")
    run, real = house.night("b"), warehouse.append_run

    def append(uri: str, record: warehouse.RunRecord, after: int | None = None) -> None:
        if record.status == "published":
            assert [hit.gif_id for hit in search.search_gifs(house.index.client, house.index.alias, "cat")] == ["b"]
            raise error
        real(uri, record, after)

    monkeypatch.setattr(warehouse, "append_run", append)
    with pytest.raises(type(error)), recorded(run):
        publish_run(run, house.index)
    assert house.seen() == (["a"], ["a"])
    assert house.statuses() == ["published", "failed"]


def test_the_first_run_that_can_not_be_recorded_leaves_no_alias(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    run = house.night("a")
    monkeypatch.setattr(warehouse, "append_run", fail(InputError("the disk is full")))
    with pytest.raises(InputError, match="the disk is full"):
        publish_run(run, house.index)
    assert search.current_indexes(house.index.client, house.index.alias, SETTINGS) == []


def test_an_alias_that_can_not_be_put_back_is_said_and_put_back_by_whoever_writes_next(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = house.published("a")
    run = house.night("b")
    monkeypatch.setattr(warehouse, "append_run", fail(InputError("the disk is full")))
    monkeypatch.setattr(move_search, "point", fail(NotPublishedError("Elasticsearch is gone")))
    with pytest.raises(NotPublishedError) as caught:
        publish_run(run, house.index)
    for part in (
        "the disk is full",
        f"could not be moved back to {first.facts.elasticsearch_index}: Elasticsearch is gone",
        f"the next night, rollback or edit of labels in {house.uri} moves it",
    ):
        assert part in str(caught.value)
    assert house.seen() == (["a"], ["b"])
    monkeypatch.undo()
    with writing(house.uri):
        assert house.seen() == (["a"], ["a"])


def test_a_row_whose_answer_was_lost_is_a_publication_all_the_same(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.published("a")
    run, real = house.night("b"), warehouse.append_run

    def append(uri: str, record: warehouse.RunRecord, after: int | None = None) -> None:
        real(uri, record, after)
        raise InputError("no answer in time")

    monkeypatch.setattr(warehouse, "append_run", append)
    with recorded(run):
        publish_run(run, house.index)
    assert house.seen() == (["b"], ["b"])
    assert house.statuses() == ["published", "published"]


def test_an_alias_that_does_not_move_publishes_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.published("a")
    run = house.night("b")
    monkeypatch.setattr(search, "move_alias", fail(refused(house)))
    with pytest.raises(NotPublishedError, match=r"could not be moved to .*nothing is published"), recorded(run):
        publish_run(run, house.index)
    assert house.seen() == (["a"], ["a"])
    assert warehouse.list_runs(house.uri)[-1].status == "not_published"


@pytest.mark.parametrize("call", ["delete", "put_mapping"])
def test_what_elasticsearch_refuses_after_the_publication_is_a_warning(
    call: str, house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for gif_id in "ab":
        house.published(gif_id)
    run = house.night("c")
    monkeypatch.setattr(type(house.index.client.indices), call, fail(refused(house)))
    caplog.clear()
    with capture_logs() as logs:
        publish_run(run, house.index)
        tidy_up(run, house.index)
    warnings = [line["event"] for line in logs if line["log_level"] == "warning"]
    warnings += [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1 and ("not deleted" in warnings[0] or "not marked" in warnings[0])
    assert house.seen() == (["c"], ["c"])


def test_old_releases_are_dropped_after_the_publication_and_a_failure_there_is_a_warning(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = house.published("a")
    house.published("b")
    monkeypatch.setattr(publication.retention, "drop_old_versions", fail(InputError("access denied")))
    with capture_logs() as logs:
        house.published("c")
    assert [line["reason"] for line in logs if line["event"] == "old table versions not deleted"] == ["access denied"]
    monkeypatch.undo()
    warehouse.check_release(house.uri, first.run_id)
    house.published("d")
    with pytest.raises(InputError, match="has lost"):
        warehouse.check_release(house.uri, first.run_id)
    assert house.seen() == (["d"], ["d"])


def test_where_few_documents_differ_a_copy_is_changed_and_where_many_do_a_new_index_is_filled(house: House) -> None:
    first = house.published("a", "b", "c", "d")
    second = house.night("a", "b", "c", "e", base=first)
    assert second.facts.inputs.notes["index"] == "changed: 2 of 4 documents"
    assert house.seen() == (["a", "b", "c", "d"],) * 2
    assert house.holds(first)
    house.publish(second)
    tidy_up(second, house.index)
    assert second.facts.elasticsearch_index == search.index_name(house.index.alias, second.run_id)
    assert house.seen() == (["a", "b", "c", "e"],) * 2
    assert house.holds(second) and not house.holds(first)
    third = house.published("f", base=second)
    assert third.facts.inputs.notes["index"] == "filled"
    assert house.seen() == (["f"],) * 2


def test_where_elasticsearch_makes_no_copy_a_new_index_is_filled(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    first = house.published("a", "b", "c", "d")
    monkeypatch.setattr(type(house.index.client.indices), "clone", fail(refused(house)))
    second = house.published("a", "b", "c", "e", base=first)
    assert second.facts.inputs.notes["index"] == "filled"
    assert house.seen() == (["a", "b", "c", "e"],) * 2


def test_a_document_that_was_refused_before_is_still_among_the_failures(house: House) -> None:
    house.index = replace(house.index, config=SETTINGS.model_copy(update={"max_refused_share": 0.5}))
    first = house.published("a", "b", "x" * 600, "y" * 600)
    second = house.published("a", "b", "c", "x" * 600, base=first)
    assert second.facts.inputs.notes["index"] == "changed: 2 of 4 documents"
    assert (second.failures.counts, second.facts.gates["documents"]) == (
        {"search_documents:refused_document": 1},
        "3 found, 4 in the table, 1 refused",
    )
    assert house.seen() == (["a", "b", "c", "x" * 600], ["a", "b", "c"])


def test_a_run_that_dies_after_it_changed_its_copy_leaves_readers_and_the_next_run_what_was_there(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = house.published("a", "b", "c", "d")
    run = house.night("a", "b", "c", "e", base=first)
    with monkeypatch.context() as patch, pytest.raises(InputError, match="the disk is full"):
        patch.setattr(warehouse, "append_run", fail(InputError("the disk is full")))
        house.publish(run)
    assert house.seen() == (["a", "b", "c", "d"], ["a", "b", "c", "d"])
    assert house.holds(first)
    second = house.published("a", "b", "c", "f", base=first)
    assert second.facts.inputs.notes["index"] == "changed: 2 of 4 documents"
    assert house.seen() == (["a", "b", "c", "f"], ["a", "b", "c", "f"])
    indexes = [first.facts.elasticsearch_index, second.facts.elasticsearch_index]
    assert sorted(house.index.client.indices.get(index=f"{house.index.alias}-*")) == sorted(map(str, indexes))


@pytest.mark.parametrize("is_gone", [False, True])
def test_a_rollback_goes_to_the_index_of_its_release_and_where_that_is_gone_fills_a_new_one(
    is_gone: bool, house: House
) -> None:
    first = house.published("a", "b", "c", "d")
    house.published("a", "b", "c", "e", base=first)
    if is_gone:
        house.index.client.indices.delete(index=first.facts.elasticsearch_index)
    record = rollback_release(house.uri, first.run_id, house.index.url, house.index.alias)
    assert house.seen() == (["a", "b", "c", "d"], ["a", "b", "c", "d"])
    assert (record.elasticsearch_index == first.facts.elasticsearch_index) is not is_gone
    assert serves_release(house.index, warehouse.current_release(house.uri))
    # and a night stands on it
    third = house.published("a", "b", "c", "f", base=record)
    assert third.facts.inputs.notes["index"] == "changed: 2 of 4 documents"
    assert house.seen() == (["a", "b", "c", "f"], ["a", "b", "c", "f"])


def test_a_rollback_moves_tables_and_search(house: House) -> None:
    first = house.published("a")
    house.published("b")
    rollback_release(house.uri, first.run_id, house.index.url, house.index.alias)
    assert house.seen() == (["a"], ["a"])


def test_a_rollback_to_tables_that_are_gone_leaves_search_where_it_is(house: House) -> None:
    first = house.published("a")
    house.published("b")
    release = warehouse.current_release(house.uri, first.run_id)
    for file in warehouse.table_files(house.uri, "search_documents", release):
        Path(file).unlink()
    with pytest.raises(InputError, match="version 0 has lost 1 of its files"):
        rollback_release(house.uri, first.run_id, house.index.url, house.index.alias)
    assert house.seen() == (["b"], ["b"])


def test_a_rollback_that_can_not_be_recorded_puts_the_alias_back(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    first = house.published("a")
    house.published("b")
    monkeypatch.setattr(releases, "append_run", fail(InputError("the disk is full")))
    with pytest.raises(InputError, match="the disk is full"):
        rollback_release(house.uri, first.run_id, house.index.url, house.index.alias)
    assert house.seen() == (["b"], ["b"])


def test_an_alias_that_shows_another_warehouse_is_refused_before_any_work(house: House, tmp_path: Path) -> None:
    first = house.published("a")
    uri = str(tmp_path / "other")
    other = House(house.spark, uri, replace(house.index, owner=Owner(f"{house.index.alias}-other", uri)))
    said = (
        f"the alias '{house.index.alias}' shows index {first.facts.elasticsearch_index} of the warehouse {house.uri}, "
        "and one alias can't show two: choose another --index"
    )
    with pytest.raises(NotPublishedError, match=re.escape(said)) as caught:
        open_index(house.index.url, Owner(house.index.alias, uri), SETTINGS)
    assert caught.value.exit_code == 3
    alone = other.published("b")
    with pytest.raises(NotPublishedError, match=re.escape(said)):
        rollback_release(uri, alone.run_id, house.index.url, house.index.alias)
    assert house.seen() == (["a"], ["a"])


def test_of_two_warehouses_that_begin_with_one_alias_the_second_publishes_nothing_and_loses_no_index(
    house: House, tmp_path: Path
) -> None:
    uri = str(tmp_path / "other")
    other = House(house.spark, uri, open_index(house.index.url, Owner(house.index.alias, uri), SETTINGS))
    run = other.night("x")
    house.published("a")
    with pytest.raises(NotPublishedError, match=f"of the warehouse {house.uri}, and one alias can't show two"):
        other.publish(run)
    for gif_id in "bcd":
        house.published(gif_id)
    assert house.seen() == (["d"], ["d"])
    assert other.statuses() == ["not_published"]
    assert house.index.client.indices.exists(index=run.facts.elasticsearch_index)


def test_a_night_does_not_publish_over_a_rollback_made_meanwhile(house: House) -> None:
    first = house.published("a")
    second = house.published("b")
    run = house.night("c")
    run.seen_before = warehouse.current_release(house.uri).sequence
    rollback_release(house.uri, first.run_id, house.index.url, house.index.alias)
    with pytest.raises(NotPublishedError, match="was rolled_back while this run worked on what readers saw before"):
        house.publish(run)
    assert house.seen() == (["a"], ["a"])
    assert house.statuses() == ["published", "published", "rolled_back", "not_published"]
    assert second.facts.status == "published"


def test_a_run_that_loses_the_warehouse_after_its_alias_has_moved_is_not_recorded(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.published("a")
    run, real = house.night("b"), search.move_alias

    def move_and_sleep(*arguments: Any) -> None:
        monkeypatch.setattr(search, "move_alias", real)
        real(*arguments)
        assert run.lease is not None
        run.lease.give_back()  # the next one can have it, as after too long a sleep
        with writing(house.uri):
            assert house.seen() == (["a"], ["a"]), "the next one has put the alias back"

    with lease.held(house.uri, run.run_id) as run.lease:
        monkeypatch.setattr(search, "move_alias", move_and_sleep)
        with pytest.raises(NotPublishedError, match="has taken it over"):
            house.publish(run)
    assert house.seen() == (["a"], ["a"])
    assert house.statuses() == ["published", "not_published"]


def test_nobody_writes_what_a_run_holds_and_a_run_that_lost_it_publishes_nothing(house: House) -> None:
    first = house.published("a")
    run = house.night("b")
    with lease.held(house.uri, run.run_id) as run.lease:
        with pytest.raises(NotPublishedError, match=f"run {run.run_id} writes it"):
            rollback_release(house.uri, first.run_id)
        storage.create_file(lease._uri(house.uri, run.lease.number + 1), b'{"run_id": "other"}')
        with pytest.raises(InputError, match="not a lease"):
            house.publish(run)
    assert house.seen() == (["a"], ["a"])

"""One commit a table: what readers see of each version, and one winner where two write at once."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from autotag_core import storage
from autotag_core.errors import AutotagError, InputError, OutageError
from autotag_core.tables import Table
from autotag_core.warehouse import delta_commits
from autotag_core.warehouse.data_files import DataFile, write_files
from autotag_core.warehouse.delta import live_files, open_table, read_rows, row_counts
from autotag_core.warehouse.delta_commits import commit_files
from autotag_core.warehouse.run_records import RunRecord, append_run, list_runs
from tests.refusing_proxy import RefusingProxy

SCHEMA = pa.schema(
    [
        pa.field("gif_id", pa.string(), metadata={"comment": "key, not empty"}),
        pa.field("expert", pa.string(), metadata={"comment": "who saw it"}),
    ]
)
NUM_RACES = 30
Race = Callable[[str, list[tuple[str, str]], int | None], list[int | AutotagError]]


@pytest.fixture(params=["local", "s3"])
def uri(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    base = str(tmp_path) if request.param == "local" else request.getfixturevalue("bucket")
    return f"{base}/a ü/version=2/table"


def files_of(uri: str, rows: Sequence[tuple[str, str]]) -> list[DataFile]:
    columns = {"gif_id": [row[0] for row in rows], "expert": [row[1] for row in rows]}
    return list(write_files([pa.RecordBatch.from_pydict(columns)], uri, ["expert"]))


def commit(uri: str, *rows: tuple[str, str], after: int | None = None, partitions: list[str] | None = None) -> int:
    return commit_files(uri, files_of(uri, rows), SCHEMA, uuid.uuid4().hex, ["expert"], after, partitions)


def rows_at(uri: str, version: int | None = None) -> list[tuple[str, str]]:
    table = open_table(uri, version).to_pyarrow_table()
    return sorted(zip(table["gif_id"].to_pylist(), table["expert"].to_pylist(), strict=True))


@pytest.mark.parametrize(
    "path",
    ["../other/{name}", "/etc/{name}", "%2e%2e/other/{name}", "file:///etc/{name}", "s3://other/{name}", "a/../../x"],
)
def test_a_log_that_names_a_file_outside_of_its_table_is_refused(path: str, uri: str) -> None:
    commit(uri, ("a", "text"))
    log = f"{uri}/_delta_log/{0:020}.json"
    lines = [json.loads(line) for line in storage.read_bytes(log).decode().splitlines()]
    (add,) = [line["add"] for line in lines if "add" in line]
    other = f"{uri.rpartition('/')[0]}/other/part.parquet"
    storage.write_bytes(other, storage.read_bytes(storage.join(uri, unquote(add["path"]))))
    add["path"] = path.format(name="part.parquet")
    storage.write_bytes(log, "\n".join(map(json.dumps, lines)).encode())
    with pytest.raises(InputError, match="is named in it, which lies outside"):
        live_files(open_table(uri), uri)
    with pytest.raises(InputError, match="is named in it, which lies outside"):
        read_rows(open_table(uri), uri, Table("t", "a row", SCHEMA, ("gif_id",), ("expert",)))


def test_rows_take_the_place_of_all_or_of_partitions_or_are_added_and_older_versions_stay(uri: str) -> None:
    assert commit(uri, ("a", "text"), ("b", "imagenet")) == 0
    assert commit(uri, ("c", "text"), ("d", "imagenet"), ("e", "b ü/")) == 1
    assert commit(uri, ("f", "text"), after=1, partitions=["text", "b ü/"]) == 2
    assert commit(uri, ("g", "text"), after=2) == 3
    assert rows_at(uri, 0) == [("a", "text"), ("b", "imagenet")]
    assert rows_at(uri, 1) == [("c", "text"), ("d", "imagenet"), ("e", "b ü/")]
    assert rows_at(uri, 2) == [("d", "imagenet"), ("f", "text")]
    assert rows_at(uri) == [("d", "imagenet"), ("f", "text"), ("g", "text")]


def test_no_rows_are_a_version_too(uri: str) -> None:
    assert [commit(uri), commit(uri), commit(uri, after=1)] == [0, 1, 2]
    assert rows_at(uri) == []


def test_columns_have_their_comments_and_files_their_statistics(uri: str) -> None:
    commit(uri, ("a", "text"), ("b", "text"))
    table = open_table(uri)
    assert [field.metadata for field in table.schema().fields] == [
        {"comment": "key, not empty"},
        {"comment": "who saw it"},
    ]
    (found,) = pa.table(table.get_add_actions(flatten=True)).to_pylist()
    wanted = {
        "num_records": 2,
        "min.gif_id": "a",
        "max.gif_id": "b",
        "null_count.gif_id": 0,
        "partition.expert": "text",
    }
    assert wanted.items() <= found.items()
    assert table.metadata().configuration["delta.deletedFileRetentionDuration"] == "interval 3650 days"


def test_the_log_knows_how_many_rows_each_version_and_partition_has(uri: str) -> None:
    commit(uri)
    commit(uri, ("a", "text"), ("b", "text"), ("c", "b ü/"))
    commit(uri, ("d", "text"), after=1, partitions=["text"])
    assert [row_counts(open_table(uri, version)) for version in range(3)] == [{}, {None: 3}, {None: 2}]
    assert [row_counts(open_table(uri, version), "expert") for version in range(3)] == [
        {},
        {"text": 2, "b ü/": 1},
        {"text": 1, "b ü/": 1},
    ]


def test_the_mark_of_a_commit_is_in_its_history(uri: str) -> None:
    commit_files(uri, files_of(uri, [("a", "text")]), SCHEMA, "run 1", ["expert"])
    commit_files(uri, files_of(uri, [("b", "text")]), SCHEMA, "run 2", ["expert"])
    assert [entry["userMetadata"] for entry in open_table(uri).history()] == ["run 2", "run 1"]


def test_other_columns_or_partitions_are_a_new_schema_in_one_commit(uri: str) -> None:
    commit(uri, ("a", "text"))
    wider = SCHEMA.append(pa.field("number", pa.int32()))
    rows = pa.RecordBatch.from_pydict({"gif_id": ["b"], "expert": ["text"], "number": pa.array([1], pa.int32())})
    assert commit_files(uri, list(write_files([rows], uri, ["expert"])), wider, "wider", ["expert"]) == 1
    assert open_table(uri).to_pyarrow_table().to_pylist() == [{"gif_id": "b", "expert": "text", "number": 1}]
    assert commit_files(uri, list(write_files([rows], uri)), wider, "flat") == 2
    assert open_table(uri).metadata().partition_columns == []
    assert open_table(uri).to_pyarrow_table().to_pylist() == [{"gif_id": "b", "expert": "text", "number": 1}]
    assert rows_at(uri, 0) == [("a", "text")]


def test_who_writes_in_between_is_found_out(uri: str) -> None:
    commit(uri, ("a", "text"))
    commit(uri, ("b", "text"), after=0)
    for partitions in (None, ["text"]):
        with pytest.raises(AutotagError, match="another run has written here meanwhile"):
            commit(uri, ("c", "text"), after=0, partitions=partitions)
    assert rows_at(uri) == [("a", "text"), ("b", "text")]


@pytest.fixture
def race() -> Race:
    """What becomes of each row's writer, where nobody commits before all have opened the table."""
    barrier, opened, original = threading.Barrier(2), threading.local(), delta_commits._open

    def open_together(uri: str) -> DeltaTable | None:
        table = original(uri)
        if getattr(opened, "uri", None) != uri:
            opened.uri = uri
            barrier.wait(60)
        return table

    def run(uri: str, rows: list[tuple[str, str]], after: int | None) -> list[int | AutotagError]:
        def write(row: tuple[str, str]) -> int | AutotagError:
            try:
                return commit_files(uri, files_of(uri, [row]), SCHEMA, row[0], ["expert"], after)
            except AutotagError as error:
                return error

        with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(len(rows)) as pool:
            patch.setattr(delta_commits, "_open", open_together)
            return list(pool.map(write, rows))

    return run


@pytest.mark.parametrize("is_new", [False, True])
def test_of_two_writers_at_once_one_wins_and_the_other_is_told(uri: str, is_new: bool, race: Race) -> None:
    for number in range(NUM_RACES):
        place = f"{uri}-{number}"
        if not is_new:
            commit(place, ("before", "text"))
        found = race(place, [("one", "text"), ("two", "text")], None if is_new else 0)
        (won,) = [result for result in found if not isinstance(result, AutotagError)]
        (lost,) = [result for result in found if isinstance(result, AutotagError)]
        assert won == (0 if is_new else 1)
        assert "another run has written here meanwhile" in str(lost)
        winner = [("one", "two")[found.index(won)]]
        assert [row[0] for row in rows_at(place)] == sorted(winner + ([] if is_new else ["before"]))


def test_a_commit_whose_answer_was_lost_is_found(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(uri, ("a", "text"))
    files, table_class = files_of(uri, [("b", "text")]), delta_commits.DeltaTable
    original = table_class.create_write_transaction

    def lose_the_answer(*arguments: object, **options: object) -> None:
        original(*arguments, **options)  # type: ignore[arg-type]
        raise DeltaError("connection reset")

    monkeypatch.setattr(table_class, "create_write_transaction", lose_the_answer)
    assert commit_files(uri, files, SCHEMA, "mine", ["expert"], 0) == 1
    assert rows_at(uri) == [("a", "text"), ("b", "text")]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(InputError, match=str(tmp_path / "file")):
        commit_files(str(tmp_path / "file" / "table"), [], SCHEMA, "mark")
    assert storage.list_files(str(tmp_path)) == [str(tmp_path / "file")]


LIST = b"list-type=2"
WHEN = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize("num_cut", [1, 3])
def test_lists_that_break_off_are_asked_for_again(bucket: str, refusing: RefusingProxy, num_cut: int) -> None:
    uri = f"{bucket}/table"
    refusing.only = LIST
    for number in range(3):
        refusing.num_to_cut = num_cut
        assert commit(uri, (f"gif {number}", "imagenet")) == number
        assert refusing.num_to_cut == 0
    refusing.num_to_cut = num_cut
    assert rows_at(uri) == [("gif 2", "imagenet")]
    refusing.num_to_cut = num_cut
    for name in ("r1", "r2"):
        append_run(bucket, RunRecord(name, WHEN, WHEN, "published", release_of=name))
    assert [run.sequence for run in list_runs(bucket)] == [1, 2]


def test_lists_that_always_break_off_are_an_outage(bucket: str, refusing: RefusingProxy) -> None:
    uri = f"{bucket}/table"
    commit(uri, ("a", "imagenet"))
    files = files_of(uri, [("b", "imagenet")])
    refusing.only, refusing.num_to_cut = LIST, 10_000
    with pytest.raises(OutageError, match="S3 does not answer"):
        commit_files(uri, files, SCHEMA, uuid.uuid4().hex, ["expert"])
    refusing.num_to_cut = 0
    assert rows_at(uri) == [("a", "imagenet")]

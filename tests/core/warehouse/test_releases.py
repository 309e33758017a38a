"""Releases: runs are listed in the order of their commits; readers see the tables that the last published one names."""

from __future__ import annotations

import json
import multiprocessing
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from deltalake import DeltaTable, write_deltalake
from pyspark.sql import SparkSession

from autotag_core import storage, tables, warehouse
from autotag_core.errors import AutotagError, InputError
from autotag_core.warehouse import RunInputs, RunRecord, run_records
from autotag_core.warehouse.delta import delta_uri
from jobs.run.delta_tables import write_version

START = datetime(2026, 11, 22, 1, 2, 3, 456789, UTC)
CAT = {
    "gif_id": "cat",
    "uri": "s3a://gifs/cat.gif",
    "tags": ["cat", "kitty"],
    "editorial_tags": [],
    "caption": None,
    "popularity": 5,
    "version": None,
    "uploader": None,
    "renditions": [],
    "split": "train",
}
DOG = CAT | {"gif_id": "dog", "tags": [], "editorial_tags": ["dog"], "caption": "Wuff, sagt er: „ü“", "split": "test"}


@pytest.fixture(params=["local", "s3"])
def uri(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty warehouse, below a folder whose name no tool likes."""
    base = str(tmp_path) if request.param == "local" else request.getfixturevalue("bucket")
    return f"{base}/gifs and ü'`/version=2/warehouse"


def run(run_id: str, status: str = "published", **changes: object) -> RunRecord:
    of = run_id if status == "published" else None
    return replace(RunRecord(run_id, START, START + timedelta(minutes=5), status, release_of=of), **changes)


def write(uri: str, table: tables.Table, rows: list[dict[str, object]], mode: str = "overwrite") -> int:
    target = warehouse.table_uri(uri, table.name)
    if not storage.is_s3(uri):
        Path(target).mkdir(parents=True, exist_ok=True)
    write_deltalake(
        delta_uri(target),
        pa.Table.from_pylist(rows, schema=table.plain_schema),
        mode=mode,
        partition_by=list(table.partition_by) or None,
        storage_options=storage.storage_options(target),
    )
    return DeltaTable(delta_uri(target), storage_options=storage.storage_options(target)).version()


def refusal(action: object, *arguments: object) -> str:
    with pytest.raises(InputError) as caught:
        action(*arguments)  # type: ignore[operator]
    message = str(caught.value)
    assert "\n" not in message
    assert "\x1b" not in message
    for secret in (os.environ.get("AWS_SECRET_ACCESS_KEY"), os.environ.get("AWS_ACCESS_KEY_ID")):
        assert not secret or secret not in message
    return message


def test_a_run_is_read_back_as_it_was_recorded(uri: str) -> None:
    record = run(
        "r1",
        message='said "no"\nand why',
        table_versions={"catalog": 3, "voted_tags": 0},
        elasticsearch_index="gifs-r1",
        config='{"seed": 7}',
        inputs=RunInputs(notes={"catalog": "s3a://gifs/ü.jsonl", "a": ""}),
        rows_in={"catalog": 6_000_000_000},
        rows_out={},
        seconds={"catalog": 1.5},
        failures={"frames:not_found": 2},
        gates={"failed_share": "0.0 of at most 0.2"},
    )
    warehouse.append_run(uri, record)
    assert warehouse.list_runs(uri) == [replace(record, sequence=1)]


def test_runs_are_listed_in_the_order_in_which_they_were_recorded_whatever_the_clocks_say(uri: str) -> None:
    for number, hours in enumerate((5, -5, 0)):
        warehouse.append_run(uri, run(f"r{number}", finished=START + timedelta(hours=hours)))
    assert [(found.run_id, found.sequence) for found in warehouse.list_runs(uri)] == [("r0", 1), ("r1", 2), ("r2", 3)]
    assert warehouse.current_release(uri).run_id == "r2"


def test_the_order_outlives_a_compaction_of_the_table(tmp_path: Path) -> None:
    for number in (3, 1, 2):
        warehouse.append_run(str(tmp_path), run(f"r{number}"))
    DeltaTable(str(tmp_path / "runs")).optimize.compact()
    assert [found.run_id for found in warehouse.list_runs(str(tmp_path))] == ["r3", "r1", "r2"]


def test_recording_the_same_end_of_a_run_twice_leaves_one_row(tmp_path: Path) -> None:
    for status in ("published", "published", "failed"):
        warehouse.append_run(str(tmp_path), run("r1", status))
    assert [found.status for found in warehouse.list_runs(str(tmp_path))] == ["published", "failed"]


@pytest.mark.parametrize("status", ["failed", "not_published"])
def test_a_run_that_did_not_publish_leaves_the_last_release_in_place(status: str, tmp_path: Path) -> None:
    uri = str(tmp_path)
    warehouse.append_run(uri, run("r1", table_versions={"catalog": write(uri, tables.CATALOG, [CAT])}))
    write(uri, tables.CATALOG, [DOG])
    warehouse.append_run(uri, run("r2", status))
    release = warehouse.current_release(uri)
    assert release.run_id == "r1"
    assert warehouse.read_table(uri, "catalog", release).to_pylist() == [CAT]
    assert "run r2 published nothing" in refusal(warehouse.current_release, uri, "r2")


def test_a_release_is_read_at_its_own_versions_and_an_earlier_one_still_can_be(uri: str) -> None:
    for run_id, rows in (("r1", [CAT]), ("r2", [CAT, DOG])):
        warehouse.append_run(uri, run(run_id, table_versions={"catalog": write(uri, tables.CATALOG, rows)}))
    assert warehouse.read_table(uri, "catalog", warehouse.current_release(uri)).to_pylist() == [CAT, DOG]
    assert warehouse.read_table(uri, "catalog", warehouse.current_release(uri, "r1")).to_pylist() == [CAT]


def test_a_rollback_and_a_rollback_of_the_rollback_are_releases_of_their_own(uri: str) -> None:
    for run_id, rows in (("r1", [CAT]), ("r2", [DOG])):
        warehouse.append_run(uri, run(run_id, table_versions={"catalog": write(uri, tables.CATALOG, rows)}))
    back = warehouse.rollback(uri, "r1")
    assert warehouse.read_table(uri, "catalog", warehouse.current_release(uri)).to_pylist() == [CAT]
    forth = warehouse.rollback(uri, "r2")
    again = warehouse.rollback(uri, back.run_id)
    assert warehouse.current_release(uri).run_id == again.run_id
    assert [(found.run_id, found.status, found.release_of) for found in warehouse.list_runs(uri)] == [
        ("r1", "published", "r1"),
        ("r2", "published", "r2"),
        (back.run_id, "rolled_back", "r1"),
        (forth.run_id, "rolled_back", "r2"),
        (again.run_id, "rolled_back", "r1"),
    ]


def test_a_rollback_to_tables_that_are_gone_changes_nothing(tmp_path: Path) -> None:
    uri = str(tmp_path)
    warehouse.append_run(uri, run("r1", table_versions={"catalog": 7}))
    warehouse.append_run(uri, run("r2", table_versions={"catalog": write(uri, tables.CATALOG, [CAT])}))
    assert "catalog: no version 7 any more" in refusal(warehouse.rollback, uri, "r1")
    assert "run r9 published nothing" in refusal(warehouse.rollback, uri, "r9")
    assert warehouse.current_release(uri).run_id == "r2"


def _append(uri: str, name: str, start: object, environment: dict[str, str]) -> None:
    os.environ.update(environment)
    start.wait(60)  # type: ignore[attr-defined]
    for number in range(3):
        warehouse.append_run(uri, run(f"{name}-{number}"))


def test_processes_that_append_at_the_same_time_all_land_once_and_in_one_order(uri: str) -> None:
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(2)
    children = [context.Process(target=_append, args=(uri, name, start, dict(os.environ))) for name in "ab"]
    for child in children:
        child.start()
    for child in children:
        child.join(120)
    assert [child.exitcode for child in children] == [0, 0]
    found = warehouse.list_runs(uri)
    assert sorted(record.run_id for record in found) == ["a-0", "a-1", "a-2", "b-0", "b-1", "b-2"]
    assert [record.sequence for record in found] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("hidden_looks", [{1}, {1, 2}, {2}, {2, 3, 4}])
def test_a_store_that_hides_the_table_for_a_moment_leaves_no_two_runs_of_one_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hidden_looks: set[int]
) -> None:
    warehouse.append_run(str(tmp_path), run("r1"))
    looks, real = iter(range(1, 100)), run_records._open_runs
    monkeypatch.setattr(run_records, "_open_runs", lambda uri: None if next(looks) in hidden_looks else real(uri))
    for run_id in ("r2", "r3"):
        warehouse.append_run(str(tmp_path), run(run_id))
    assert [(found.run_id, found.sequence) for found in warehouse.list_runs(str(tmp_path))] == [
        ("r1", 1),
        ("r2", 2),
        ("r3", 3),
    ]


def test_columns_and_rows_are_chosen_while_a_partitioned_table_is_read(uri: str) -> None:
    rows = [
        {"gif_id": gif_id, "expert": expert, "neighbor_ids": [gif_id + expert], "distances": [0.5]}
        for expert in ("imagenet", "semantic")
        for gif_id in ("cat", "dog")
    ]
    release = run("r1", table_versions={"neighbors": write(uri, tables.NEIGHBORS, rows)})
    found = warehouse.read_table(uri, "neighbors", release)
    assert sorted(found.to_pylist(), key=lambda row: (row["expert"], row["gif_id"])) == rows
    assert found.schema.names == tables.NEIGHBORS.schema.names
    where = (pc.field("expert") == "semantic") & (pc.field("gif_id") == "dog")
    chosen = warehouse.read_table(uri, "neighbors", release, ["neighbor_ids"], where)
    assert chosen.to_pylist() == [{"neighbor_ids": ["dogsemantic"]}]
    assert len(warehouse.table_files(uri, "neighbors", release)) == 2


def test_an_empty_table_is_read_as_no_rows_of_the_right_columns(tmp_path: Path) -> None:
    uri = str(tmp_path)
    write(uri, tables.FAILURES, [{"gif_id": "a", "stage": "frames", "reason": "not_found", "message": ""}])
    DeltaTable(str(tmp_path / "failures")).delete()
    release = run("r1", table_versions={"failures": 1})
    assert warehouse.read_table(uri, "failures", release).schema == tables.FAILURES.plain_schema
    assert warehouse.read_table(uri, "failures", release, ["reason"], pc.field("gif_id") == "a").to_pylist() == []


def test_tables_written_by_spark_are_read_back_equal(bucket: str, spark: SparkSession) -> None:
    uri = f"{bucket}/gifs and ü/version=2"
    voted = {
        "gif_id": "cat",
        "tag": "kitty",
        "confidence": 0.699999988079071,
        "source": "unconfirmed",
        "published_score": 0.25,
        "score": 0.125,
        "probability": 0.5,
        "accepted": None,
        "votes": [("imagenet", 2)],
        "evidence": ["a", "b"],
        "reasons": [("imagenet", 0.5)],
    }
    document = {
        "gif_id": "cat",
        "tags": [{"tag": "kitty", "weight": 0.25, "confidence": 0.5, "accepted": None}],
        "caption": None,
        "text": "good\nluck",
        "popularity": 2**40,
        "uri": "/x y.gif",
        "related_gifs": ["dog"],
        "people": [],
        "written_tags": [],
        "trend": 1.5,
        "meaning": [127, -3],
    }
    lists = "tags array<string>, editorial_tags array<string>, renditions array<string>"
    cases = [
        (tables.CATALOG, CAT | {"caption": "ü"}, f"{lists}, popularity bigint"),
        (
            tables.VOTED_TAGS,
            voted,
            "confidence float, published_score float, score float, probability float, accepted boolean, "
            "votes map<string,int>, evidence array<string>, reasons map<string,float>",
        ),
        (
            tables.SEARCH_DOCUMENTS,
            document,
            "tags array<struct<tag:string,weight:float,confidence:float,accepted:boolean>>, popularity bigint, "
            "related_gifs array<string>, people array<string>, written_tags array<string>, trend float, "
            "meaning array<tinyint>",
        ),
    ]
    for table, row, typed in cases:
        types = dict(part.split(" ", 1) for part in typed.split(", "))
        ddl = ", ".join(f"{name} {types.get(name, 'string')}" for name in row)
        value = {name: dict(cell) if name in ("votes", "reasons") else cell for name, cell in row.items()}
        target = warehouse.table_uri(uri, table.name)
        write_version(spark.createDataFrame([value], ddl), target, "mark", table)
        assert warehouse.read_table(uri, table.name, run("r1", table_versions={table.name: 0})).to_pylist() == [row]


def test_every_wrong_column_is_in_one_error(tmp_path: Path) -> None:
    write_deltalake(str(tmp_path / "failures"), pa.table({"gif_id": [1], "stage": ["a"], "reasons": ["x"]}))
    with pytest.raises(AutotagError) as caught:
        warehouse.read_table(str(tmp_path), "failures", run("r1", table_versions={"failures": 0}))
    for part in (
        "table failures: ",
        "reason is missing, it must be string",
        "message is missing",
        "reasons is unknown",
        "gif_id is int64, it must be string",
    ):
        assert part in str(caught.value)


def test_where_no_run_was_recorded_the_message_says_so(uri: str, tmp_path: Path) -> None:
    if storage.is_s3(uri):
        storage.write_bytes(storage.join(uri, "runs", "notes.txt"), b"not a table")
    for empty in (uri, str(tmp_path / "absent")):
        assert "no run was ever recorded here" in refusal(warehouse.list_runs, empty)
    warehouse.append_run(uri, run("r1", "failed"))
    assert "no run has been published yet" in refusal(warehouse.current_release, uri)
    assert "run r1 published nothing" in refusal(warehouse.current_release, uri, "r1")
    assert "has no table catalog" in refusal(warehouse.read_table, uri, "catalog", run("r1"))


def test_a_log_that_is_damaged_is_said_in_one_line(tmp_path: Path) -> None:
    warehouse.append_run(str(tmp_path), run("r1"))
    (tmp_path / "runs" / "_delta_log" / f"{0:020}.json").write_text("{not json")
    assert "cannot read its runs" in refusal(warehouse.list_runs, str(tmp_path))


def test_a_file_that_was_vacuumed_is_said_in_one_line(tmp_path: Path) -> None:
    release = run("r1", table_versions={"catalog": write(str(tmp_path), tables.CATALOG, [CAT])})
    for path in (tmp_path / "catalog").glob("*.parquet"):
        path.unlink()
    assert "cannot be read at version 0" in refusal(warehouse.read_table, str(tmp_path), "catalog", release)


@pytest.mark.parametrize(
    ("variables", "seen"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "0" * 40}, "the secret key is wrong"),
        ({"AWS_ACCESS_KEY_ID": "AKIAUNKNOWN"}, "check AWS_ACCESS_KEY_ID"),
        ({"AWS_PROFILE": "nobody"}, "profile (nobody) could not be found"),
    ],
)
def test_wrong_credentials_are_said_in_one_line(
    variables: dict[str, str], seen: str, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse.append_run(bucket, run("r1"))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    storage.files._s3_client.cache_clear()
    try:
        assert seen in refusal(warehouse.list_runs, bucket)
        assert seen in refusal(warehouse.append_run, bucket, run("r2"))
        assert seen in refusal(warehouse.check_writable, bucket)
    finally:
        storage.files._s3_client.cache_clear()


def test_a_bucket_that_is_not_there_is_said_in_one_line(s3: object) -> None:
    for action in (warehouse.list_runs, warehouse.check_writable, warehouse.current_release):
        assert "the bucket does not exist: check its name" in refusal(action, "s3a://never-made/warehouse")


def test_a_credential_in_the_warehouse_uri_is_refused_and_not_repeated() -> None:
    for action in (warehouse.list_runs, warehouse.check_writable, warehouse.current_release):
        message = refusal(action, "s3a://AKIA1:se/cret@gifs/warehouse")
        assert "no credentials in a URI" in message
        assert "AKIA1" not in message
        assert "cret@" not in message


def test_a_warehouse_that_can_be_written_is_left_empty(uri: str) -> None:
    warehouse.check_writable(uri)
    assert "no run was ever recorded here" in refusal(warehouse.list_runs, uri)
    with pytest.raises(InputError):
        storage.check_exists(storage.join(uri, "_probe"))


def test_a_warehouse_whose_runs_have_other_columns_is_refused_before_the_night(tmp_path: Path) -> None:
    warehouse.append_run(str(tmp_path / "new"), run("r1"))
    warehouse.check_writable(str(tmp_path / "new"))
    write_deltalake(str(tmp_path / "old" / "runs"), pa.table({"run_id": ["r1"]}))
    message = refusal(warehouse.check_writable, str(tmp_path / "old"))
    assert "made by another version of autotag" in message and "sequence is missing" in message


def test_a_store_that_writes_over_what_is_there_is_refused_before_the_night(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage.write_bytes(f"{bucket}/x", b"x")
    monkeypatch.setattr(storage, "create_file", lambda *_: True)
    assert "ignores If-None-Match" in refusal(warehouse.check_writable, bucket)
    assert storage.list_files(bucket) == [f"{bucket}/x"], "the probe is gone"


@pytest.mark.parametrize("gone", ["every file", "one file"])
def test_a_release_is_whole_only_with_every_file_of_every_table(gone: str, uri: str) -> None:
    rows = [
        {"gif_id": gif_id, "expert": expert, "neighbor_ids": [], "distances": []}
        for expert, gif_id in (("imagenet", "cat"), ("b ü", "dog"))
    ]
    release = run("r1", table_versions={"neighbors": write(uri, tables.NEIGHBORS, rows)})
    warehouse.append_run(uri, release)
    assert warehouse.check_release(uri, "r1").run_id == "r1"
    files = warehouse.table_files(uri, "neighbors", release)
    lost = files if gone == "every file" else files[:1]
    storage.delete_files([*lost, f"{uri}/neighbors/never-there"])
    for action in (warehouse.check_release, warehouse.rollback):
        assert f"version 0 has lost {len(lost)} of its files" in refusal(action, uri, "r1")
    assert len(warehouse.list_runs(uri)) == 1


def test_a_folder_that_cannot_be_a_warehouse_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert "Not a directory" in refusal(warehouse.check_writable, str(tmp_path / "file" / "warehouse"))
    assert "must not hold '%' (U+0025)" in refusal(warehouse.check_writable, str(tmp_path / "50%20"))
    assert "must not hold '%' (U+0025)" in refusal(warehouse.check_writable, f"file://{tmp_path}/50%2520")


def test_a_run_as_json_keeps_its_times_and_maps() -> None:
    found = json.loads(warehouse.as_json(run("r1", inputs=RunInputs(notes={"catalog": "ü"}))))
    assert (found["started"], found["inputs"]) == ("2026-11-22T01:02:03.456789+00:00", {"catalog": "ü"})


def test_run_ids_sort_by_time_and_differ_within_a_second() -> None:
    ids = [warehouse.new_run_id(START + timedelta(seconds=second)) for second in (0, 1, 60, 86400)]
    assert ids == sorted(ids)
    assert ids[0].startswith("20261122T010203Z-")
    assert len({warehouse.new_run_id(START) for _ in range(50)}) == 50


def test_the_last_release_is_none_before_the_first_and_an_error_where_nobody_can_tell(tmp_path: Path) -> None:
    uri = str(tmp_path)
    assert warehouse.last_release(uri) is None
    warehouse.append_run(uri, run("r1", "failed"))
    assert warehouse.last_release(uri) is None
    warehouse.append_run(uri, run("r2"))
    found = warehouse.last_release(uri)
    assert found is not None and (found.run_id, found.sequence) == ("r2", 2)
    (tmp_path / "runs" / "_delta_log" / f"{2:020}.json").write_text("what?")
    with pytest.raises(InputError, match="cannot read its runs"):
        warehouse.last_release(uri)

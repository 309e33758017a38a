"""Which URIs of a catalog and of a warehouse are taken, and that what is taken is found again by every library."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from autotag_core import storage, warehouse
from autotag_core.errors import InputError
from autotag_core.storage.checked import _DELTA
from autotag_core.tables import RUNS
from autotag_core.warehouse.data_files import write_files
from autotag_core.warehouse.delta import live_files, open_table, read_rows
from autotag_core.warehouse.delta_commits import commit_files

LETTERS = "aé猫😀ß"
NOW = datetime(2026, 11, 29, tzinfo=UTC)


def refusal(uri: str, check: object = storage.check_warehouse) -> str:
    with pytest.raises(InputError) as caught:
        check(uri)  # type: ignore[operator]
    message = str(caught.value)
    assert message.isprintable()
    return message


@pytest.mark.parametrize("name", [*sorted(_DELTA - {"/"}), LETTERS, "".join(sorted(_DELTA - {"/"}))])
@pytest.mark.parametrize("is_local", [True, False])
def test_a_warehouse_of_an_allowed_name_is_written_and_found_again(
    name: str, is_local: bool, tmp_path: Path, bucket: str
) -> None:
    base = str(tmp_path) if is_local else bucket
    house = f"{base}/b{name}c/d{name}"
    warehouse.check_writable(house)
    for run_id in ("r1", "r2"):
        warehouse.append_run(house, warehouse.RunRecord(run_id, NOW, NOW, "published"))
    assert [run.run_id for run in warehouse.list_runs(house)] == ["r1", "r2"]
    table = storage.join(house, "t")
    schema = pa.schema([("gif_id", pa.string())])
    files = list(write_files([pa.record_batch([["a", "b"]], schema=schema)], table))
    version = commit_files(table, files, schema, uuid.uuid4().hex)
    delta = open_table(table, version)
    assert set(live_files(delta, table)) <= set(storage.list_files(table))
    assert read_rows(open_table(storage.join(house, RUNS.name)), storage.join(house, RUNS.name), RUNS).num_rows == 2
    assert all(uri.startswith(f"{house}/") for uri in storage.list_files(base))


@pytest.mark.parametrize("character", "#?%[]^|\\*{}")
def test_a_warehouse_that_some_reader_would_not_find_is_refused_by_the_character(character: str) -> None:
    for base in ("/data", "file:///data", "s3a://gifs"):
        written = "%25" if character == "%" and base.startswith("file:") else character
        message = refusal(f"{base}/a{written}b")
        assert f"must not hold {character!a} (U+{ord(character):04X}): not every reader" in message
        assert "must not hold" in refusal(f"{base}/{written}/warehouse/runs")


@pytest.mark.parametrize(
    "character", ["\n", "\t", "\x1b", "\x7f", "\x00", "\u202e", "\u200b", "\ufeff", "\u2028", "\udcff"]
)
def test_what_no_program_shows_is_refused_in_every_uri(character: str) -> None:
    for uri in (f"/data/a{character}b", f"s3a://gifs/a{character}b"):
        for check in (storage.check_uri, storage.check_warehouse, storage.check_exists):
            assert f"(U+{ord(character):04X})" in refusal(uri, check)


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("http://host/x", "http: URIs are not read: it must be s3a://bucket/prefix, file:///path or a local path"),
        ("gs://bucket/x", "gs: URIs are not read"),
        ("hdfs://host/x", "hdfs: URIs are not read"),
        ("abfss://host/x", "abfss: URIs are not read"),
        ("dbfs:/x", "dbfs: URIs are not read"),
        ("", "an empty URI"),
        ("  ", "an empty URI"),
        ("s3a:///x", "'' is no name of a bucket"),
        ("s3:bucket/x", "'' is no name of a bucket"),
        ("s3a://[bad/x", "'[bad' is no name of a bucket"),
    ],
)
def test_a_uri_that_names_nothing_is_refused_in_words(uri: str, said: str) -> None:
    for check in (storage.check_uri, storage.check_warehouse, storage.check_exists):
        assert said in refusal(uri, check)


def test_credentials_are_not_repeated() -> None:
    assert "SECRET" not in refusal("abfss://user:SECRET@host/x\n", storage.check_uri)
    assert "SECRET" not in refusal("s3a://user:SECRET@host/x", storage.check_uri)


@pytest.mark.parametrize(
    "uri", ["s3a://gifs/a//b", "s3a://gifs//a", "s3a://gifs//", "s3a://gifs/./a", "s3a://gifs/a/../b"]
)
def test_a_key_that_libraries_write_in_two_ways_is_no_warehouse(uri: str) -> None:
    assert "a part of the path is " in refusal(uri)
    if "." in uri:
        assert "a part of the path is . or .." in refusal(uri, storage.check_uri)


@pytest.mark.parametrize("bucket", ["my_bucket", "Gifs", "gi", "gifs-", "x" * 64])
def test_a_warehouse_is_in_a_bucket_that_spark_can_name(bucket: str) -> None:
    assert "a warehouse can't be in the bucket" in refusal(f"s3a://{bucket}/w")


@pytest.mark.parametrize(
    "uri",
    ["s3a://gifs", "s3a://gifs/", "S3N://my.gifs-1/a/b/", "/data/a/../b", "file:///a%20b", "a/b", "/data//x", "."],
)
def test_what_every_library_finds_is_taken(uri: str) -> None:
    storage.check_warehouse(uri)
    storage.check_uri(uri)


def test_a_folder_above_a_relative_warehouse_counts_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a^b").mkdir()
    monkeypatch.chdir(tmp_path / "a^b")
    assert f"{tmp_path}/a^b/w: the path of a warehouse must not hold '^' (U+005E)" in refusal("w")


@pytest.mark.parametrize("name", ["a#b", "50%", "x?[1]^|"])
def test_a_catalog_may_have_names_that_a_warehouse_may_not(name: str, tmp_path: Path, bucket: str) -> None:
    for base in (str(tmp_path), bucket):
        storage.write_bytes(f"{base}/{name}.jsonl", b"{}")
        storage.check_exists(f"{base}/{name}.jsonl")

"""Files by URI: what is written is read back, and what goes wrong is one line without a credential."""

from __future__ import annotations

import errno
import multiprocessing
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from botocore.stub import Stubber

from autotag_core import storage
from autotag_core.errors import DiskFullError, InputError

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


def refusal(action: object, *arguments: object) -> str:
    with pytest.raises(InputError) as caught:
        action(*arguments)  # type: ignore[operator]
    message = str(caught.value)
    assert "\n" not in message
    assert SECRET not in message
    assert SECRET.partition("/")[2] not in message
    return message


@pytest.mark.parametrize(
    ("uri", "bucket", "key"),
    [
        ("s3a://gifs/a/b.gif", "gifs", "a/b.gif"),
        ("s3://gifs/odd name#1?x=%20.gif", "gifs", "odd name#1?x=%20.gif"),
        ("s3n://gifs//double.gif", "gifs", "/double.gif"),
        ("s3a://gifs", "gifs", ""),
    ],
)
def test_an_s3_key_is_taken_as_it_is_written(uri: str, bucket: str, key: str) -> None:
    assert storage.is_s3(uri)
    assert storage.split_s3(uri) == (bucket, key)


@pytest.mark.parametrize("uri", ["s3a://[bad/k", "s3://a]b/k"])
def test_an_s3_uri_that_is_none_is_said_in_one_line(uri: str) -> None:
    assert storage.is_s3(uri)
    assert uri in refusal(storage.check_exists, uri)


@pytest.mark.parametrize(
    ("uri", "found"),
    [
        ("s3://gifs/a b#1.jsonl", "s3a://gifs/a b#1.jsonl"),
        ("s3n://gifs/a", "s3a://gifs/a"),
        ("S3A://gifs/A", "s3a://gifs/A"),
        ("file:///data/a%20b", "/data/a b"),
        ("hdfs://host/a", "hdfs://host/a"),
        ("/data/a", "/data/a"),
        ("a/b", str(Path.cwd() / "a/b")),
    ],
)
def test_what_spark_is_given_is_absolute_and_s3_has_the_one_scheme_that_spark_reads(uri: str, found: str) -> None:
    assert storage.absolute(uri) == found


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("/data/a b%20c#1.gif", "/data/a b%20c#1.gif"),
        ("file:///data/a%20b.gif", "/data/a b.gif"),
        ("file:/data/a.gif", "/data/a.gif"),
        ("FILE:///data/a%20b.gif", "/data/a b.gif"),
        ("gifs/a:b.gif", "gifs/a:b.gif"),
    ],
)
def test_a_plain_path_is_taken_as_it_is_and_a_file_uri_is_decoded(uri: str, path: str) -> None:
    assert not storage.is_s3(uri)
    assert storage.local_path(uri) == Path(path)


@pytest.mark.parametrize("name", ["x.txt", "a b.txt", "ünïcode.txt", "50%20#1?.txt", "deep/er/x.txt"])
def test_what_is_written_is_read_back(name: str, tmp_path: Path, bucket: str) -> None:
    for base in (str(tmp_path), bucket):
        uri = storage.join(base, name)
        storage.write_bytes(uri, b"first")
        storage.write_bytes(uri, b"second")
        assert storage.read_bytes(uri) == b"second"
        storage.check_exists(uri)
    assert [path.name for path in tmp_path.rglob("*") if "partial" in path.name] == []


def test_files_are_copied_there_and_back(tmp_path: Path, bucket: str) -> None:
    (tmp_path / "from").write_bytes(b"GIF89a")
    for base in (str(tmp_path / "store"), bucket):
        storage.upload_file(tmp_path / "from", storage.join(base, "x.gif"))
        storage.download_file(storage.join(base, "x.gif"), tmp_path / "new" / "to")
        assert (tmp_path / "new" / "to").read_bytes() == b"GIF89a"


def test_a_write_that_fails_leaves_the_old_file_and_no_rubbish(tmp_path: Path) -> None:
    storage.write_bytes(str(tmp_path / "x"), b"old")
    assert "no such file" in refusal(storage.download_file, str(tmp_path / "absent"), tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_a_prefix_is_deleted_and_its_neighbors_stay(tmp_path: Path, bucket: str) -> None:
    for base in (str(tmp_path), bucket):
        for name in ("run-1/a", "run-1/b/c", "run-10/a"):
            storage.write_bytes(storage.join(base, name), b"x")
        storage.delete_prefix(storage.join(base, "run-1"))
        storage.delete_prefix(storage.join(base, "never-there"))
        assert storage.read_bytes(storage.join(base, "run-10/a")) == b"x"
        assert "there is no such" in refusal(storage.check_exists, storage.join(base, "run-1"))


def test_an_object_that_may_not_be_deleted_is_an_error(bucket: str) -> None:
    client = storage.s3_client()
    refused = {"Errors": [{"Key": "kept", "Code": "AccessDenied", "Message": "Access Denied"}]}
    with Stubber(client) as stubber, pytest.raises(InputError, match="may not use it"):
        stubber.add_response("delete_objects", refused)
        storage.delete_files([f"{bucket}/kept"])


def test_files_below_a_prefix_are_listed_and_deleted_one_by_one(tmp_path: Path, bucket: str) -> None:
    for base in (str(tmp_path), bucket):
        names = ["a b/c=1%20/x", "a b/y", "z"]
        for name in names:
            storage.write_bytes(storage.join(base, name), b"x")
        assert sorted(storage.list_files(base + "/")) == [storage.join(base, name) for name in names]
        assert sorted(storage.list_files(f"{base}/a b")) == [storage.join(base, name) for name in names[:2]]
        storage.delete_files([storage.join(base, name) for name in ("a b/c=1%20/x", "a b/never-there", "z")])
        storage.delete_files([])
        assert storage.list_files(base) == [storage.join(base, "a b/y")]
        assert storage.list_files(f"{base}/never-there") == []


def test_only_the_named_object_or_a_folder_of_that_name_exists(bucket: str) -> None:
    storage.write_bytes(f"{bucket}/catalog.jsonl", b"x")
    storage.write_bytes(f"{bucket}/lists.old/a.txt", b"x")
    storage.write_bytes(f"{bucket}/lists/a.txt", b"x")
    for name in ("", "/catalog.jsonl", "/lists", "/lists/"):
        storage.check_exists(bucket + name)
    for name in ("/catalog", "/catalog.json", "/catalog.jsonl/", "/list"):
        assert "there is no such object" in refusal(storage.check_exists, bucket + name)


def test_a_file_is_told_from_a_folder_and_from_a_longer_name(tmp_path: Path, bucket: str) -> None:
    for base in (str(tmp_path), bucket):
        storage.write_bytes(f"{base}/models/head.bin", b"x")
        found = {name: storage.is_file(f"{base}/{name}") for name in ("models/head.bin", "models/head", "models", "no")}
        assert found == {"models/head.bin": True, "models/head": False, "models": False, "no": False}
    assert "bucket does not exist" in refusal(storage.is_file, f"{bucket}-gone/x")


@pytest.mark.parametrize("action", [storage.read_bytes, storage.check_exists])
def test_what_is_not_there_is_said_in_one_line(action: object, tmp_path: Path, bucket: str) -> None:
    assert "there is no such file" in refusal(action, str(tmp_path / "x.jsonl"))
    assert "there is no such object" in refusal(action, f"{bucket}/x.jsonl")
    assert "the bucket does not exist: check its name" in refusal(action, "s3a://not-made/x.jsonl")
    assert "Bad_Bucket" in refusal(action, "s3a://Bad_Bucket!/x.jsonl")
    assert "s3a:///x.jsonl" in refusal(action, "s3a:///x.jsonl")
    assert re.search("null byte|U[+]0000", refusal(action, "a\0b"))


@pytest.mark.parametrize(
    ("variables", "seen"),
    [
        ({"AWS_SECRET_ACCESS_KEY": SECRET}, "the secret key is wrong"),
        ({"AWS_ACCESS_KEY_ID": "AKIAUNKNOWN"}, "AWS_ACCESS_KEY_ID"),
        ({"AWS_PROFILE": "nobody"}, "profile (nobody) could not be found"),
        ({"AWS_ENDPOINT_URL": "no url"}, "no url"),
        ({"AWS_ENDPOINT_URL": f"http://me:{SECRET}@127.0.0.1:1"}, "127.0.0.1:1"),
    ],
)
def test_wrong_credentials_and_endpoints_are_said_in_one_line(
    variables: dict[str, str], seen: str, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    storage.files._s3_client.cache_clear()
    try:
        for action in (storage.read_bytes, storage.check_exists):
            assert seen in refusal(action, f"{bucket}/x")
        assert seen in refusal(storage.write_bytes, f"{bucket}/x", b"")
    finally:
        storage.files._s3_client.cache_clear()


@pytest.mark.parametrize(
    "uri",
    [
        f"s3a://AKIA123:{SECRET}@gifs/catalog.jsonl",
        f"s3a://AKIA123:{SECRET.replace('/', '%2F')}@gifs/catalog.jsonl",
        f"https://me:{SECRET}@host:9200",
        f"s3a://AKIA123:{SECRET}@gifs/user@home.gif",
    ],
)
def test_a_credential_in_a_uri_is_refused_and_not_repeated(uri: str) -> None:
    for action in (storage.refuse_credentials, storage.check_exists, storage.read_bytes, storage.delete_prefix):
        message = refusal(action, uri)
        assert "no credentials in a URI" in message
        assert "AKIA123" not in message


def test_a_credential_in_any_setting_is_refused_and_not_repeated() -> None:
    for settings in ({"a": {"b": [f"s3a://AKIA123:{SECRET}@gifs/x"]}, "c": 3}, {"a": None, "b": f"s3a://A:{SECRET}@x"}):
        assert "no credentials in a URI" in refusal(storage.refuse_credentials_in, settings)
    storage.refuse_credentials_in({"a": {"b": ["s3a://gifs/user@home.gif"]}, "c": 3, "d": None})


@pytest.mark.parametrize("uri", ["s3a://gifs/user@home.gif", "/data/a:b@c.gif", "http://localhost:9200", "a@b"])
def test_an_at_sign_in_a_name_is_no_credential(uri: str) -> None:
    storage.refuse_credentials(uri)


def _client_key(queue: multiprocessing.Queue[bool], parent: object) -> None:
    queue.put(storage.s3_client() is parent)


def test_a_client_is_kept_within_a_process_and_never_crosses_a_fork(s3: object) -> None:
    client = storage.s3_client()
    assert storage.s3_client() is client
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_client_key, args=(queue, client))
    child.start()
    assert queue.get(timeout=30) is False
    child.join()


def test_a_full_disk_is_named_by_its_folder_also_on_the_way_to_and_from_s3(
    tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def message(action: Callable[..., object], *arguments: object) -> str:
        with pytest.raises(DiskFullError) as caught:
            action(*arguments)
        return str(caught.value).partition(":")[0]

    def write_new() -> None:
        with storage.new_file(f"{bucket}/x") as path:
            full(path)

    scratch, here = tmp_path / "scratch", tmp_path / "here"
    for folder in (scratch, here):
        folder.mkdir()
    storage.write_bytes(f"{bucket}/x", b"x")
    monkeypatch.setenv("SPARK_LOCAL_DIRS", f"{scratch},{tmp_path}/second")
    monkeypatch.setattr(Path, "write_bytes", full)
    monkeypatch.setattr(shutil, "copyfile", full)
    monkeypatch.setattr(type(storage.s3_client(attempts=2)), "download_file", full, raising=False)
    assert message(storage.write_bytes, str(here / "x"), b"x") == str(here)
    assert message(storage.upload_file, tmp_path / "from", str(here / "x")) == str(here)
    assert message(storage.download_file, f"{bucket}/x", here / "x") == str(here)
    assert message(write_new) == str(scratch)
    assert list(here.iterdir()) == list(scratch.iterdir()) == []

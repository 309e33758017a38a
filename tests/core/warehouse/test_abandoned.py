"""What killed processes left beside the tables goes after a day, and nothing that is in use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from autotag_core import storage
from autotag_core.warehouse import abandoned
from autotag_core.warehouse.abandoned import drop_abandoned

FILES = ("_evaluation/killed/tags/x", "_evaluation/under-way/old", "_evaluation/under-way/new", "models/head-1.bin")


def test_an_evaluation_that_was_killed_a_day_ago_goes_and_one_under_way_stays(tmp_path: Path) -> None:
    for name in (*FILES, "models/.head-2.bin.7.abc.partial", "models/.head-3.bin.8.new.partial"):
        storage.write_bytes(f"{tmp_path}/{name}", b"x")
    for path in tmp_path.rglob("*"):
        if "new" not in path.name:
            os.utime(path, (0, 0))
    drop_abandoned(str(tmp_path))
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {*FILES[1:], "models/.head-3.bin.8.new.partial"}
    assert not (tmp_path / "_evaluation" / "killed").exists()


def test_on_s3_too_a_young_one_stays(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in FILES:
        storage.write_bytes(f"{bucket}/{name}", b"x")
    drop_abandoned(bucket)
    assert len(storage.list_files(bucket)) == len(FILES)
    monkeypatch.setattr(abandoned, "DAY_S", -3600)  # all is older than an hour from now
    drop_abandoned(bucket)
    assert storage.list_files(bucket) == [f"{bucket}/models/head-1.bin"]


def test_an_upload_that_never_ended_goes_after_a_day(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    client, (name, _) = storage.s3_client(), storage.split_s3(bucket)
    upload = client.create_multipart_upload(Bucket=name, Key="w/models/x")["UploadId"]
    client.upload_part(Bucket=name, Key="w/models/x", UploadId=upload, PartNumber=1, Body=b"x")
    other = client.create_multipart_upload(Bucket=name, Key="w2/x")["UploadId"]
    drop_abandoned(f"{bucket}/w")
    assert len(client.list_multipart_uploads(Bucket=name)["Uploads"]) == 2
    monkeypatch.setattr(abandoned, "DAY_S", -3600)
    drop_abandoned(f"{bucket}/w")
    assert [found["UploadId"] for found in client.list_multipart_uploads(Bucket=name)["Uploads"]] == [other]

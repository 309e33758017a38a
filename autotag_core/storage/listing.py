"""What is at a URI, local or S3: listed, measured, checked and deleted."""

from __future__ import annotations

import hashlib
import json
import math
import random
import shutil
import stat
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from autotag_core.errors import InputError, OutageError
from autotag_core.storage.checked import check_uri
from autotag_core.storage.explaining import explained
from autotag_core.storage.files import s3_client, urgent_client
from autotag_core.storage.uris import (
    is_s3,
    join,
    local_path,
    split_s3,
)


def delete_prefix(uri: str) -> None:
    """Delete everything below the URI. If nothing is there, that is no error."""
    with explained(uri):
        if is_s3(uri):
            delete_files(list_files(uri))
        else:
            shutil.rmtree(local_path(uri), ignore_errors=True)


def delete_files(uris: list[str]) -> None:
    """Delete these files, of one bucket or local. A missing file is no error; one that can't be deleted is."""
    for start in range(0, len(uris), _MAX_DELETED):
        part = uris[start : start + _MAX_DELETED]
        with explained(part[0]):
            if is_s3(part[0]):
                objects = [{"Key": split_s3(uri)[1]} for uri in part]
                wanted = {"Objects": objects, "Quiet": True}
                answer = s3_client().delete_objects(Bucket=split_s3(part[0])[0], Delete=wanted)
                _refuse(answer.get("Errors", []))
                continue
            for uri in part:
                local_path(uri).unlink(missing_ok=True)


def _refuse(errors: list[dict[str, str]]) -> None:
    """ClientError for the first object that could not be deleted: S3 answers 200 and lists them."""
    from botocore.exceptions import ClientError

    for error in errors:
        raise ClientError({"Error": {"Code": error["Code"], "Message": error["Message"]}}, f"delete {error['Key']}")


_MAX_DELETED = 1000
"""Keys that S3 takes in one call."""


def abort_uploads(uri: str, age_s: float) -> int:
    """Drop uploads in parts below the S3 URI that began longer ago than that and never ended. Gives how many.

    The store keeps their parts, listed nowhere and paid for. Nothing to do for a local URI.
    """
    if not is_s3(uri):
        return 0
    bucket, key = split_s3(uri)
    before, found = time.time() - age_s, 0
    with explained(uri):
        pages = (
            s3_client().get_paginator("list_multipart_uploads").paginate(Bucket=bucket, Prefix=key.rstrip("/") + "/")
        )
        for upload in (upload for page in pages for upload in page.get("Uploads", [])):
            if upload["Initiated"].timestamp() < before:
                s3_client().abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
                found += 1
    return found


def list_files(uri: str, age_s: float = 0, any_kind: bool = False) -> list[str]:
    """URIs of all files below the URI, at any depth; empty if there are none.

    With age_s, only files that were last written longer ago than that. With any_kind also pipes, devices, and links
    that lead nowhere, so that somebody can be told of them.
    """
    before = time.time() - age_s if age_s else math.inf
    listed = _listing(uri, is_folder=True)
    return [file.uri for file in listed if (file.is_regular or any_kind) and file.written < before]


def stamp(uri: str) -> str:
    """A short hash that changes when the file, or a file below the folder, is written.
    It is made of names, sizes, and etags on S3 or times of change on a local disk.
    """
    found = [(file.name, file.num_bytes, file.tag) for file in _listing(uri) if file.is_regular]
    return hashlib.sha256(json.dumps(found).encode()).hexdigest()[:12]


def num_bytes(uri: str) -> int:
    """The size of the file, or of all files below the folder; 0 where there is nothing."""
    return sum(file.num_bytes for file in _listing(uri) if file.is_regular)


def file_sizes(uri: str) -> dict[str, int]:
    """Bytes of each file below the folder, by the last part of its name: for folders without folders in them."""
    return {file.name.rpartition("/")[2]: file.num_bytes for file in _listing(uri) if file.is_regular}


def sizes(uri: str) -> dict[str, int]:
    """Bytes of the file, or of every file below the folder, by URI. An object goes before a prefix of the same name.

    InputError where there is nothing, or something that is no regular file, such as a pipe or a device.
    """
    check_exists(uri)
    files = _listing(uri)
    if irregular := [file.name for file in files if not file.is_regular]:
        raise InputError(f"{irregular[0]}: not a regular file")
    found = {file.uri: file.num_bytes for file in files if not file.uri.endswith("/")}  # some stores list folders
    return {uri: found[uri]} if uri in found else found


@dataclass(frozen=True)
class _Found:
    """A file or object."""

    name: str
    """Its path or key."""
    uri: str
    num_bytes: int
    written: float
    """Seconds since 1970, by the clock of who keeps it."""
    tag: str
    """Differs when the file is written: its etag, or the time of its last change."""
    is_regular: bool = True


def _listing(uri: str, is_folder: bool = False) -> list[_Found]:
    """The file, and each file below the folder, by name. With is_folder, only what is below.

    What another process deletes meanwhile is not there.
    """
    with explained(uri):
        found = _objects(uri, is_folder) if is_s3(uri) else _local_files(uri, is_folder)
        return sorted(found, key=lambda file: file.name)


def _objects(uri: str, is_folder: bool) -> Iterator[_Found]:
    bucket, key = split_s3(uri)
    folder = key.rstrip("/") + "/" if key.rstrip("/") else ""
    pages = (
        s3_client()
        .get_paginator("list_objects_v2")
        .paginate(Bucket=bucket, Prefix=folder if is_folder else key.rstrip("/"))
    )
    for item in (item for page in pages for item in page.get("Contents", [])):
        name = item["Key"]
        if name == key and not is_folder:
            place = uri
        elif name.startswith(folder):
            place = join(uri, name.removeprefix(folder))
        else:
            continue
        yield _Found(name, place, item["Size"], item["LastModified"].timestamp(), item.get("ETag", ""))


def _local_files(uri: str, is_folder: bool) -> Iterator[_Found]:
    root = local_path(uri)
    if root.is_dir():
        paths = [(path, join(uri, path.relative_to(root).as_posix())) for path in root.rglob("*") if not path.is_dir()]
    else:
        paths = [] if is_folder else [(root, uri)]
    for path, place in paths:
        try:
            state = path.stat()
        except FileNotFoundError:
            if not path.is_symlink():
                continue
            state = path.lstat()  # it leads nowhere
        is_regular = stat.S_ISREG(state.st_mode)
        yield _Found(str(path), place, state.st_size, state.st_mtime, str(state.st_mtime_ns), is_regular)


def is_file(uri: str) -> bool:
    """Whether there is a file or object of this name. InputError in one line where that can't be asked."""
    with explained(uri):
        if not is_s3(uri):
            return local_path(uri).is_file()
        bucket, key = split_s3(uri)
        found = s3_client().list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1).get("Contents", [])
        return any(item["Key"] == key for item in found)


def check_exists(uri: str) -> None:
    """InputError in one line unless the URI is a file, a local folder, an object, or a prefix that holds something."""
    check_uri(uri)
    with explained(uri):
        if not is_s3(uri):
            local_path(uri).stat()
            return
        bucket, key = split_s3(uri)
        folder = key.rstrip("/") + "/" if key else ""
        for prefix in (key, folder):
            found = s3_client().list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1).get("Contents", [])
            if any(item["Key"] == key or prefix == folder for item in found):
                return
    raise InputError(f"{uri}: there is no such object")


def check_reachable(uri: str) -> None:
    """InputError in one line where the URI's bucket is missing or these credentials may not list it."""
    with explained(uri):
        if is_s3(uri):
            bucket, key = split_s3(uri)
            s3_client().list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)


def ask_any(uris: Sequence[str]) -> None:
    """OutageError where none of three of these objects, drawn anew at each call, is answered for. A byte is read."""
    refused: OutageError | None = None
    for uri in random.sample(uris, min(_NUM_DRAWN, len(uris))):
        bucket, key = split_s3(uri)
        try:
            with explained(uri):
                urgent_client().get_object(Bucket=bucket, Key=key, Range="bytes=0-0")["Body"].read()
            return
        except OutageError as error:
            refused = error
        except InputError:  # not there, or not for us: an answer
            return
    if refused is not None:
        raise refused


_NUM_DRAWN = 3


def ask(uris: Iterable[str]) -> None:
    """OutageError where a bucket of the URIs does not answer one request within ten seconds, or only that it can't now.

    Any other answer will do, also one that refuses. Local URIs are not asked.
    """
    for bucket, uri in {split_s3(uri)[0]: uri for uri in uris if is_s3(uri)}.items():
        with suppress(InputError), explained(uri):
            urgent_client().list_objects_v2(Bucket=bucket, Prefix=split_s3(uri)[1], MaxKeys=1)

"""What is at a URI, local or S3: listed, measured, checked and deleted."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import time
from pathlib import Path

from autotag_core.errors import InputError
from autotag_core.storage.checked import check_uri
from autotag_core.storage.explaining import explained
from autotag_core.storage.files import s3_client
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
    """Delete these files, of one bucket or local. A missing file is no error."""
    for start in range(0, len(uris), _MAX_DELETED):
        part = uris[start : start + _MAX_DELETED]
        with explained(part[0]):
            if is_s3(part[0]):
                objects = [{"Key": split_s3(uri)[1]} for uri in part]
                s3_client().delete_objects(Bucket=split_s3(part[0])[0], Delete={"Objects": objects, "Quiet": True})
                continue
            for uri in part:
                local_path(uri).unlink(missing_ok=True)


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


def list_files(uri: str, age_s: float = 0) -> list[str]:
    """URIs of all files below the URI, at any depth; empty if there are none.

    With age_s, only files that were last written longer ago than that.
    """
    before = time.time() - age_s if age_s else math.inf
    with explained(uri):
        if not is_s3(uri):
            root = local_path(uri)
            files = [
                path for path in root.rglob("*") if path.is_file() and (not age_s or path.stat().st_mtime < before)
            ]
            return [join(uri, path.relative_to(root).as_posix()) for path in files]
        bucket, key = split_s3(uri)
        folder = key.rstrip("/") + "/" if key.rstrip("/") else ""
        pages = s3_client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=folder)
        items = [item for page in pages for item in page.get("Contents", [])]
        return [join(uri, it["Key"].removeprefix(folder)) for it in items if it["LastModified"].timestamp() < before]


def stamp(uri: str) -> str:
    """A short hash that changes when the file, or a file below the folder, is written.
    It is made of names, sizes, and etags on S3 or times of change on a local disk.
    """
    return hashlib.sha256(json.dumps(_listing(uri)).encode()).hexdigest()[:12]


def num_bytes(uri: str) -> int:
    """The size of the file, or of all files below the folder; 0 where there is nothing."""
    return sum(size for _, size, _ in _listing(uri))


def sizes(uri: str) -> dict[str, int]:
    """Bytes of the file, or of every file below the folder, by URI. An object goes before a prefix of the same name.

    InputError where there is nothing, or something that is no regular file, such as a pipe or a device.
    """
    check_exists(uri)
    if is_s3(uri):
        bucket = uri.partition("://")[0] + "://" + split_s3(uri)[0]
        found = {
            storage_uri: size for key, size, _ in _listing(uri) if not (storage_uri := f"{bucket}/{key}").endswith("/")
        }
        return {uri: found[uri]} if uri in found else found
    root = local_path(uri)
    with explained(uri):
        if not root.is_dir():
            return {uri: _regular(root)}
        paths = [path for path in root.rglob("*") if not path.is_dir()]
        return {join(uri, path.relative_to(root).as_posix()): _regular(path) for path in paths}


def _regular(path: Path) -> int:
    if not path.is_file():
        raise InputError(f"{path}: not a regular file")
    return path.stat().st_size


def file_sizes(uri: str) -> dict[str, int]:
    """Bytes of each file below the folder, by the last part of its name: for folders without folders in them."""
    return {name.rpartition("/")[2]: size for name, size, _ in _listing(uri)}


def _listing(uri: str) -> list[tuple[str, int, str]]:
    """(name, size, etag or time of change) of the file, or of each file below the folder, sorted."""
    with explained(uri):
        if not is_s3(uri):
            root = local_path(uri)
            files = [root] if root.is_file() else sorted(path for path in root.rglob("*") if path.is_file())
            return [(str(file), file.stat().st_size, str(file.stat().st_mtime_ns)) for file in files]
        bucket, key = split_s3(uri)
        pages = s3_client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key.rstrip("/"))
        items = (item for page in pages for item in page.get("Contents", []))
        below = key.rstrip("/") + "/"
        here = (item for item in items if item["Key"] == key or item["Key"].startswith(below))
        return sorted((item["Key"], item["Size"], item["ETag"]) for item in here)


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

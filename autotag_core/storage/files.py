"""Files by URI, local or S3.

Credentials come from the usual AWS chain. AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL name an endpoint other than AWS.
AWS_SKIP_SIGNATURE=true reads what is public without credentials. AWS_REQUEST_PAYER=true pays for buckets that ask for
it. Both are the names by which delta-rs knows them.
"""

from __future__ import annotations

import fcntl
import functools
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from autotag_core.errors import InputError, scratch_folders
from autotag_core.storage.explaining import answered_endpoints, explained, space_in
from autotag_core.storage.scratch import SCRATCH
from autotag_core.storage.uris import (
    is_s3,
    local_path,
    split_s3,
)


def endpoint_url() -> str | None:
    """The S3 endpoint from the environment, as boto3 takes it; None for AWS itself."""
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")


def is_anonymous() -> bool:
    """Whether requests to S3 are not signed (AWS_SKIP_SIGNATURE): what is public needs no credentials."""
    return _is_set("AWS_SKIP_SIGNATURE")


def pays_requests() -> bool:
    """Whether this account pays for requests to buckets of others that ask for it (AWS_REQUEST_PAYER)."""
    return _is_set("AWS_REQUEST_PAYER")


def _is_set(name: str) -> bool:
    return os.environ.get(name, "").strip().lower() in ("true", "1", "yes", "requester")


def _pay(params: dict[str, Any], **_: Any) -> None:
    params["headers"]["x-amz-request-payer"] = "requester"


@functools.lru_cache(maxsize=8)
def _s3_client(pid: int, connect_timeout_s: float, read_timeout_s: float, attempts: int, connections: int) -> Any:
    import boto3  # takes half a second, which local files and help need not wait for
    from botocore import UNSIGNED
    from botocore.config import Config as BotoConfig

    client = boto3.session.Session().client(
        "s3",
        config=BotoConfig(
            connect_timeout=connect_timeout_s,
            read_timeout=read_timeout_s,
            retries={"mode": "standard", "total_max_attempts": attempts},
            max_pool_connections=connections,
            signature_version=UNSIGNED if is_anonymous() else None,
        ),
    )
    if pays_requests():
        client.meta.events.register("before-call.s3", _pay)

    def remember(http_response: Any, **_: Any) -> None:
        if http_response.status_code < 500:
            answered_endpoints.add(client.meta.endpoint_url)

    client.meta.events.register("after-call.s3", remember)
    return client


def s3_client(
    connect_timeout_s: float = 5, read_timeout_s: float = 30, attempts: int = 5, connections: int = 16
) -> Any:
    """This process's S3 client for these settings: thread-safe, made once, never shared over a fork.

    By default a request that gets no answer at all fails after two and a half minutes, one that is refused after some
    ten seconds.
    """
    return _s3_client(os.getpid(), connect_timeout_s, read_timeout_s, attempts, connections)


def urgent_client() -> Any:
    """The same for what must be known at once: one try, of ten seconds at most."""
    return s3_client(read_timeout_s=10, attempts=1)


def read_bytes(uri: str) -> bytes:
    """The whole object. InputError says in one line what is wrong with the URI, the bucket or the credentials."""
    with explained(uri):
        if is_s3(uri):
            bucket, key = split_s3(uri)
            return bytes(s3_client().get_object(Bucket=bucket, Key=key)["Body"].read())
        return local_path(uri).read_bytes()


def read_text(uri: str) -> str:
    """The whole object as UTF-8 text, without a byte order mark. InputError as of read_bytes, or for another text."""
    try:
        return read_bytes(uri).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{uri}: not UTF-8 text at byte {error.start}") from None


def write_bytes(uri: str, data: bytes, is_urgent: bool = False, content_type: str | None = None) -> None:
    """Write the whole object. A local file appears under its name only when it is complete.

    With `is_urgent`, S3 is asked once, and has ten seconds to answer. `content_type` is what S3 tells a browser that
    it is.
    """
    with explained(uri):
        if is_s3(uri):
            bucket, key = split_s3(uri)
            client = urgent_client() if is_urgent else s3_client()
            kind = {"ContentType": content_type} if content_type else {}
            client.put_object(Bucket=bucket, Key=key, Body=data, **kind)
            return
        with _complete(local_path(uri)) as partial:
            partial.write_bytes(data)


_IS_THERE = ("PreconditionFailed", "412", "ConditionalRequestConflict")
_NOT_KNOWN = ("NotImplemented", "501")


def create_file(uri: str, data: bytes) -> bool:
    """Write the object where there is none; False where there is one. Of many that do so at once one succeeds.

    InputError where the store says that it can't do so.
    """
    with explained(uri):
        if is_s3(uri):
            bucket, key = split_s3(uri)
            try:
                s3_client().put_object(Bucket=bucket, Key=key, Body=data, IfNoneMatch="*")
            except ClientError as error:
                code = error.response.get("Error", {}).get("Code", "")
                if code in _NOT_KNOWN:
                    raise InputError(f"{uri}: this store does not know If-None-Match") from None
                if code not in _IS_THERE:
                    raise
                return False
            return True
        with _partial(local_path(uri)) as partial:
            partial.write_bytes(data)
            try:
                os.link(partial, local_path(uri))  # which, unlike a new name for the file, never replaces another
            except FileExistsError:
                return False
        return True


def read_with_age(uri: str) -> tuple[bytes, float]:
    """The object, and how many seconds ago it was written by the clock of who keeps it."""
    with explained(uri):
        if is_s3(uri):
            bucket, key = split_s3(uri)
            answer = s3_client().get_object(Bucket=bucket, Key=key)
            now = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
            return bytes(answer["Body"].read()), (now - answer["LastModified"]).total_seconds()
        path = local_path(uri)
        written = path.stat().st_mtime
        return path.read_bytes(), time.time() - written


def upload_file(path: Path, uri: str) -> None:
    """Copy a local file to the URI."""
    with explained(uri):
        if is_s3(uri):
            bucket, key = split_s3(uri)
            s3_client().upload_file(str(path), bucket, key)
            return
        with _complete(local_path(uri)) as partial:
            shutil.copyfile(path, partial)


@contextmanager
def new_file(uri: str) -> Iterator[Path]:
    """A local path to write to. It becomes the file or object if the block ends well; else there is none."""
    if not is_s3(uri):
        with _complete(local_path(uri)) as partial:
            yield partial
        return
    # Spark gives its workers folders with space; a machine's own temporary folder may be in memory
    folder = scratch_folders()[0]
    with space_in(folder), tempfile.TemporaryDirectory(prefix=SCRATCH, dir=folder) as scratch:
        partial = Path(scratch, "file")
        yield partial
        upload_file(partial, uri)


def download_file(uri: str, path: Path) -> None:
    """Copy the object to a local path, which appears only when it is complete."""
    with explained(uri, path.parent), _complete(path) as partial:
        if is_s3(uri):
            bucket, key = split_s3(uri)
            s3_client(attempts=2).download_file(bucket, key, str(partial), Config=_download_config())
        else:
            shutil.copyfile(local_path(uri), partial)


def _download_config() -> Any:
    """A download begins anew where its body breaks off, and each beginning has its own tries: three times two."""
    from boto3.s3.transfer import TransferConfig

    return TransferConfig(num_download_attempts=3)


@contextmanager
def _complete(path: Path) -> Iterator[Path]:
    """A name to write to. It becomes the path when the block ends well and is gone when it does not."""
    with _partial(path) as partial:
        yield partial
        partial.replace(path)


@contextmanager
def _partial(path: Path) -> Iterator[Path]:
    """A name beside the path to write to, which is gone when the block ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name[:200]}.{os.getpid()}.{os.urandom(3).hex()}.partial")
    try:
        yield partial
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file against other processes of the host. It is released when this one ends, however it ends."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield

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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from autotag_core.errors import InputError, scrubbed
from autotag_core.storage.uris import (
    is_s3,
    local_path,
    refuse_credentials,
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
    return client


def s3_client(
    connect_timeout_s: float = 5, read_timeout_s: float = 60, attempts: int = 5, connections: int = 16
) -> Any:
    """This process's S3 client for these settings: thread-safe, made once, never shared over a fork."""
    return _s3_client(os.getpid(), connect_timeout_s, read_timeout_s, attempts, connections)


@contextmanager
def explained(uri: str) -> Iterator[None]:
    """Turn what goes wrong with this URI into an InputError of one line. Refuse a URI that holds a credential."""
    refuse_credentials(uri)
    try:
        yield
    except Exception as error:
        if isinstance(error, OSError | ValueError | ClientError | BotoCoreError) or _is_of_boto3(error):
            raise InputError(explain(uri, error)) from None
        raise


def _is_of_boto3(error: Exception) -> bool:
    return any(kind.__module__ == "boto3.exceptions" for kind in type(error).__mro__)


def read_bytes(uri: str) -> bytes:
    """The whole object. InputError says in one line what is wrong with the URI, the bucket or the credentials."""
    with explained(uri):
        if is_s3(uri):
            bucket, key = split_s3(uri)
            return bytes(s3_client().get_object(Bucket=bucket, Key=key)["Body"].read())
        return local_path(uri).read_bytes()


def write_bytes(uri: str, data: bytes) -> None:
    """Write the whole object. A local file appears under its name only when it is complete."""
    with explained(uri):
        if is_s3(uri):
            bucket, key = split_s3(uri)
            s3_client().put_object(Bucket=bucket, Key=key, Body=data)
            return
        with _complete(local_path(uri)) as partial:
            partial.write_bytes(data)


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
    folder = os.environ.get("SPARK_LOCAL_DIRS", tempfile.gettempdir()).split(",")[0]
    with tempfile.TemporaryDirectory(prefix="autotag-", dir=folder) as scratch:
        partial = Path(scratch, "file")
        yield partial
        upload_file(partial, uri)


def download_file(uri: str, path: Path) -> None:
    """Copy the object to a local path, which appears only when it is complete."""
    with explained(uri), _complete(path) as partial:
        if is_s3(uri):
            bucket, key = split_s3(uri)
            s3_client().download_file(bucket, key, str(partial))
        else:
            shutil.copyfile(local_path(uri), partial)


@contextmanager
def _complete(path: Path) -> Iterator[Path]:
    """A name to write to. It becomes the path when the block ends well and is gone when it does not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name[:200]}.{os.getpid()}.{os.urandom(3).hex()}.partial")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file against other processes of the host. It is released when this one ends, however it ends."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


_CODES = {
    "NoSuchBucket": "the bucket does not exist: check its name and AWS_ENDPOINT_URL",
    "NoSuchKey": "there is no such object",
    "404": "there is no such object",
    "AccessDenied": "access denied: these credentials may not use it",
    "403": "access denied: these credentials may not use it",
    "InvalidAccessKeyId": "the access key is not known here: check AWS_ACCESS_KEY_ID or the profile",
    "SignatureDoesNotMatch": "the secret key is wrong: check AWS_SECRET_ACCESS_KEY or the profile",
    "ExpiredToken": "the credentials have expired: get new ones",
    "PermanentRedirect": "the bucket is in another region: check AWS_REGION and AWS_ENDPOINT_URL",
    "AuthorizationHeaderMalformed": "the bucket is in another region: check AWS_REGION and AWS_ENDPOINT_URL",
}


def explain(uri: str, error: Exception) -> str:
    """One line that says what is wrong with this URI and what to fix. It never holds a credential."""
    if isinstance(error, ClientError):
        code = str(error.response.get("Error", {}).get("Code", ""))
        return f"{uri}: {_CODES.get(code, f'S3 answered {code}')}"
    if isinstance(error, FileNotFoundError):
        return f"{uri}: there is no such file"
    if isinstance(error, OSError):
        return f"{uri}: {error.strerror or error}"
    if type(error).__name__ in ("NoCredentialsError", "PartialCredentialsError"):
        wanted = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
        return f"{uri}: no AWS credentials: {wanted}; for what is public, AWS_SKIP_SIGNATURE=true"
    return f"{uri}: {one_line(error)}"


def one_line(error: Exception, limit: int = 500) -> str:
    """The error's text on one line, without colours and without the user and password of any URL in it."""
    return scrubbed(str(error), limit)


def keeps_what_is_there(uri: str) -> bool:
    """Whether the S3 store refuses to overwrite this object, which is there, with If-None-Match: *."""
    bucket, key = split_s3(uri)
    with explained(uri):
        try:
            s3_client().put_object(Bucket=bucket, Key=key, Body=b"", IfNoneMatch="*")
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code not in ("PreconditionFailed", "412", "NotImplemented", "501"):
                raise
            return code in ("PreconditionFailed", "412")
    return False

"""What goes wrong with a URI, as one line that says what to mend."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from botocore import exceptions as boto
from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from autotag_core.errors import (
    AutotagError,
    InputError,
    OutageError,
    disk_full,
    is_cut_answer,
    is_disk_full,
    outage,
    outage_text,
    scratch_folders,
    scrubbed,
)
from autotag_core.storage.uris import is_s3, local_path, refuse_credentials

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
_REFUSING_CODES = {"RequestTimeout", "RequestTimeoutException", "SlowDown", "Throttling", "ThrottlingException"}
_NO_CONNECTION = (boto.EndpointConnectionError, boto.ConnectTimeoutError)
_NO_ANSWER = (boto.ReadTimeoutError, boto.ConnectionClosedError, boto.IncompleteReadError, boto.ResponseStreamingError)
_CUT_WAITS_S = (0.1, 0.5, 2.0)
"""Between the tries where an answer broke off. A connection that breaks again and again is an outage."""
T = TypeVar("T")
answered_endpoints: set[str] = set()
"""The S3 endpoints that have answered this process. One that never has may be a wrong AWS_ENDPOINT_URL."""


@contextmanager
def explained(uri: str, folder: Path | None = None) -> Iterator[None]:
    """Turn what goes wrong with this URI into an InputError of one line. Refuse a URI that holds a credential.

    A full disk is a DiskFullError. It names `folder`, where that is given: the local place of what is copied or made.
    An S3 that does not answer, or only that it can't now, is an OutageError.
    """
    refuse_credentials(uri)
    try:
        yield
    except Exception as error:
        if isinstance(error, OSError) and is_disk_full(error):
            raise disk_full(error, folder or _local_folder(uri)) from None
        if (found := outage_at(uri, error)) is not None:
            raise found from None
        if isinstance(error, OSError | ValueError | ClientError | BotoCoreError) or _is_of_boto3(error):
            raise InputError(explain(uri, error)) from None
        raise


@contextmanager
def answering(uri: str) -> Iterator[None]:
    """Let an outage of S3 in the block be an OutageError, whichever library asks it. Other errors pass as they are."""
    try:
        yield
    except Exception as error:
        if (found := outage_at(uri, error)) is not None:
            raise found from None
        raise


def asked_again(ask: Callable[[], T]) -> T:
    """What `ask` gives. Where S3 broke off its answer to delta-rs, it is asked again, after each of _CUT_WAITS_S."""
    for wait_s in _CUT_WAITS_S:
        try:
            return ask()
        except Exception as error:
            if isinstance(error, AutotagError) or not is_cut_answer(error):
                raise
        time.sleep(wait_s)
    return ask()


def outage_at(uri: str, error: BaseException) -> OutageError | None:
    """The OutageError for what a library says of an S3 that does not answer, or only that it can't now; else None."""
    if isinstance(error, AutotagError) or not is_s3(uri):
        return None
    if _is_of_boto3(error):  # of a transfer in parts: the cause is what boto3 met
        inner = getattr(error, "last_exception", None) or error.__context__
        return outage_at(uri, inner) if inner is not None else None
    if isinstance(error, ClientError | BotoCoreError | HTTPError):
        said = _refusal(error)
        return OutageError(outage_text(uri, said)) if said else None
    return outage(error, uri)


def _refusal(error: Exception) -> str:
    """How S3 did not answer, or that it can't now. Empty for any other error of boto3."""
    if isinstance(error, ClientError):
        code = str(error.response.get("Error", {}).get("Code", ""))
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        is_refused = code in _REFUSING_CODES or status == 429 or (status >= 500 and status != 501)
        return f"{status} {code.removeprefix(str(status))}".strip() if is_refused else ""
    if isinstance(error, _NO_CONNECTION):
        asked = str(error.kwargs.get("endpoint_url", ""))
        return one_line(error) if any(asked.startswith(known) for known in answered_endpoints) else ""
    return type(error).__name__ if isinstance(error, (*_NO_ANSWER, HTTPError)) else ""


@contextmanager
def space_in(folder: Path) -> Iterator[None]:
    """Let a full disk in the block be a DiskFullError that names the folder."""
    try:
        yield
    except OSError as error:
        if is_disk_full(error):
            raise disk_full(error, folder) from None
        raise


def _local_folder(uri: str) -> Path:
    """The local URI's folder, or that of its file. On the way to S3 a file is in the first temporary folder."""
    if is_s3(uri):
        return scratch_folders()[0]
    path = local_path(uri)
    return path if path.is_dir() else path.parent


def write_error(uri: str, error: Exception) -> AutotagError:
    """What to raise where a table's place can't be written: DiskFullError, OutageError or InputError, in one line."""
    if is_disk_full(error):
        return disk_full(error, _local_folder(uri))
    return outage_at(uri, error) or InputError(f"{uri}: cannot be written: {one_line(error)}")


def _is_of_boto3(error: BaseException) -> bool:
    return any(kind.__module__ == "boto3.exceptions" for kind in type(error).__mro__)


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
    """The error's text on one line, without colours and without the user and password of any URL in it.

    Frames of a library's stack, which delta-rs adds, are left out.
    """
    return scrubbed(re.split(r"\s+0: <unknown>", str(error), maxsplit=1)[0], limit)

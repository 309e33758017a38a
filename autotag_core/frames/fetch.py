"""A file's bytes by URI. The size is checked first, and every error becomes a reason."""

from __future__ import annotations

import errno
import functools
import io
import os
import random
import re
import threading
import time
from collections.abc import Callable
from typing import Any

from botocore import exceptions as boto
from urllib3.exceptions import HTTPError

from autotag_core.config import FramesConfig
from autotag_core.failures import ItemError, Reason, Stage
from autotag_core.frames.limits import check_num_bytes
from autotag_core.storage import (
    IrregularFileError,
    is_s3,
    is_within,
    local_path,
    open_regular,
    prefixes,
    real_path,
    s3_client,
    split_s3,
)

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(?://)?")
_WANTED = "it must be s3://bucket/key, s3a://bucket/key, file:///path or a local path"
_FIRST_BACKOFF_S, _MAX_BACKOFF_S = 0.1, 10.0
_CHUNK = 1 << 20
_RETRIED_CODES = {"RequestTimeout", "RequestTimeoutException", "SlowDown", "Throttling", "ThrottlingException"}
_DENIED_CODES = {"ExpiredToken", "InvalidToken", "TokenRefreshRequired"}
_NO_FILE = {errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP, errno.EISDIR, errno.ENXIO}
_NO_ACCESS = {errno.EACCES, errno.EPERM}
_BROKEN_CONNECTION = (
    boto.HTTPClientError,
    boto.ConnectionError,
    boto.IncompleteReadError,
    boto.FlexibleChecksumError,
    HTTPError,
    OSError,
)
_client_lock = threading.Lock()


class _Retry(Exception):  # noqa: N818
    """This attempt failed, but another one may not."""


def fetch_bytes(uri: str, config: FramesConfig, stop: threading.Event | None = None) -> bytes:
    """The whole file: s3://, s3a:// and s3n:// objects, file: URIs (percent-encoded) and local paths (as written).

    The size is checked before the body is read, and at most max_bytes + 1 bytes are read. Server errors, throttling and
    broken connections, also in the middle of the body, are tried again with exponential backoff, up to fetch_attempts
    attempts in all. `stop`, and fetch_deadline_s over all attempts, end the waiting and the reading of an S3 body
    within read_timeout_s. A file outside of allowed_places is not read, nor is one inside that a link leads out of
    them; without allowed_places, which a night always has, every file is read.

    Raises ItemError UNSUPPORTED_URI, NOT_FOUND, ACCESS_DENIED, FETCH_FAILED or FILE_TOO_LARGE. No message holds a
    credential.
    """
    deadline = time.monotonic() + config.fetch_deadline_s

    def check() -> None:
        if stop is not None and stop.is_set():
            raise _error(Reason.FETCH_FAILED, f"{uri}: stopped, its result is no longer wanted")
        if time.monotonic() > deadline:
            limit = f"{config.fetch_deadline_s:g} s, with all its tries"
            raise _error(Reason.FETCH_FAILED, f"{uri}: not read whole within {limit}")

    read = _reader(uri, config, check)
    seen = ""
    for attempt in range(1, config.fetch_attempts + 1):
        check()
        try:
            return read()
        except _Retry as error:
            seen = str(error)
        if attempt < config.fetch_attempts:
            _wait(min(_MAX_BACKOFF_S, _FIRST_BACKOFF_S * 2 ** (attempt - 1)) * random.uniform(0.5, 1.0), stop)
    raise _error(Reason.FETCH_FAILED, f"{uri}: {seen}; given up after {config.fetch_attempts} attempts")


def _wait(seconds: float, stop: threading.Event | None) -> None:
    (stop or threading.Event()).wait(seconds)


def _error(reason: Reason, message: str) -> ItemError:
    return ItemError(Stage.FRAMES, reason, message)


def _reader(uri: str, config: FramesConfig, check: Callable[[], None]) -> Callable[[], bytes]:
    """A function without arguments that makes one attempt. ItemError UNSUPPORTED_URI for a URI that is not read."""
    # no message repeats such a URI: what stands before the @ may be a secret
    refused = _error(Reason.UNSUPPORTED_URI, f"credentials do not belong in a URI; {_WANTED}")
    found = _SCHEME.match(uri)
    scheme = found[1].lower() if found else ""
    has_host = found is not None and found[0].endswith("://")
    if is_s3(uri):
        bucket, key = split_s3(uri)
        # a secret may hold a slash: then the part before it looks like a bucket with a colon, which no bucket has
        if not has_host or "@" in bucket or ":" in bucket:
            raise refused
        if not bucket or not key:
            raise _error(Reason.UNSUPPORTED_URI, f"{uri}: there is no {'key' if bucket else 'bucket'}; {_WANTED}")
        _check_place(uri, uri, config)
        return lambda: _read_s3(uri, bucket, key, config, check)
    if scheme == "file":
        host = uri[len("file://") :].partition("/")[0] if has_host else ""
        if "@" in host or ":" in host:
            raise refused
    elif has_host:
        # the rest of the URI is not repeated: a signed URL is a credential
        raise _error(Reason.UNSUPPORTED_URI, f"{scheme}: URIs are not read; {_WANTED}")
    if not uri or "\0" in uri:
        raise _error(Reason.UNSUPPORTED_URI, f"{uri!r} is no path; {_WANTED}")
    _check_place(uri, uri, config)
    return lambda: _read_local(uri, config)


_prefixes = functools.lru_cache(maxsize=8)(prefixes)  # they are looked up on disk


def _check_place(uri: str, found: str, config: FramesConfig) -> None:
    """ItemError UNSUPPORTED_URI where the file, at the place that was found for the uri, is in no allowed place."""
    if config.allowed_places and not is_within(found, _prefixes(config.allowed_places)):
        shown = os.fsencode(found).decode("utf-8", "backslashreplace")
        where = uri if found == uri else f"{uri}: this is {shown}, which"
        raise _error(Reason.UNSUPPORTED_URI, f"{where} is in no place that frames.allowed_places names")


def _read_local(uri: str, config: FramesConfig) -> bytes:
    try:
        with open_regular(local_path(uri)) as file:
            if config.allowed_places:
                _check_place(uri, real_path(file), config)
            check_num_bytes(os.fstat(file.fileno()).st_size, config)
            data = file.read(config.max_bytes + 1)
    except IrregularFileError as error:
        raise _error(Reason.NOT_FOUND, f"{uri}: {error.strerror}") from None
    except OSError as error:
        if error.errno in _NO_FILE:
            raise _error(Reason.NOT_FOUND, f"{uri}: there is no such file") from None
        if error.errno in _NO_ACCESS:
            raise _error(Reason.ACCESS_DENIED, f"{uri}: this user may not read it") from None
        raise _Retry(error.strerror or type(error).__name__) from None
    except ValueError as error:  # characters that no path can hold
        raise _error(Reason.UNSUPPORTED_URI, f"{uri!r} is no path ({type(error).__name__})") from None
    check_num_bytes(len(data), config)
    return data


def _read_s3(uri: str, bucket: str, key: str, config: FramesConfig, check: Callable[[], None]) -> bytes:
    try:
        with _client_lock:  # made once, not once per thread
            client = s3_client(config.connect_timeout_s, config.read_timeout_s, 1, config.fetch_threads)
        response = client.get_object(Bucket=bucket, Key=key)
        return _read_body(response["Body"], response.get("ContentLength"), config, check)
    except boto.ClientError as error:
        raise _explain_answer(uri, error) from None
    except (boto.NoCredentialsError, boto.PartialCredentialsError, boto.CredentialRetrievalError):
        wanted = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, an instance role or AWS_SKIP_SIGNATURE"
        raise _error(Reason.ACCESS_DENIED, f"{uri}: no AWS credentials: {wanted}") from None
    except boto.ParamValidationError:
        raise _error(Reason.UNSUPPORTED_URI, f"{uri}: {bucket!r} is no bucket name") from None
    except _BROKEN_CONNECTION as error:
        # the error's text can hold the endpoint's URL, so the message names the class only
        raise _Retry(f"{type(error).__name__} (network or AWS_ENDPOINT_URL)") from None
    except boto.BotoCoreError as error:
        raise _error(Reason.FETCH_FAILED, f"{uri}: {type(error).__name__}: check the AWS settings") from None


def _read_body(body: Any, length: int | None, config: FramesConfig, check: Callable[[], None]) -> bytes:
    """The whole body, at most max_bytes + 1 bytes. It is closed unread where its announced length is too large.

    `check` is called after each part that arrives, and raises where no more is wanted.
    """
    try:
        check_num_bytes(length or 0, config)
        connection = body.__enter__()
        # `read` waits for all bytes it is asked for, however slow; read1 does not, and still counts and checks them
        connection.read = getattr(connection, "read1", connection.read)
        read = io.BytesIO()  # gives its bytes away without a copy
        left = config.max_bytes + 1
        while left > 0 and (part := body.read(min(_CHUNK, left))):
            left -= read.write(part)
            check()
    finally:
        body.close()
    data = read.getvalue()
    check_num_bytes(len(data), config)
    if length is not None and len(data) != length:
        raise _Retry(f"the body ended after {len(data):,} of {length:,} bytes")
    return data


def _explain_answer(uri: str, error: Any) -> Exception:
    """What an S3 error answer means: an ItemError, or _Retry where another attempt may work."""
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in _RETRIED_CODES or status >= 500 or status == 429:
        return _Retry(f"S3 answered {status} {code}")
    if code == "NoSuchBucket":
        return _error(Reason.NOT_FOUND, f"{uri}: there is no such bucket")
    if status == 404:
        return _error(Reason.NOT_FOUND, f"{uri}: there is no such object")
    if status in (401, 403) or code in _DENIED_CODES:
        return _error(Reason.ACCESS_DENIED, f"{uri}: S3 answered {status} {code}: these credentials may not read it")
    return _error(Reason.FETCH_FAILED, f"{uri}: S3 answered {status} {code}")

"""What goes wrong with a URI, as one line that says what to mend."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from autotag_core.errors import AutotagError, InputError, disk_full, is_disk_full, scratch_folders, scrubbed
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


@contextmanager
def explained(uri: str, folder: Path | None = None) -> Iterator[None]:
    """Turn what goes wrong with this URI into an InputError of one line. Refuse a URI that holds a credential.

    A full disk is a DiskFullError. It names `folder`, where that is given: the local place of what is copied or made.
    """
    refuse_credentials(uri)
    try:
        yield
    except Exception as error:
        if isinstance(error, OSError) and is_disk_full(error):
            raise disk_full(error, folder or _local_folder(uri)) from None
        if isinstance(error, OSError | ValueError | ClientError | BotoCoreError) or _is_of_boto3(error):
            raise InputError(explain(uri, error)) from None
        raise


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
    """What to raise where a table's place can't be written: DiskFullError or InputError, in one line."""
    if is_disk_full(error):
        return disk_full(error, _local_folder(uri))
    return InputError(f"{uri}: cannot be written: {one_line(error)}")


def _is_of_boto3(error: Exception) -> bool:
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
    """The error's text on one line, without colours and without the user and password of any URL in it."""
    return scrubbed(str(error), limit)

"""What a URI names, local or S3, by its text alone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from autotag_core.errors import InputError

S3_SCHEMES = ("s3", "s3a", "s3n")


def is_s3(uri: str) -> bool:
    """Whether the URI names an S3 object or prefix. Never fails, whatever follows the scheme."""
    return uri.partition(":")[0].lower() in S3_SCHEMES


def absolute(uri: str) -> str:
    """The URI as Spark finds it from any folder: S3 as s3a://, the only scheme it reads, and absolute paths.

    A file: URI becomes the path that it stands for, since Spark would not decode it.
    """
    if is_s3(uri):
        return "s3a:" + uri.partition(":")[2]
    return uri if "://" in uri and not is_file_uri(uri) else str(local_path(uri).absolute())


def is_file_uri(uri: str) -> bool:
    """Whether the URI has the scheme file, in letters of any case."""
    return uri[:5].lower() == "file:"


def split_s3(uri: str) -> tuple[str, str]:
    """Bucket and key of s3://bucket/key. The key is taken as written, `#` and `?` included."""
    bucket, _, key = uri.partition("://")[2].partition("/")
    return bucket, key


def local_path(uri: str) -> Path:
    """Path of a local URI: file:///x, file:/x (percent-encoded; `#` and `?` stand for themselves) or a path."""
    if not is_file_uri(uri):
        return Path(uri)
    path = uri[len("file:") :]
    return Path(unquote("/" + path[2:].partition("/")[2] if path.startswith("//") else path))


def join(base: str, *parts: str) -> str:
    """The base URI with parts appended."""
    return "/".join([base.rstrip("/"), *parts])


def below(base: str, path: str) -> str:
    """The URI of a path that a file names, below the base. InputError where the path leads out of it."""
    if path.startswith("/") or ".." in path.split("/") or re.match(r"[A-Za-z][A-Za-z0-9+.-]*:/", path):
        raise InputError(f"{base}: {path!r} is named in it, which lies outside: somebody else has written here")
    return join(base, path)


def refuse_credentials(uri: str) -> None:
    """InputError where a URI carries a user or password, which would end in logs and in the `runs` table."""
    scheme, separator, rest = uri.partition("://")
    host = rest.partition("/")[0]
    # a secret may hold a slash, so the part before it looks like a bucket with a colon
    if separator and ("@" in host or (":" in host and "@" in rest)):
        raise InputError(f"{scheme}://{rest.rpartition('@')[2]}: no credentials in a URI: give them in the environment")


def refuse_credentials_in(settings: Any) -> None:
    """refuse_credentials for every text in a config's model_dump, lists and sections included."""
    if isinstance(settings, str):
        refuse_credentials(settings)
    elif isinstance(settings, dict | list | tuple):
        for value in settings.values() if isinstance(settings, dict) else settings:
            refuse_credentials_in(value)

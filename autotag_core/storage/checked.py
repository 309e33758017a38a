"""URIs that a person gives: which forms and characters are taken, said before any work."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from autotag_core.errors import InputError
from autotag_core.storage.uris import absolute, is_s3, refuse_credentials, split_s3

_WANTED = "s3a://bucket/prefix, file:///path or a local path"
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/")
_ANY_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
"""S3's own rule for buckets made since 2018. Hadoop takes a bucket for a host's name, which has no underscore."""
_AZURE = ("abfs", "wasb")
"""Beginnings of schemes whose URIs have a container's name where others have a user's."""
_DELTA = set(" !\"$&'()+,-./:;<=>@_`~")
"""ASCII besides letters and digits that delta-rs, pyarrow, boto3, Spark, S3A and DuckDB all write and find again, on
disk and on S3: tests/core/storage/test_checked.py tries each. Of the others, `[]^|` and the backslash make delta-rs
panic. It takes `#` and `?` on S3 for the end of a path. Readers of Delta decode a `%` once too often. Hadoop takes
`*{}` for a pattern, in which it can't read a colon."""
_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Categories of Unicode: control characters, signs that turn the direction of text, halves of characters, line ends."""


def check_uri(uri: str) -> None:
    """InputError in one line where a URI that a person gave can't name a file or folder, local or on S3."""
    found = _SCHEME.match(uri)
    scheme = found[1].lower() if found else ""
    if not scheme.startswith(_AZURE):
        refuse_credentials(uri)
    if scheme not in ("", "file") and not is_s3(uri):
        shown = f"{scheme}:..." if "@" in uri else uri  # what stands before the @ may be a secret
        raise InputError(f"{ascii(shown)[1:-1]}: {scheme}: URIs are not read: it must be {_WANTED}")
    if not uri.strip():
        raise InputError(f"{uri!r}: an empty URI: it must be {_WANTED}")
    if wrong := [one for one in uri if unicodedata.category(one) in _UNSEEN]:
        raise InputError(f"{uri!a}: a URI must not hold {_names(wrong)}: no program shows what it is")
    if is_s3(uri):
        bucket = split_s3(uri)[0]
        if "://" not in uri or not _ANY_BUCKET.fullmatch(bucket):
            raise InputError(f"{uri}: {bucket!r} is no name of a bucket: a URI on S3 is s3a://bucket/prefix")
        if {".", ".."} & set(split_s3(uri)[1].split("/")):  # some servers follow them, others don't
            raise InputError(f"{uri}: a part of the path is . or ..: write the path without it")


def check_warehouse(uri: str) -> None:
    """InputError in one line where some library would not find the URI of a warehouse, or of a table in it, again."""
    check_uri(uri)
    if not is_s3(uri):
        uri = absolute(uri)  # folders above it are part of what libraries are given
        check_uri(uri)
    path = split_s3(uri)[1] if is_s3(uri) else uri
    if wrong := [one for one in path if one.isascii() and not one.isalnum() and one not in _DELTA]:
        raise InputError(
            f"{uri}: the path of a warehouse must not hold {_names(wrong)}: not every reader of Delta can open it"
        )
    if not is_s3(uri):
        return
    bucket = split_s3(uri)[0]
    if not _BUCKET.fullmatch(bucket):
        raise InputError(
            f"{uri}: a warehouse can't be in the bucket {bucket!r}: Spark takes names of 3 to 63 small letters, "
            "digits, dots and hyphens"
        )
    if path.startswith("/") or "//" in path:  # delta-rs makes one slash of two, boto3 does not
        raise InputError(f"{uri}: a part of the path is empty: write one slash")


def _names(characters: Iterable[str]) -> str:
    """Such as `'^' (U+005E)`, each character once."""
    shown = (f"{one!a} (U+{ord(one):04X})" for one in dict.fromkeys(characters))
    return ", ".join(shown)

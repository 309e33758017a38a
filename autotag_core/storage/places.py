"""Places that a catalog's rows may name: prefixes of URIs, local or S3."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterable, Sequence

from autotag_core.errors import InputError
from autotag_core.storage.uris import absolute, is_file_uri, is_s3, local_path, split_s3

_DOTS = re.compile(r"(^|/)\.\.?(/|$)")
_OTHER_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def own_place(catalog: str) -> str:
    """Where a catalog's rows may name files without being asked: its bucket, or the folder that it lies in."""
    if is_s3(catalog):
        return f"s3a://{split_s3(catalog)[0]}/"
    return posixpath.normpath(str(local_path(absolute(catalog.rstrip("/") or "/"))).rpartition("/")[0] or "/")


def check_places(places: Iterable[str]) -> None:
    """InputError in one line where a place is neither s3a://bucket/prefix nor a local folder."""
    for place in places:
        is_bucket = is_s3(place) and "://" in place and split_s3(place)[0] != ""
        is_local = not is_s3(place) and place != "" and (is_file_uri(place) or not _OTHER_SCHEME.match(place))
        if not (is_bucket or is_local) or _DOTS.search(split_s3(place)[1] if is_bucket else ""):
            raise InputError(f"frames.allowed_places {place!r}: it must be s3a://bucket/prefix or a local folder")


def prefixes(places: Iterable[str]) -> tuple[str, ...]:
    """The places as `comparable` URIs begin, each once. A place is a folder: one more letter of a name is another."""
    found: dict[str, None] = {}
    for place in places:
        known = comparable(place if is_s3(place) else absolute(place))
        found[known.rstrip("/") + "/"] = None
        if not is_s3(place):  # a folder by its other name, where a link leads to it
            found[os.path.realpath(known).rstrip("/") + "/"] = None
    return tuple(found)


def comparable(uri: str) -> str:
    """The URI in the one way of writing in which places are compared: s3://bucket/key, or a path without dots."""
    if is_s3(uri):
        return "s3" + uri[uri.index(":") :]
    return "/" + posixpath.normpath(str(local_path(uri).absolute())).lstrip("/")


def is_within(uri: str, places: Sequence[str]) -> bool:
    """Whether the URI lies below one of the `prefixes`, by its text alone. A key with `..` in it lies below none."""
    if is_s3(uri) and _DOTS.search(split_s3(uri)[1]):
        return False  # servers that map keys to folders would follow it
    return comparable(uri).startswith(tuple(places))

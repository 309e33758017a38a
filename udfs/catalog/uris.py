"""Where the file of a catalog row is, and what of a row may be written down. Native Spark expressions."""

from __future__ import annotations

import functools
import operator
import posixpath
import re
from collections.abc import Sequence
from pathlib import Path

from pyspark.sql import Column
from pyspark.sql import functions as F

from autotag_core import storage

_ABSOLUTE = r"^([A-Za-z][A-Za-z0-9+.-]*://|file:|/)"
_OTHER_SCHEME = r"^(?!(?i:s3[an]?|file)://)[A-Za-z][A-Za-z0-9+.-]*://"
_S3 = r"^(?i:s3[an]?):"
_FILE = r"^(?i:file):(//[^/]*)?"
_DOTS = r"(^|/)\.\.?(/|$)"
# a secret may hold a slash: then the part before it looks like a host with a port
_USER = r"(?s)^[A-Za-z][A-Za-z0-9+.-]*://([^/]*|[^/]*:.*)@"
_SIGNED = r"(?i)[?&](x-(amz|goog)-[a-z-]+|signature|sig|awsaccesskeyid|googleaccessid|key-pair-id|policy|\w*token)="
_MAX_SCRUBBED = 2000  # characters that are looked through before a part of them is shown


def place_of(uri: Column, catalog_uri: str) -> Column:
    """The uri for the catalog table. Null where it holds credentials or leads out of the bucket or file system.

    An absolute uri stays as it is. A relative one starts in the catalog's folder. Its `.` and `..` are resolved, since
    S3 would take them for parts of a name.
    """
    folder = _folder(catalog_uri)
    relative = F.regexp_replace(uri, r"^(\./+)+", "")
    return (
        F.when(holds_credentials(uri), F.lit(None))
        .when(uri.rlike(_ABSOLUTE), uri)
        .when(relative.rlike(_DOTS), _resolved(relative, folder))
        .otherwise(F.concat(F.lit(folder), relative))
    )


def is_allowed(place: Column, places: Sequence[str]) -> Column:
    """Whether the place lies below one of `storage.prefixes`, as storage.is_within says it. Never null.

    A scheme that is not read is let through: who would fetch it refuses it by name.
    """
    is_s3 = place.rlike(_S3)
    comparable = F.when(is_s3, F.regexp_replace(place, _S3, "s3:")).otherwise(_path_of(place))
    below = functools.reduce(operator.or_, (comparable.startswith(one) for one in places), F.lit(False))
    is_vague = is_s3 & place.rlike(_DOTS)
    return F.coalesce(place.rlike(_OTHER_SCHEME) | (below & ~is_vague), F.lit(False))


def has_dots_in_key(place: Column) -> Column:
    """Whether `.` or `..` is a part of a key of S3. Servers that map keys to folders would follow it."""
    return place.rlike(_S3) & place.rlike(_DOTS)


def _path_of(place: Column) -> Column:
    """The absolute path of a local place, without percents of a file: URI, dots and doubled slashes."""
    written = F.regexp_replace(place, _FILE, "")
    decoded = F.coalesce(F.try_url_decode(F.replace(written, F.lit("+"), F.lit("%2B"))), written)
    path = F.when(place.rlike(_FILE), decoded).otherwise(place)
    path = F.when(path.startswith("/"), path).otherwise(F.concat(F.lit(f"{Path.cwd()}/"), path))
    path = F.regexp_replace(path, "/+", "/")
    return F.when(path.rlike(_DOTS), _resolved(F.substr(path, F.lit(2)), "/")).otherwise(path)


def holds_credentials(uri: Column) -> Column:
    """Whether there is a user or password before the host, or a signature in the query."""
    return uri.rlike(_USER) | uri.rlike(_SIGNED)


def quoted(raw: Column, hides: Column, length: int) -> Column:
    """The beginning of a row for a message, without user and query; not shown where its uris hold credentials."""
    shown = F.regexp_replace(F.substring(raw, 1, _MAX_SCRUBBED), r"(:\\?/\\?/)\S*@", "$1...@")
    shown = F.regexp_replace(shown, r'\?[^\s"]*=[^\s"]*', "?...")
    return F.when(F.coalesce(hides, F.lit(False)), F.lit("(not shown: its uri holds credentials)")).otherwise(
        F.substring(shown, 1, length)
    )


def _folder(uri: str) -> str:
    """Where relative uris start. It is a path for file: URIs too, so that a name with % in it stays what it is."""
    folder, slash, _ = uri.rstrip("/").rpartition("/")
    return f"{storage.local_path(folder)}/" if storage.is_file_uri(folder) else folder + slash


def _resolved(relative: Column, folder: str) -> Column:
    """The relative uri in the folder, without `.` and `..`; null where it leads further up than there is."""
    if "://" not in folder:  # a local folder may itself hold dots; in a key of S3 they are part of a name
        folder = posixpath.normpath(folder).rstrip("/") + "/"
    found = re.match(r"[^/]*://[^/]*/|/*", folder)
    root = found[0] if found else ""
    parts = [part for part in folder.removeprefix(root).split("/") if part not in ("", ".")]

    def step(above: Column, part: Column) -> Column:
        up = F.when(F.size(above) > 0, F.slice(above, 1, F.size(above) - 1))
        return F.when(part == "..", up).when(part == ".", above).otherwise(F.concat(above, F.array(part)))

    start = F.array(*map(F.lit, parts)).cast("array<string>")
    return F.concat(F.lit(root), F.array_join(F.aggregate(F.split(relative, "/"), start, step), "/"))

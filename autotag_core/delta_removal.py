"""Removing the rows of a Delta table without a JVM, and without leaving Spark to count the table anew afterwards."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
from deltalake import DeltaTable

from autotag_core import storage
from autotag_core.errors import InputError

_KEPT = ("numMetadata", "numProtocol", "setTransactions", "domainMetadata", "metadata", "protocol")
"""What a removal of files changes nothing about."""


def remove_rows(delta: DeltaTable, uri: str, where: str | None = None) -> int:
    """Remove all rows, or those of the partitions that the condition names; the version afterwards.

    One commit by the log alone, no data file is read; none where there is nothing to remove. Beside the commit goes its
    version checksum (the Delta protocol's optional `.crc`), taken on from that of the version before: a writer that
    finds one need not read the whole log to know what the table holds, which costs Spark some four jobs, whatever the
    table's size.
    """
    before = int(delta.version())
    delta.delete(where)
    after = int(delta.version())
    if after == before + 1:
        _take_checksum_on(delta, uri, before)
    return after


def _take_checksum_on(delta: DeltaTable, uri: str, before: int) -> None:
    known = _read_checksum(uri, before)
    if known is None or not {"metadata", "protocol"} <= known.keys():
        return
    left = pa.table(delta.get_add_actions(flatten=True)).select(["path", "size_bytes"]).to_pylist()
    checksum = {name: known[name] for name in _KEPT if name in known}
    checksum |= {"tableSizeBytes": sum(row["size_bytes"] for row in left), "numFiles": len(left)}
    if "allFiles" in known:
        paths = {unquote(row["path"]) for row in left}
        checksum["allFiles"] = [file for file in known["allFiles"] if unquote(file["path"]) in paths]
    data = json.dumps(checksum, separators=(",", ":")) + "\n"
    storage.write_bytes(_checksum_uri(uri, int(delta.version())), data.encode())


def _read_checksum(uri: str, version: int) -> dict[str, Any] | None:
    try:
        return dict(json.loads(storage.read_bytes(_checksum_uri(uri, version))))
    except (InputError, ValueError):
        return None


def _checksum_uri(uri: str, version: int) -> str:
    return storage.join(uri, "_delta_log", f"{version:020d}.crc")

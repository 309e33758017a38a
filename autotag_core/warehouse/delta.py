"""Delta tables by URI, without a JVM: open one at a version, its live files, their rows as Arrow."""

from __future__ import annotations

import os
from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

import boto3
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.fs as pafs
from botocore.exceptions import BotoCoreError, NoCredentialsError
from deltalake import DeltaTable

from autotag_core import storage
from autotag_core.errors import InputError
from autotag_core.tables import Table, check_columns


def open_table(uri: str, version: int | None = None) -> DeltaTable:
    """The Delta table at the URI, at its newest version or the given one."""
    return DeltaTable(delta_uri(uri), version=version, storage_options=storage_options(uri))


def live_files(delta: DeltaTable, uri: str) -> list[str]:
    """URIs of the files that hold the rows of this version.

    They are below the URI as the caller wrote it. delta-rs encodes the table's own path, and that names no local file.
    """
    paths = pa.table(delta.get_add_actions(flatten=True))["path"].to_pylist()
    return [storage.join(uri, unquote(path)) for path in paths]


def read_rows(
    delta: DeltaTable, uri: str, table: Table, columns: Sequence[str] | None = None, where: pc.Expression | None = None
) -> pa.Table:
    """Rows of this version as Arrow, filtered while they are read. One AutotagError lists every wrong column."""
    check_columns(table, pa.schema(delta.schema().to_arrow()))
    files = live_files(delta, uri)
    schema = table.plain_schema
    if not files:
        rows = schema.empty_table()
        return rows.select(list(columns)) if columns else rows
    filesystem, scheme = _filesystem(uri)
    root = _path(uri, scheme)
    dataset = ds.dataset(
        [_path(file, scheme) for file in files],
        schema=schema,
        filesystem=filesystem,
        format="parquet",
        partitioning=ds.HivePartitioning(pa.schema([schema.field(name) for name in table.partition_by])),
        partition_base_dir=root,  # a folder above the table may be named like version=2
    )
    return dataset.to_table(columns=list(columns) if columns else None, filter=where)


def delta_uri(uri: str) -> str:
    """The URI as delta-rs takes it: s3:// for S3, a plain path for local."""
    if storage.is_s3(uri):
        return "s3://" + uri.partition("://")[2]
    return str(storage.local_path(uri))


def storage_options(uri: str) -> dict[str, str] | None:
    """delta-rs options from boto3's credential chain, so that profiles and roles work as everywhere else."""
    if not storage.is_s3(uri):
        return None
    try:
        session = boto3.session.Session()
        region = os.environ.get("AWS_REGION") or session.region_name or "us-east-1"
        credentials = session.get_credentials()
    except BotoCoreError as error:
        raise InputError(storage.explain(uri, error)) from None
    if credentials is None:
        raise InputError(storage.explain(uri, NoCredentialsError()))
    frozen = credentials.get_frozen_credentials()
    options = {
        "AWS_REGION": region,
        "AWS_ACCESS_KEY_ID": frozen.access_key or "",
        "AWS_SECRET_ACCESS_KEY": frozen.secret_key or "",
        "aws_conditional_put": "etag",
    }
    if frozen.token:
        options["AWS_SESSION_TOKEN"] = frozen.token
    endpoint = storage.endpoint_url()
    if endpoint:
        options |= {"AWS_ENDPOINT_URL": endpoint, "AWS_ALLOW_HTTP": str(endpoint.startswith("http:")).lower()}
    return options


def arrow_paths(uris: Sequence[str]) -> tuple[pafs.FileSystem, list[str]]:
    """Arrow's file system for files of one table, at least one, and their paths in it."""
    filesystem, scheme = _filesystem(uris[0])
    return filesystem, [_path(uri, scheme) for uri in uris]


def _filesystem(uri: str) -> tuple[pafs.FileSystem, str]:
    """Arrow's file system for a URI, and what to cut from the URI's front."""
    if not storage.is_s3(uri):
        return pafs.LocalFileSystem(), ""
    options = storage_options(uri) or {}
    endpoint = urlsplit(options.get("AWS_ENDPOINT_URL", ""))
    filesystem = pafs.S3FileSystem(
        access_key=options.get("AWS_ACCESS_KEY_ID"),
        secret_key=options.get("AWS_SECRET_ACCESS_KEY"),
        session_token=options.get("AWS_SESSION_TOKEN"),
        region=options["AWS_REGION"],
        scheme=endpoint.scheme or None,
        endpoint_override=endpoint.netloc or None,
    )
    return filesystem, uri.partition("://")[0] + "://"


def _path(uri: str, scheme: str) -> str:
    return uri.removeprefix(scheme) if scheme else str(storage.local_path(uri))

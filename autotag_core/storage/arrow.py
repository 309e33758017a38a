"""Files by URI as Arrow and delta-rs open them, with boto3's credentials."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, NoCredentialsError

from autotag_core.errors import InputError
from autotag_core.storage.explaining import explain
from autotag_core.storage.files import endpoint_url, is_anonymous, pays_requests
from autotag_core.storage.uris import is_s3, local_path

if TYPE_CHECKING:
    import pyarrow.fs as pafs

_PATIENCE = {"connect_timeout": "5s", "timeout": "30s", "retry_timeout": "60s"}
"""delta-rs asks again for a minute, and waits half a minute for each answer. Its default is three minutes a request."""


def storage_options(uri: str) -> dict[str, str] | None:
    """delta-rs options from boto3's credential chain, so that profiles and roles work as everywhere else."""
    if not is_s3(uri):
        return None
    import boto3  # takes half a second, which local files need not wait for

    try:
        session = boto3.session.Session()
        region = os.environ.get("AWS_REGION") or session.region_name or "us-east-1"
        credentials = None if is_anonymous() else session.get_credentials()
    except BotoCoreError as error:
        raise InputError(explain(uri, error)) from None
    options = {"AWS_REGION": region, "aws_conditional_put": "etag", **_PATIENCE}
    if is_anonymous():
        options["AWS_SKIP_SIGNATURE"] = "true"
    elif credentials is None:
        raise InputError(explain(uri, NoCredentialsError()))
    else:
        frozen = credentials.get_frozen_credentials()
        options |= {"AWS_ACCESS_KEY_ID": frozen.access_key or "", "AWS_SECRET_ACCESS_KEY": frozen.secret_key or ""}
        options |= {"AWS_SESSION_TOKEN": frozen.token} if frozen.token else {}
    if pays_requests():
        options["AWS_REQUEST_PAYER"] = "true"
    endpoint = endpoint_url()
    if endpoint:
        options |= {"AWS_ENDPOINT_URL": endpoint, "AWS_ALLOW_HTTP": str(endpoint.startswith("http:")).lower()}
    return options


def arrow_paths(uris: Sequence[str]) -> tuple[pafs.FileSystem, list[str]]:
    """Arrow's file system for files of one bucket, or local, at least one, and their paths in it."""
    filesystem, scheme = _filesystem(uris[0])
    return filesystem, [_path(uri, scheme) for uri in uris]


def _filesystem(uri: str) -> tuple[pafs.FileSystem, str]:
    """Arrow's file system for a URI, and what to cut from the URI's front."""
    import pyarrow.fs as pafs

    if not is_s3(uri):
        return pafs.LocalFileSystem(), ""
    scheme = uri.partition("://")[0] + "://"
    if pays_requests():
        from autotag_core.storage.payer import payer_filesystem

        return payer_filesystem(), scheme
    options = storage_options(uri) or {}
    endpoint = urlsplit(options.get("AWS_ENDPOINT_URL", ""))
    filesystem = pafs.S3FileSystem(
        access_key=options.get("AWS_ACCESS_KEY_ID"),
        secret_key=options.get("AWS_SECRET_ACCESS_KEY"),
        session_token=options.get("AWS_SESSION_TOKEN"),
        region=options["AWS_REGION"],
        scheme=endpoint.scheme or None,
        endpoint_override=endpoint.netloc or None,
        anonymous=is_anonymous(),
    )
    return filesystem, scheme


def _path(uri: str, scheme: str) -> str:
    return uri.removeprefix(scheme) if scheme else str(local_path(uri))

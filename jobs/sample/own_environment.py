"""The environment of a run on its own servers, without what the user has set for other servers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from autotag_core import storage

PREFIXES = ("AWS_", "ELASTICSEARCH_", "ES_", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS")
"""Beginnings of the variables by which boto3, Spark, delta-rs and the job itself find servers and credentials, and by
which the servers' own programs would start in another way."""
_NO_FILES = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}


@contextmanager
def own_environment() -> Iterator[None]:
    """Within the block there are no credentials, profiles or endpoints of the user. Afterwards they are as before.

    Enter it before the servers start, and set the variables of the servers inside. Otherwise those would be used
    together with, say, a profile that does not exist or the session token of another account.
    """
    before = _current()
    _replace(_NO_FILES)
    try:
        yield
    finally:
        _replace(before)


def _current() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith(PREFIXES)}


def _replace(variables: dict[str, str]) -> None:
    for name in _current():
        del os.environ[name]
    os.environ.update(variables)
    storage.files._s3_client.cache_clear()  # a client keeps what it found when it was made

"""What a user has set for other servers is not there while a run has servers of its own."""

from __future__ import annotations

import os

import boto3
import pytest

from autotag_core import storage
from autotag_core.search import read_credentials
from jobs.sample.own_environment import own_environment

THEIRS = {
    "AWS_SESSION_TOKEN": "token",
    "AWS_PROFILE": "there-is-no-such-profile",
    "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9",
    "AWS_SKIP_SIGNATURE": "true",
    "ELASTICSEARCH_API_KEY": "key",
    "ELASTICSEARCH_USERNAME": "somebody",
    "ES_PATH_CONF": "/etc/elasticsearch",
    "_JAVA_OPTIONS": "-Xmx1m",
}


def test_nothing_leads_to_other_servers_inside_and_all_is_as_before_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in THEIRS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_REGION", raising=False)
    before = dict(os.environ)
    with own_environment():
        assert not THEIRS.keys() & os.environ.keys()
        os.environ["AWS_REGION"] = "us-east-1"
        assert boto3.session.Session().get_credentials() is None, "no profile, no file, no instance role"
        assert storage.endpoint_url() is None
        assert read_credentials() == read_credentials({})
    assert dict(os.environ) == before


def test_a_client_made_before_is_not_used_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "theirs")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "theirs")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    storage.files._s3_client.cache_clear()
    assert storage.s3_client().meta.endpoint_url == "http://127.0.0.1:9"
    with own_environment():
        os.environ.update(AWS_ENDPOINT_URL="http://127.0.0.1:10", AWS_DEFAULT_REGION="us-east-1")
        assert storage.s3_client().meta.endpoint_url == "http://127.0.0.1:10"
    assert storage.s3_client().meta.endpoint_url == "http://127.0.0.1:9"
    storage.files._s3_client.cache_clear()

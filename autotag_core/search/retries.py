"""Waits for an Elasticsearch that is busy: exponential backoff with full jitter."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from elastic_transport import ConnectionTimeout, TransportError
from elasticsearch import ApiError, Elasticsearch

from autotag_core import outages
from autotag_core.config import ElasticsearchConfig
from autotag_core.errors import AutotagError, InputError, OutageError
from autotag_core.search.client import explain, is_from_elasticsearch, is_transient

T = TypeVar("T")


def wait(attempt: int, config: ElasticsearchConfig) -> None:
    """Sleep after failed try n = `attempt`, from 1: uniform in 0..min(max_backoff_s, initial_backoff_s 2^(n - 1)).

    Without full jitter, writers that were refused together would come back together
    (Brooker 2015, "Exponential Backoff And Jitter").
    """
    time.sleep(random.uniform(0, min(config.max_backoff_s, config.initial_backoff_s * 2 ** (attempt - 1))))


def ask(client: Elasticsearch) -> None:
    """OutageError where Elasticsearch does not answer one request within ten seconds, or only that it can't now.

    Any other answer will do, also one that refuses.
    """
    try:
        client.options(request_timeout=10).info()
    except (ApiError, TransportError) as error:
        if is_transient(error):
            raise OutageError(explain(client, error)) from None


def with_retries(
    client: Elasticsearch,
    config: ElasticsearchConfig,
    call: Callable[[], T],
    unreachable: type[AutotagError] = OutageError,
) -> T:
    """What `call` returns, tried up to config.attempts times. It is for the driver's requests, which can be repeated.

    A transient failure that lasts, or takes longer than OUTAGE_S, is an OutageError (`unreachable` where no connection
    was made at all). A refused credential, or an address without Elasticsearch, is an InputError. What Elasticsearch
    itself refuses (400, 404, ...) is raised as it comes.
    """
    attempt, end = 1, time.monotonic() + outages.OUTAGE_S
    while True:
        try:
            return call()
        except (ApiError, TransportError) as error:
            if not is_transient(error):
                if is_from_elasticsearch(error) and getattr(error, "status_code", 0) not in (401, 403):
                    raise
                raise InputError(explain(client, error)) from None
            if attempt >= config.attempts or time.monotonic() > end:
                kind = OutageError if isinstance(error, ApiError | ConnectionTimeout) else unreachable
                raise kind(f"{explain(client, error)}; tries: {attempt}") from None
        wait(attempt, config)
        attempt += 1

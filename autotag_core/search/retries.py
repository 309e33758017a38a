"""Waits for an Elasticsearch that is busy: exponential backoff with full jitter."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from elastic_transport import TransportError
from elasticsearch import ApiError, Elasticsearch

from autotag_core.config import ElasticsearchConfig
from autotag_core.errors import AutotagError, InputError, NotPublishedError
from autotag_core.search.client import explain, is_from_elasticsearch, is_transient

T = TypeVar("T")


def wait(attempt: int, config: ElasticsearchConfig) -> None:
    """Sleep after failed try n = `attempt`, from 1: uniform in 0..min(max_backoff_s, initial_backoff_s 2^(n - 1)).

    Without full jitter, writers that were refused together would come back together
    (Brooker 2015, "Exponential Backoff And Jitter").
    """
    time.sleep(random.uniform(0, min(config.max_backoff_s, config.initial_backoff_s * 2 ** (attempt - 1))))


def with_retries(
    client: Elasticsearch,
    config: ElasticsearchConfig,
    call: Callable[[], T],
    unreachable: type[AutotagError] = NotPublishedError,
) -> T:
    """What `call` returns, tried up to config.attempts times. It is for the driver's requests, which can be repeated.

    A transient failure that lasts is a NotPublishedError (`unreachable` where there was no answer at all). A refused
    credential, or an address without Elasticsearch, is an InputError. What Elasticsearch itself refuses (400, 404, ...)
    is raised as it comes.
    """
    attempt = 1
    while True:
        try:
            return call()
        except (ApiError, TransportError) as error:
            if not is_transient(error):
                if is_from_elasticsearch(error) and getattr(error, "status_code", 0) not in (401, 403):
                    raise
                raise InputError(explain(client, error)) from None
            if attempt >= config.attempts:
                kind = NotPublishedError if isinstance(error, ApiError) else unreachable
                raise kind(f"{explain(client, error)}; tries: {attempt}") from None
        wait(attempt, config)
        attempt += 1

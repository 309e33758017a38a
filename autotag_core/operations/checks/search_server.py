"""Checks of Elasticsearch: version, health, clock, and every right that a night needs, by really using it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from elasticsearch import ApiError, AuthorizationException, Elasticsearch, TransportError

from autotag_core import search
from autotag_core.config import ElasticsearchConfig
from autotag_core.errors import AutotagError
from autotag_core.operations.checks.finding import ERROR, OK, WARNING, Finding
from autotag_core.operations.checks.stores import clock_finding
from autotag_core.search.client import explain

OLDEST, NEWEST = (8, 0), (9, 99)
"""Servers that the installed client speaks to."""


def check_search(url: str, alias: str, config: ElasticsearchConfig) -> Iterator[Finding]:
    """Version, health, clock and rights. AutotagError in one line for the first that can't be asked."""
    with search.elasticsearch_client(url, config, search.read_credentials()) as client:
        search.check_alias(client, alias, config)
        try:
            yield from _asked(client)
            yield from _check_rights(client, alias, config)
        except (ApiError, TransportError) as error:
            raise AutotagError(explain(client, error)) from None


def _asked(client: Elasticsearch) -> Iterator[Finding]:
    """Version, health and clock. A night does not ask for them, so credentials that may not are no error."""
    try:
        yield from _check_server(client)
    except AuthorizationException as error:
        advice = "the cluster privilege `monitor` lets the doctor ask"
        yield Finding("search", WARNING, f"its version and health can't be asked: {explain(client, error)}", advice)


def _check_server(client: Elasticsearch) -> Iterator[Finding]:
    before = time.time()
    found = client.nodes.info(metric="_none")["nodes"]
    versions = sorted({node["version"] for node in found.values()})
    numbers = [tuple(int(part) for part in version.split("-")[0].split(".")[:2]) for version in versions]
    if all(OLDEST <= number <= NEWEST for number in numbers):
        yield Finding("search", OK, f"Elasticsearch {', '.join(versions)}, {len(found)} node(s)")
    else:
        yield Finding("search", ERROR, f"Elasticsearch {', '.join(versions)}", "8 or 9 is needed")
    health = client.cluster.health()
    if health["status"] == "red":
        yield Finding("search", ERROR, "its health is red: shards are missing", "see GET _cluster/health")
    stats = client.cluster.stats()
    yield clock_finding("Elasticsearch", stats["timestamp"] / 1000, before, time.time())
    yield from _check_disk(stats)


def _check_disk(stats: Any) -> Iterator[Finding]:
    disk = stats["nodes"]["fs"]
    total, free = disk.get("total_in_bytes", 0), disk.get("available_in_bytes", 0)
    if total and free / total < 0.15:  # at 85% Elasticsearch no longer gives a node new shards
        said = f"{free / 2**30:.1f} GiB, {free / total:.0%} of its disks are free"
        yield Finding("search", WARNING, said, "below 15% it takes no new index")


def _check_rights(client: Elasticsearch, alias: str, config: ElasticsearchConfig) -> Iterator[Finding]:
    """An index is made, filled, counted, put behind an alias of its own, taken off it and deleted."""
    run_id = f"doctor-{os.urandom(4).hex()}"
    name = search.create_index(client, alias, run_id, config)
    probe = f"{alias}-{run_id}-alias"
    try:
        client.index(index=name, id="probe", document={"gif_id": "probe"})
        if search.finish_index(client, name, config) != 1:
            said = f"index {name}: a document that was written is not found"
            yield Finding("search rights", ERROR, said, "check the cluster")
        client.indices.update_aliases(actions=[{"add": {"index": name, "alias": probe}}])
        client.indices.update_aliases(actions=[{"remove": {"index": name, "alias": probe}}])
        client.indices.delete(index=name)
    except BaseException:
        with suppress(ApiError, TransportError):
            client.indices.delete(index=name)
        raise
    yield Finding("search rights", OK, f"{name} was made, filled, counted, aliased and deleted")

"""Checks of Elasticsearch: version, health, clock, and every right that a night needs, by really using it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress

from elasticsearch import ApiError, AuthorizationException, Elasticsearch, TransportError

from autotag_core import search, storage
from autotag_core.config import ElasticsearchConfig
from autotag_core.errors import AutotagError
from autotag_core.operations.checks.finding import ERROR, OK, WARNING, Finding
from autotag_core.operations.checks.stores import clock_finding
from autotag_core.search import Owner
from autotag_core.search.client import explain, explained
from autotag_core.search.mapping import filling_settings, serving_settings

VERSIONS = (8, 9)
"""Servers that the installed client speaks to."""


def check_search(url: str, alias: str, config: ElasticsearchConfig, warehouse: str | None = None) -> Iterator[Finding]:
    """Version, health, clock and rights, and whether the alias shows this warehouse, where one is given.

    AutotagError in one line for the first that can't be asked.
    """
    with search.elasticsearch_client(url, config, search.read_credentials()) as client:
        if warehouse is not None:
            search.check_alias(client, Owner(alias, storage.absolute(warehouse)), config)
        with explained(client, AutotagError):
            yield from _asked(client)
            yield from _check_rights(client, alias, config)


def _asked(client: Elasticsearch) -> Iterator[Finding]:
    """Version, health and clock. A night does not ask for them, so credentials that may not are no error."""
    try:
        yield from _check_server(client)
    except AuthorizationException as error:
        advice = "the cluster privilege `monitor` lets the doctor ask"
        yield Finding("search", WARNING, f"its version and health can't be asked: {explain(client, error)}", advice)


def _check_server(client: Elasticsearch) -> Iterator[Finding]:
    before = time.time()
    stats = client.cluster.stats()
    after, nodes = time.time(), stats["nodes"]
    said = f"Elasticsearch {', '.join(nodes['versions'])}, {nodes['count']['total']} node(s)"
    if all(int(version.partition(".")[0]) in VERSIONS for version in nodes["versions"]):
        yield Finding("search", OK, said)
    else:
        yield Finding("search", ERROR, said, f"version {' or '.join(map(str, VERSIONS))} is needed")
    health = client.cluster.health()
    if health["status"] == "red":
        yield Finding("search", ERROR, "its health is red: shards are missing", "see GET _cluster/health")
    yield clock_finding("Elasticsearch", stats["timestamp"] / 1000, before, after)
    yield from _check_disk(nodes["fs"])


def _check_disk(disk: dict[str, int]) -> Iterator[Finding]:
    total, free = disk.get("total_in_bytes", 0), disk.get("available_in_bytes", 0)
    if total and free / total < 0.15:  # at 85% Elasticsearch no longer gives a node new shards
        said = f"{free / 2**30:.1f} GiB, {free / total:.0%} of its disks are free"
        yield Finding("search", WARNING, said, "below 15% it takes no new index")


def _check_rights(client: Elasticsearch, alias: str, config: ElasticsearchConfig) -> Iterator[Finding]:
    """An index is made, filled, counted, put behind an alias of its own, taken off it and deleted."""
    name = f"{alias}-doctor-{os.urandom(4).hex()}"
    probe = f"{name}-alias"
    client.indices.create(index=name, settings=filling_settings(config), mappings={"_meta": {"made_by": "doctor"}})
    try:
        client.index(index=name, id="probe", document={"gif_id": "probe"})
        client.indices.put_settings(index=name, settings=serving_settings(config))
        client.indices.refresh(index=name)
        num_found = client.count(index=name)["count"]
        client.indices.update_aliases(actions=[{"add": {"index": name, "alias": probe}}])
        client.indices.update_aliases(actions=[{"remove": {"index": name, "alias": probe}}])
        client.indices.delete(index=name)
    except BaseException:
        with suppress(ApiError, TransportError):
            client.indices.delete(index=name)
        raise
    if num_found == 1:
        yield Finding("search rights", OK, f"{name} was made, filled, counted, aliased and deleted")
    else:
        said = f"{name}: one document was written, {num_found} were counted"
        yield Finding("search rights", ERROR, said, "check the health of the cluster")

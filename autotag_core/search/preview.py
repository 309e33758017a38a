"""What Elasticsearch would make of a night's new index, asked before any work: templates, shards, blocks, its name."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any, TypeVar

from elasticsearch import ApiError, Elasticsearch

from autotag_core.config import ElasticsearchConfig
from autotag_core.errors import InputError
from autotag_core.search.aliases import at_start
from autotag_core.search.client import explained
from autotag_core.search.retries import with_retries

T = TypeVar("T")
_CLUSTER = ["*.cluster.max_shards_per_node", "*.cluster.blocks"]


def check_template(client: Elasticsearch, index: str, alias: str, config: ElasticsearchConfig) -> None:
    """InputError where an index template would spoil an index of this name.

    It may make it a data stream, show it to readers of the alias while it fills, or let it take no documents. Not
    asked where the credentials may not look at templates.
    """
    found = _asked(client, config, lambda: client.indices.simulate_index_template(name=index).body)
    if found is None:
        return
    template = found.get("template") or _older_template(client, index, config)
    where = f"Elasticsearch: an index template matches {index}"
    remedy = "choose another --index, or change the template"
    if "_data_stream_timestamp" in template.get("mappings", {}):
        raise InputError(f"{where} and makes data streams, which hold no search documents: {remedy}")
    if alias in template.get("aliases", {}):
        raise InputError(f"{where} and gives it the alias {alias!r}, so readers would see it while it fills: {remedy}")
    blocks = template.get("settings", {}).get("index", {}).get("blocks", {})
    if blocked := sorted(name for name, value in blocks.items() if str(value) == "true"):
        raise InputError(f"{where} and sets index.blocks.{blocked[0]}, so it takes no documents: {remedy}")


def check_room(client: Elasticsearch, config: ElasticsearchConfig) -> None:
    """InputError where the cluster has no room for the shards of one more index, or is read-only.

    Not asked where the credentials may not look at the cluster.
    """
    settings = _asked(
        client, config, lambda: client.cluster.get_settings(include_defaults=True, filter_path=_CLUSTER).body
    )
    health = _asked(client, config, lambda: client.cluster.health().body)
    if settings is None or health is None:
        return
    in_force = [settings.get(kind, {}).get("cluster", {}) for kind in ("defaults", "persistent", "transient")]
    blocks = {name: value for found in in_force for name, value in found.get("blocks", {}).items()}
    if blocked := sorted(name for name, value in blocks.items() if str(value) == "true"):
        raise InputError(f"Elasticsearch: the cluster setting cluster.blocks.{blocked[0]} is true: set it to false")
    # beside a value that was set, the default is a section with the limit of another kind of node
    limits = [found["max_shards_per_node"] for found in in_force if "max_shards_per_node" in found]
    limit = next((int(value) for value in reversed(limits) if not isinstance(value, dict)), None)
    needed = config.shards * (1 + config.replicas)
    names = ("active_shards", "initializing_shards", "unassigned_shards")
    used, nodes = sum(health[name] for name in names), health["number_of_data_nodes"]
    if limit is not None and used + needed > limit * nodes:
        raise InputError(
            f"Elasticsearch: a new index needs {needed} shards (elasticsearch.shards and replicas), and the cluster "
            f"has {used} of at most {limit * nodes}: delete indexes, or raise cluster.max_shards_per_node"
        )


def _older_template(client: Elasticsearch, index: str, config: ElasticsearchConfig) -> dict[str, Any]:
    """Templates of the older kind that match, as one. They count where none of the newer kind matches."""
    found = _asked(client, config, lambda: client.indices.get_template().body) or {}
    merged: dict[str, Any] = {"aliases": {}, "settings": {"index": {"blocks": {}}}}
    for template in sorted(found.values(), key=lambda template: template.get("order", 0)):
        if any(fnmatchcase(index, pattern) for pattern in template["index_patterns"]):
            merged["aliases"] |= template.get("aliases", {})
            blocks = template.get("settings", {}).get("index", {}).get("blocks", {})
            merged["settings"]["index"]["blocks"] |= blocks
    return merged


def _asked(client: Elasticsearch, config: ElasticsearchConfig, call: Callable[[], T]) -> T | None:
    """What the call gives. None where that needs rights that the credentials lack; they need none to publish."""

    def answered() -> T | None:
        try:
            return call()
        except ApiError as error:
            if error.status_code in (403, 404, 405):  # no right, or a server that keeps this to itself
                return None
            raise

    with explained(client):
        return with_retries(client, at_start(config), answered, unreachable=InputError)

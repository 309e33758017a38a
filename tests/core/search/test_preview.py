"""What Elasticsearch would refuse after a whole night is said at its start."""

from __future__ import annotations

import uuid
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from elasticsearch import BadRequestError, Elasticsearch

from autotag_core.config import ElasticsearchConfig
from autotag_core.errors import InputError
from autotag_core.search import check_room, check_template, elasticsearch_client

pytestmark = pytest.mark.integration
ON_BOTH = pytest.mark.parametrize("server", ["elasticsearch", "elasticsearch_9"], indirect=True)


@pytest.fixture
def server(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(getattr(request, "param", "elasticsearch")))


@pytest.fixture
def client(server: str, config: ElasticsearchConfig) -> Iterator[Elasticsearch]:
    with elasticsearch_client(server, config) as client:
        yield client


@pytest.fixture
def alias(client: Elasticsearch) -> Iterator[str]:
    """An alias; a template of its name goes after the test."""
    name = f"gifs{uuid.uuid4().hex[:8]}"
    yield name
    for path in (f"/_index_template/{name}", f"/_template/{name}"):
        client.options(ignore_status=404).perform_request("DELETE", path, headers={"accept": "application/json"})


@ON_BOTH
@pytest.mark.parametrize(
    ("template", "said"),
    [
        ({"data_stream": {}}, "makes data streams, which hold no search documents: choose another --index, or change"),
        ({"template": {"aliases": {"ALIAS": {}}}}, "gives it the alias 'gifs"),
        ({"template": {"settings": {"index.blocks.write": True}}}, r"sets index\.blocks\.write, so it takes no doc"),
    ],
)
def test_a_template_that_would_spoil_the_index_is_said(
    template: dict[str, Any], said: str, client: Elasticsearch, alias: str, config: ElasticsearchConfig
) -> None:
    check_template(client, f"{alias}-run", alias, config)
    aliases = {alias: {}} if "aliases" in template.get("template", {}) else {}
    body = template | ({"template": {"aliases": aliases}} if aliases else {})
    client.indices.put_index_template(name=alias, index_patterns=[f"{alias}-*"], priority=500, **body)
    with pytest.raises(InputError, match=said) as caught:
        check_template(client, f"{alias}-run", alias, config)
    assert f"an index template matches {alias}-run" in str(caught.value)


def test_a_template_of_the_older_kind_counts_where_no_newer_one_matches(
    client: Elasticsearch, alias: str, config: ElasticsearchConfig
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        client.indices.put_template(name=alias, index_patterns=[f"{alias}-*"], aliases={alias: {}})
    with pytest.raises(InputError, match=f"gives it the alias '{alias}', so readers would see it while it fills"):
        check_template(client, f"{alias}-run", alias, config)
    client.indices.put_index_template(name=alias, index_patterns=[f"{alias}-*"], priority=500)
    check_template(client, f"{alias}-run", alias, config)


def test_a_template_that_only_adds_settings_and_fields_is_none_of_our_business(
    client: Elasticsearch, alias: str, config: ElasticsearchConfig
) -> None:
    template = {
        "aliases": {"all-indexes": {}},
        "settings": {"number_of_shards": 3, "index.blocks.write": False},
        "mappings": {"properties": {"gif_id": {"type": "long"}}},
    }
    client.indices.put_index_template(name=alias, index_patterns=[f"{alias}-*"], priority=500, template=template)
    check_template(client, f"{alias}-run", alias, config)


@ON_BOTH
def test_shards_that_the_cluster_has_no_room_for_are_counted_with_their_replicas(
    client: Elasticsearch, alias: str, config: ElasticsearchConfig
) -> None:
    health = client.cluster.health()
    used = health["active_shards"] + health["unassigned_shards"]
    try:
        client.cluster.put_settings(persistent={"cluster.max_shards_per_node": used + 3})
        check_room(client, config.model_copy(update={"shards": 1, "replicas": 2}))
        check_room(client, config.model_copy(update={"shards": 3, "replicas": 0}))
        too_many = config.model_copy(update={"shards": 2, "replicas": 1})
        said = f"needs 4 shards .* and the cluster has {used} of at most {used + 3}: delete indexes, or raise"
        with pytest.raises(InputError, match=said):
            check_room(client, too_many)
        with pytest.raises(BadRequestError, match=r"this action would add \[4\] shards"):  # Elasticsearch counts alike
            client.indices.create(index=f"{alias}-run", settings={"number_of_shards": 2, "number_of_replicas": 1})
    finally:
        client.cluster.put_settings(persistent={"cluster.max_shards_per_node": None})


def test_a_cluster_that_takes_no_writes_is_said(client: Elasticsearch, config: ElasticsearchConfig) -> None:
    check_room(client, config)
    try:
        client.cluster.put_settings(persistent={"cluster.blocks.read_only_allow_delete": True})
        with pytest.raises(InputError, match=r"cluster\.blocks\.read_only_allow_delete is true: set it to false"):
            check_room(client, config)
    finally:
        client.cluster.put_settings(persistent={"cluster.blocks.read_only_allow_delete": None})


def test_credentials_that_may_not_look_at_templates_and_cluster_may_still_publish(
    answering: Any, config: ElasticsearchConfig
) -> None:
    headers = {"content-type": "application/json", "x-elastic-product": "Elasticsearch"}
    url, seen = answering(403, headers, b'{"error": {"type": "security_exception", "reason": "is unauthorized"}}')
    with elasticsearch_client(url, config) as client:
        check_room(client, config)
        check_template(client, "gifs-run", "gifs", config)
    assert len(seen) == 3, "the cluster's settings, its health, and the templates"

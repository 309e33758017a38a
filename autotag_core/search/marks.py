"""What this job writes on its own indexes: who made it, for which alias and warehouse, and whose documents it holds."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from elasticsearch import Elasticsearch, NotFoundError

from autotag_core.config import ElasticsearchConfig
from autotag_core.search.mapping import PROPERTIES
from autotag_core.search.retries import with_retries

_KEY = "autotag"


@dataclass(frozen=True)
class Owner:
    """Whose index it is. One alias shows the releases of one warehouse."""

    alias: str
    warehouse: str
    """URI of the warehouse, absolute."""


@dataclass(frozen=True)
class Mark:
    """The mark of one index, in its mapping's `_meta`. An index without one is never changed or deleted."""

    alias: str
    run_id: str
    """The run that made it."""
    form: str
    """The form of its mapping and number of shards. Documents of another form need a new index."""
    published: bool = False
    """Whether an alias was moved to it."""
    holds: str | None = None
    """The release whose documents it holds, all of them and no others. None until that is published."""
    warehouse: str | None = None
    """URI of the warehouse whose release that is. None in a mark of an earlier version."""

    def is_of(self, owner: Owner) -> bool:
        """Whether the index was made for this alias and warehouse."""
        return (self.alias, self.warehouse) == (owner.alias, owner.warehouse)


def index_form(config: ElasticsearchConfig) -> str:
    """A fingerprint of the mapping and settings of an index of this version and config."""
    return hashlib.sha256(json.dumps([PROPERTIES, config.shards], sort_keys=True).encode()).hexdigest()[:16]


def new_mark(owner: Owner, run_id: str, config: ElasticsearchConfig) -> Mark:
    """The mark of an index that this run makes."""
    return Mark(owner.alias, run_id, index_form(config), warehouse=owner.warehouse)


def as_meta(mark: Mark) -> dict[str, Any]:
    """The mark as the `_meta` of a mapping."""
    return {_KEY: asdict(mark)}


def from_mappings(mappings: dict[str, Any]) -> Mark | None:
    """The mark in an index's mappings. None: the index is somebody else's."""
    values = mappings.get("_meta", {}).get(_KEY)
    if not isinstance(values, dict) or not {"alias", "run_id"} <= values.keys():
        return None
    known = {name: values[name] for name in Mark.__dataclass_fields__ if name in values}
    return Mark(**{"form": "", **known})


def read_mark(client: Elasticsearch, index: str, config: ElasticsearchConfig) -> Mark | None:
    """The mark of an index. None if the index is gone or somebody else's."""
    try:
        answer = with_retries(client, config, lambda: client.indices.get_mapping(index=index))
    except NotFoundError:
        return None
    return from_mappings(next(iter(answer.values()))["mappings"])


def change_mark(client: Elasticsearch, index: str, config: ElasticsearchConfig, **changes: Any) -> None:
    """Write an index's mark again with these fields changed. Does nothing where there is no mark."""
    mark = read_mark(client, index, config)
    if mark is not None:
        write_mark(client, index, config, replace(mark, **changes))


def write_mark(client: Elasticsearch, index: str, config: ElasticsearchConfig, mark: Mark) -> None:
    """Give an index this mark."""
    with_retries(client, config, lambda: client.indices.put_mapping(index=index, meta=as_meta(mark)))

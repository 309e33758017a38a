"""One index per run: made empty or as a copy, filled or changed, finished, and counted before anybody reads it."""

from __future__ import annotations

from typing import Any

from elasticsearch import ApiError, BadRequestError, Elasticsearch

from autotag_core.config import ElasticsearchConfig
from autotag_core.errors import InputError, NotPublishedError
from autotag_core.search.client import explain, explained
from autotag_core.search.mapping import copying_settings, filling_settings, mappings, serving_settings
from autotag_core.search.marks import Owner, as_meta, new_mark, read_mark, write_mark
from autotag_core.search.retries import with_retries

FORBIDDEN = ' \\/*?"<>|,#:'
MAX_NAME_BYTES = 255


def index_name(alias: str, run_id: str) -> str:
    """<alias>-<run_id in lower case>. InputError where Elasticsearch would not take it."""
    return check_name(f"{check_name(alias)}-{run_id.lower()}")


def check_name(name: str) -> str:
    """The name, if Elasticsearch takes it for an index or alias. Else InputError says which rule it breaks."""
    problem = None
    if name != name.lower():
        problem = "it must be lower case"
    elif not name or name[0] in "-_+.":
        problem = "it must not be empty or begin with - _ + or ."
    elif any(letter in FORBIDDEN or not letter.isprintable() for letter in name):
        problem = f"it must not hold a space or any of {FORBIDDEN.strip()}"
    elif len(name.encode()) > MAX_NAME_BYTES:
        problem = f"it has {len(name.encode())} bytes, at most {MAX_NAME_BYTES} are allowed"
    if problem:
        raise InputError(f"Elasticsearch index or alias {name!r}: {problem}")
    return name


def create_index(client: Elasticsearch, owner: Owner, run_id: str, config: ElasticsearchConfig) -> str:
    """Make this run's empty index and return its name. InputError if another index has that name."""
    name = index_name(owner.alias, run_id)
    body = mappings(as_meta(new_mark(owner, run_id, config)))

    def create() -> Any:
        return client.indices.create(index=name, settings=filling_settings(config), mappings=body)

    try:
        answer = with_retries(client, config, create)
    except BadRequestError as error:
        # when the answer was lost, a repeated create finds its own index
        if "resource_already_exists" not in error.message or not _is_empty(client, name, owner, run_id, config):
            raise InputError(explain(client, error)) from None
        return name
    except ApiError as error:
        raise InputError(explain(client, error)) from None
    if not answer["shards_acknowledged"]:
        raise NotPublishedError(
            f"index {name}: no node takes its shards: check disk space and the health of the cluster"
        )
    return name


def _is_empty(client: Elasticsearch, name: str, owner: Owner, run_id: str, config: ElasticsearchConfig) -> bool:
    if read_mark(client, name, config) != new_mark(owner, run_id, config):
        return False
    with_retries(client, config, lambda: client.indices.refresh(index=name))
    return count(client, name, config) == 0


def copy_index(client: Elasticsearch, source: str, owner: Owner, run_id: str, config: ElasticsearchConfig) -> str:
    """Make this run's index as a copy of one that readers may be on; gives its name.

    Elasticsearch links the files of the source where the file system can, so a copy costs next to nothing. The source
    takes no documents any more. NotPublishedError where Elasticsearch makes no copy.
    """
    name = index_name(owner.alias, run_id)
    settings = copying_settings()
    try:
        with_retries(client, config, lambda: client.indices.add_block(index=source, block="write"))
        with_retries(client, config, lambda: client.indices.clone(index=source, target=name, settings=settings))
    except ApiError as error:
        # when the answer was lost, a repeated request finds the copy; nobody else has the name of this run
        if "resource_already_exists" not in error.message:
            raise NotPublishedError(explain(client, error)) from None
    write_mark(client, name, config, new_mark(owner, run_id, config))
    return name


def finish_index(client: Elasticsearch, index: str, config: ElasticsearchConfig) -> int:
    """Restore the settings for serving, refresh, and return the exact number of documents.

    NotPublishedError if the index was deleted while it filled. The next bulk request then makes an index of that name
    with guessed types, and its count may even be right.
    """
    if read_mark(client, index, config) is None:
        raise NotPublishedError(f"index {index} was deleted while it was being filled: start the run again")
    with explained(client, NotPublishedError):
        with_retries(
            client, config, lambda: client.indices.put_settings(index=index, settings=serving_settings(config))
        )
    return count_refreshed(client, index, config)


def count_refreshed(client: Elasticsearch, index: str, config: ElasticsearchConfig) -> int:
    """Make all that was written visible to searches, and return the exact number of documents."""
    with explained(client, NotPublishedError):
        refreshed = with_retries(client, config, lambda: client.indices.refresh(index=index))
    _check_shards(index, refreshed["_shards"])
    return count(client, index, config)


def is_finished(client: Elasticsearch, index: str, config: ElasticsearchConfig) -> bool:
    """Whether `finish_index` was called for an index that exists."""
    answer = with_retries(client, config, lambda: client.indices.get_settings(index=index))
    return bool(answer[index]["settings"]["index"].get("refresh_interval") != "-1")


def count(client: Elasticsearch, index: str, config: ElasticsearchConfig) -> int:
    """Number of documents that a search can see. Tags are parts of their documents and are not counted."""
    with explained(client, NotPublishedError):
        answer = with_retries(client, config, lambda: client.count(index=index))
    _check_shards(index, answer["_shards"])
    return int(answer["count"])


def _check_shards(index: str, shards: dict[str, Any]) -> None:
    if shards["failed"]:
        raise NotPublishedError(f"index {index}: {shards['failed']} of {shards['total']} shards did not answer")


def check_count(num_found: int, num_documents: int, num_refused: int, config: ElasticsearchConfig) -> None:
    """NotPublishedError unless the index holds every document that was not refused, and few enough were refused.

    num_found: what `finish_index` counted; num_documents: rows of the table. After the error the alias stays where it
    is. The new index is kept for people to look at, until the next published run deletes it.
    """
    expected = num_documents - num_refused
    if num_found != expected:
        raise NotPublishedError(
            f"Elasticsearch holds {num_found:,} documents where {expected:,} belong "
            f"({num_documents:,} in the table, {num_refused:,} refused)"
        )
    if num_refused > config.max_refused_share * num_documents:
        raise NotPublishedError(
            f"Elasticsearch refused {num_refused:,} of {num_documents:,} documents, more than "
            f"elasticsearch.max_refused_share={config.max_refused_share:g} allows: "
            "see stage search_documents in failures"
        )

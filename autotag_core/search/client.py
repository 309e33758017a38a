"""A client of Elasticsearch, and one line for each of its errors that says what to fix."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from elastic_transport import ConnectionError as ElasticConnectionError
from elastic_transport import ConnectionTimeout, TextSerializer, TlsError, TransportError
from elasticsearch import ApiError, Elasticsearch, UnsupportedProductError

from autotag_core.config import ElasticsearchConfig
from autotag_core.errors import AutotagError, InputError
from autotag_core.search.credentials import CA_CERTS, HOW_TO_SET, ElasticsearchCredentials

MAX_REASON = 500


def elasticsearch_client(
    url: str,
    config: ElasticsearchConfig,
    credentials: ElasticsearchCredentials | None = None,
    connections: int = 10,
) -> Elasticsearch:
    """A client for the URL. It sends nothing yet; close it after use. InputError for a URL that can't be right.

    At most `connections` requests are under way at once; further ones wait.

    Its transport never retries, since it would not pause. `with_retries` and `bulk_index` wait between tries.
    """
    check_url(url)
    credentials = credentials or ElasticsearchCredentials()
    options: dict[str, Any] = {}
    if credentials.api_key:
        key_id, separator, secret = credentials.api_key.partition(":")
        options["api_key"] = (key_id, secret) if separator else credentials.api_key
    elif credentials.username and credentials.password:
        options["basic_auth"] = (credentials.username, credentials.password)
    if credentials.ca_certificates and url.startswith("https:"):
        options["ssl_context"] = ssl.create_default_context(cadata=credentials.ca_certificates)
    return Elasticsearch(
        url,
        request_timeout=config.timeout_s,
        connections_per_node=connections,
        max_retries=0,
        retry_on_timeout=False,
        serializers={"application/*": TextSerializer()},  # a load balancer's 503 in XML is a 503
        **options,
    )


def check_url(url: str) -> None:
    """InputError unless the URL is http(s)://host:port[/path]. A URL that could hold a credential is never repeated."""
    if "@" in url:
        raise InputError(f"the Elasticsearch URL holds a user name or password: take them out and {HOW_TO_SET}")
    if "?" in url or "#" in url:
        raise InputError("the Elasticsearch URL holds ? or #: write http(s)://host:port or http(s)://host:port/path")
    try:
        parts = urlsplit(url)
        complete = parts.scheme in ("http", "https") and parts.hostname and parts.port
    except ValueError:
        complete = False
    if not complete:
        raise InputError(f"Elasticsearch URL {url!r}: write http(s)://host:port, for example http://localhost:9200")


def server_url(client: Elasticsearch) -> str:
    """Where the client sends its requests. It holds no credential."""
    return str(client.transport.node_pool.get().base_url)


def is_transient(error: Exception) -> bool:
    """Whether the same request may work a little later: 408, 429, any 5xx, a cut connection, a broken answer."""
    if isinstance(error, ApiError):
        return is_transient_status(error.status_code)
    return not isinstance(error, TlsError)


def is_transient_status(status: int) -> bool:
    """408, 429 and every 5xx: the server's state, not the request, is at fault."""
    return status in (408, 429) or status >= 500


def is_from_elasticsearch(error: Exception) -> bool:
    """Whether Elasticsearch itself gave this answer, and not another server at that address."""
    return (
        isinstance(error, ApiError)
        and not isinstance(error, UnsupportedProductError)
        and error.meta.headers.get("x-elastic-product") == "Elasticsearch"
    )


@contextmanager
def explained(client: Elasticsearch, kind: type[AutotagError] = InputError) -> Iterator[None]:
    """Errors of the client in the block become errors of this kind, in one line by `explain`."""
    try:
        yield
    except (ApiError, TransportError) as error:
        raise kind(explain(client, error)) from None


def explain(client: Elasticsearch, error: Exception) -> str:
    """One line that says what is wrong and what to fix. It holds no credential, nor the name one belongs to."""
    where = f"Elasticsearch at {server_url(client)}"
    if isinstance(error, ApiError) and not isinstance(error, UnsupportedProductError):
        return _explain_answer(where, error)
    if isinstance(error, UnsupportedProductError):
        return f"{where}: what answers there is not Elasticsearch: check the URL"
    if isinstance(error, TlsError):
        return (
            f"{where}: no trusted TLS connection: set {CA_CERTS} to the CA bundle, or check the scheme ({_root(error)})"
        )
    if isinstance(error, ConnectionTimeout):
        return f"{where}: no answer in time: check the URL and that the server is up, or raise elasticsearch.timeout_s"
    if isinstance(error, ElasticConnectionError):
        return (
            f"{where}: not reachable: check scheme, host and port of the URL and that the server is up ({_root(error)})"
        )
    return f"{where}: an answer that can't be read: check the URL ({type(error).__name__})"


def _explain_answer(where: str, error: ApiError) -> str:
    status = error.status_code
    if status == 401:
        return f"{where}: it wants other credentials (401): {HOW_TO_SET}"
    if status == 403:
        found = re.search(r"granted by the .*?privileges \[[^\]]*\]", reason_text(error.body))
        needed = f"what they need is {found.group()}" if found else "use others, or give them the right role"
        return f"{where}: these credentials may not do this (403): {needed}"
    if is_transient_status(status):
        return f"{where}: not available ({status}): {reason_text(error.body)}"
    if not is_from_elasticsearch(error):
        return f"{where}: what answers there is not Elasticsearch ({status}): check the URL"
    return f"{where}: it refused the request ({status}): {reason_text(error.body)}"


def reason_text(answer: Any) -> str:
    """Type and reason of an error as Elasticsearch words it, with its causes, on one line of at most 500 characters.

    A longer text loses its middle: it may begin with the document's own text and say what is wrong at its end. The
    owner of a missing privilege is left out.
    """
    error = answer.get("error", answer) if isinstance(answer, dict) else answer
    parts: list[str] = []
    while isinstance(error, dict):
        text = ": ".join(str(error[key]) for key in ("type", "reason") if error.get(key))
        if text and text not in parts:
            parts.append(text)
        error = error.get("caused_by")
    if error:
        parts.append(str(error))
    text = " ".join("; ".join(parts).split()) or "no reason given"
    text = re.sub(r" for (user|API key|service account|run as) .*(?=, this action is granted)", "", text)
    half = MAX_REASON // 2
    return text if len(text) <= MAX_REASON else f"{text[:half]}…{text[-half + 1 :]}"


def _root(error: BaseException) -> str:
    """What the operating system or the TLS library says, without the addresses of Python objects."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.strerror:
            return str(seen.strerror)
        error, seen = seen, seen.__cause__ or seen.__context__
    return type(error).__name__

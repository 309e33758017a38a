"""How Elasticsearch knows the job: read from the environment on the driver, shipped to the executors, never printed."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from autotag_core.errors import InputError

API_KEY = "ELASTICSEARCH_API_KEY"
USERNAME = "ELASTICSEARCH_USERNAME"
PASSWORD = "ELASTICSEARCH_PASSWORD"
CA_CERTS = "ELASTICSEARCH_CA_CERTS"

HOW_TO_SET = f"set {API_KEY}, or {USERNAME} and {PASSWORD}, in the environment"


@dataclass(frozen=True)
class ElasticsearchCredentials:
    """An API key, or a username and a password, or nothing. It can be pickled, and its repr hides every value.

    `ca_certificates` is the text of the bundle, not its path: executors don't have the driver's files.
    """

    api_key: str | None = field(default=None, repr=False)
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    ca_certificates: str | None = field(default=None, repr=False)


def read_credentials(environment: Mapping[str, str] = os.environ) -> ElasticsearchCredentials:
    """The credentials in the environment. InputError for half of a pair, both kinds, or an unreadable bundle."""
    api_key = environment.get(API_KEY, "").strip() or None
    username = environment.get(USERNAME) or None
    password = environment.get(PASSWORD) or None
    if api_key and (username or password):
        raise InputError(f"Elasticsearch: {API_KEY} and {USERNAME}/{PASSWORD} are both set: unset one of the two")
    if bool(username) != bool(password):
        there, missing = (USERNAME, PASSWORD) if username else (PASSWORD, USERNAME)
        raise InputError(f"Elasticsearch: {there} is set but {missing} is not: set both, or {API_KEY}")
    if api_key and not (api_key.isascii() and api_key.isprintable() and " " not in api_key):
        raise InputError(
            f"Elasticsearch: {API_KEY} holds a space or an unprintable character: set it to the key as issued"
        )
    bundle = environment.get(CA_CERTS)
    return ElasticsearchCredentials(api_key, username, password, _read_bundle(bundle) if bundle else None)


def _read_bundle(path: str) -> str:
    try:
        text = Path(path).read_text(encoding="ascii", errors="ignore")
        ssl.create_default_context().load_verify_locations(cadata=text)
    except OSError as error:  # SSLError too
        why = "it holds no PEM certificate" if isinstance(error, ssl.SSLError) else error.strerror
        raise InputError(f"Elasticsearch: {CA_CERTS} is {path}: {why}") from None
    except ValueError:
        raise InputError(f"Elasticsearch: {CA_CERTS} is {path}: it is empty") from None
    return text

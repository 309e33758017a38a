"""An Elasticsearch that answers nothing, or only that it can't, is an outage: known in time and named."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from autotag_core import outages
from autotag_core.config import ElasticsearchConfig
from autotag_core.errors import InputError, OutageError
from autotag_core.search import Owner, ask, bulk_index, check_alias, current_indexes, elasticsearch_client
from tests.refusing_proxy import RefusingProxy

DOCUMENT = {"gif_id": "g1", "tags": []}


@pytest.fixture
def proxy() -> Iterator[RefusingProxy]:
    proxy = RefusingProxy("http://127.0.0.1:1")
    yield proxy
    proxy.close()


@pytest.mark.parametrize(("fault", "said"), [("hang", "no answer in time"), ("503", "not available (503)")])
def test_an_outage_ends_after_its_time_whatever_number_of_tries_is_left(
    proxy: RefusingProxy, fault: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy.mode = fault  # type: ignore[assignment]
    monkeypatch.setattr(outages, "OUTAGE_S", 0.5)
    patient = {"attempts": 10_000, "initial_backoff_s": 0.01, "max_backoff_s": 0.05, "timeout_s": 0.2}
    config = ElasticsearchConfig().model_copy(update=patient)
    with elasticsearch_client(proxy.url, config) as client:
        for request in (
            lambda: check_alias(client, Owner("gifs", "/warehouse"), config.model_copy(update={"attempts": 3})),
            lambda: current_indexes(client, "gifs", config),
            lambda: list(bulk_index(client, "gifs-1", [DOCUMENT], config)),
        ):
            start = time.monotonic()
            with pytest.raises(OutageError) as caught:
                request()
            assert f"Elasticsearch at {proxy.url}: {said}" in str(caught.value)
            assert time.monotonic() - start < 5
        proxy.mode = "503"
        with pytest.raises(OutageError):
            ask(client)


def test_a_port_where_nobody_listens_is_wrong_input_at_the_start_and_an_outage_later() -> None:
    config = ElasticsearchConfig().model_copy(update={"attempts": 2, "initial_backoff_s": 0.01})
    with elasticsearch_client("http://127.0.0.1:1", config) as client:
        with pytest.raises(InputError):
            check_alias(client, Owner("gifs", "/warehouse"), config)
        for request in (lambda: current_indexes(client, "gifs", config), lambda: ask(client)):
            with pytest.raises(OutageError):
                request()

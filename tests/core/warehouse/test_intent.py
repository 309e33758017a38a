"""What a run is about to publish lies beside the lease until it is done."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from autotag_core import storage
from autotag_core.errors import InputError
from autotag_core.warehouse import lease
from autotag_core.warehouse.intent import Intent, drop_intent, intent_uri, read_intent, write_intent

INTENT = Intent("r2", "http://localhost:9200", "gifs", "gifs-r2", ("gifs-r1",), "r2")


@pytest.fixture(params=["local", "s3"])
def uri(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    base = str(tmp_path) if request.param == "local" else request.getfixturevalue("bucket")
    return f"{base}/gifs and ü'`/version=2/warehouse"


def test_it_is_read_as_it_was_written_until_it_is_dropped_and_no_lease_takes_it_for_one(uri: str) -> None:
    with lease.held(uri, "r2"):
        assert read_intent(uri) is None
        write_intent(uri, INTENT)
        assert read_intent(uri) == INTENT
    with lease.held(uri) as held:
        assert held.number == 2 and held.holder.run_id != "r2"
        drop_intent(uri, INTENT)
        assert read_intent(uri) is None
        drop_intent(uri, INTENT)


def test_what_another_run_is_about_to_publish_is_left(uri: str) -> None:
    other = replace(INTENT, run_id="r3", before=())
    write_intent(uri, other)
    drop_intent(uri, INTENT)
    assert read_intent(uri) == other


@pytest.mark.parametrize("data", [b"what?", b"[]", b'{"run_id": "r2"}', b'{"before": null}'])
def test_a_strange_file_is_said(data: bytes, uri: str) -> None:
    storage.write_bytes(intent_uri(uri), data)
    with pytest.raises(InputError, match=r"_lease/publishing\.json: names no publication: delete it if no run writes"):
        read_intent(uri)

"""Metrics are written whole as a textfile, or pushed; a place where they can't be is refused before any work."""

from __future__ import annotations

import http.server
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from autotag_core.errors import InputError
from autotag_core.operations.metrics import NightEnd, night_registry
from autotag_core.operations.metrics_target import check_target, kept_samples, write_metrics

KEPT = (("autotag_release_gifs", (), 10.0), ("autotag_last_success_timestamp_seconds", (), 99.5))


@pytest.fixture
def gateway() -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """A server's URL, and what it was sent: method, path and body."""
    sent: list[tuple[str, str, str]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def _take(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            sent.append((self.command, self.path, body))
            self.send_response(200 if len(sent) <= 3 else 400)
            self.end_headers()

        do_POST = do_PUT = _take  # noqa: N815 - the names are http.server's

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", sent
    server.shutdown()
    server.server_close()


def test_a_file_is_replaced_as_a_whole_and_remembers_the_release(tmp_path: Path) -> None:
    target = str(tmp_path / "autotag.prom")
    write_metrics(night_registry("w", NightEnd(0, 1.0, 2.0, kept=KEPT)), target, "w")
    with open(target, encoding="utf-8") as before:  # noqa: PTH123 - a reader that has it open
        write_metrics(night_registry("w", NightEnd(3, 1.0, 2.0, kept=kept_samples(target, "w"))), target, "w")
        assert 'autotag_run_exit_code{warehouse="w"} 0.0' in before.read()
    assert os.listdir(tmp_path) == ["autotag.prom"]  # noqa: PTH208
    assert 'autotag_run_exit_code{warehouse="w"} 3.0' in (tmp_path / "autotag.prom").read_text()
    assert sorted(kept_samples(target, "w")) == sorted(KEPT)
    assert kept_samples(target, "another") == ()


def test_a_file_that_is_absent_or_no_metrics_remembers_nothing(tmp_path: Path) -> None:
    assert kept_samples(str(tmp_path / "absent.prom"), "w") == ()
    (tmp_path / "x.prom").write_text("{{{ 7 seven")
    assert kept_samples(str(tmp_path / "x.prom"), "w") == ()


def test_a_gateway_is_sent_the_night_and_apart_from_it_what_is_known_of_the_release(
    gateway: tuple[str, list[tuple[str, str, str]]],
) -> None:
    url, sent = gateway
    check_target(url)
    write_metrics(night_registry("w", NightEnd(0, 1.0, 2.0, kept=KEPT)), url, "w")
    write_metrics(night_registry("w", NightEnd(2, 1.0, 2.0)), url, "w")
    night, release = "/metrics/job/autotag/warehouse/w", "/metrics/job/autotag/of/release/warehouse/w"
    assert [request[:2] for request in sent] == [("PUT", night), ("POST", release), ("PUT", night)]
    names = [{family.name for family in text_string_to_metric_families(body)} for _, _, body in sent]
    assert names[1] == {name for name, _, _ in KEPT}
    assert "autotag_run_exit_code" in names[0] and not names[0] & names[1]
    with pytest.raises(OSError, match="400"):
        write_metrics(night_registry("w", NightEnd(0, 1.0, 2.0)), url, "w")


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("metrics.txt", "node exporter reads files that end in .prom"),
        ("absent/autotag.prom", "absent is no folder that this user can write to"),
        ("http://someone:secret@gateway:9091", "credential|user|password"),
    ],
)
def test_a_place_that_takes_no_metrics_is_refused(target: str, said: str, tmp_path: Path) -> None:
    named = target if "://" in target else str(tmp_path / target)
    with pytest.raises(InputError, match=said) as caught:
        check_target(named)
    assert "secret" not in str(caught.value)

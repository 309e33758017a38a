"""The frames stage loses no GIF, and the gate behind it counts every GIF that failed."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest
import structlog

from autotag_core.config import Config, GatesConfig
from autotag_core.errors import AutotagError, NotPublishedError
from jobs.embeddings import embed_frames as stage
from jobs.embeddings.embed_frames import embed_gifs
from jobs.nightly import _check_failed_share
from jobs.run.run import Run


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run of ten GIFs: all ten read, four of them with a failure, for the device was too small."""
    log: Any = structlog.get_logger()
    nothing: Any = None
    run = Run(nothing, Config(gates=GatesConfig(max_failed_share=0.3)), "s3a://gifs/w", log, nothing)
    run.facts.rows_out["catalog"] = 10
    monkeypatch.setattr(run, "timed", lambda *_, **__: nullcontext())
    monkeypatch.setattr(run, "expect", lambda _: None)
    monkeypatch.setattr(run.tables, "read", lambda table: table.name)
    monkeypatch.setattr(run.staging, "write", lambda name, rows: (rows, 10))
    monkeypatch.setattr(run.tables, "write", lambda table, rows: 10)

    def add_failures(_: Any) -> int:
        run.tables.versions["failures"] = 7
        run.failures.counts = {"catalog:missing_uri": 5, "embeddings:out_of_memory": 3, "frames:not_found": 1}
        return 4

    monkeypatch.setattr(run.failures, "add", add_failures)
    for name in ("find_leftover", "note_frames"):
        monkeypatch.setattr(stage, name, lambda *_: None)
    monkeypatch.setattr(stage.embeddings, "busy_seconds", lambda _: {"fetch": 1.5})
    for name in ("embed_frames", "media_rows", "embedding_rows", "failure_rows"):
        monkeypatch.setattr(stage.embeddings, name, lambda rows, *_: rows)
    return run


def test_gifs_that_were_read_but_not_embedded_count_as_failed(run: Run) -> None:
    num_failed = embed_gifs(run).num_failed
    assert (num_failed, run.facts.rows_out["frames"]) == (4, 10)
    assert run.facts.seconds["frames:fetch"] == 1.5
    with pytest.raises(NotPublishedError) as caught:
        _check_failed_share(run, num_failed)
    assert str(caught.value) == (
        "4 of 10 GIFs could not be read or embedded (3 x out_of_memory, 1 x not_found); that is more than "
        "gates.max_failed_share=0.3: see version 7 of the table failures in s3a://gifs/w; "
        "--accept failed_share publishes it all the same"
    )
    assert run.facts.gates == {"failed_share": "0.4000 of at most 0.3"}
    assert run.to_record("not_published").failures["embeddings:out_of_memory"] == 3


def test_a_share_at_the_limit_passes(run: Run) -> None:
    _check_failed_share(run, 3)
    assert run.facts.gates == {"failed_share": "0.3000 of at most 0.3"}


def test_a_gif_without_an_outcome_stops_the_run(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run.staging, "write", lambda name, rows: (rows, 9))
    with pytest.raises(AutotagError, match="9 outcomes of 10 GIFs"):
        embed_gifs(run)

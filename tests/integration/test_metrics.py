"""A whole night leaves metrics that say what its tables hold."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import pytest
from prometheus_client.parser import text_string_to_metric_families

from autotag_core.operations.metrics import METRICS
from autotag_core.warehouse import RunRecord
from jobs.release.check_request import Request
from jobs.run.run import Run

pytestmark = pytest.mark.integration


class Night(Protocol):
    request: Request
    run: Run

    def rows(self, name: str) -> list[dict[str, object]]: ...


def test_the_file_has_every_metric_and_its_figures_are_those_of_the_tables(night: Night) -> None:
    text = Path(night.request.metrics[0]).read_text()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    assert {sample.name for sample in samples} == set(METRICS)
    assert {sample.labels["warehouse"] for sample in samples} == {night.request.warehouse}
    found = {(sample.name, *sorted(sample.labels.items())[:-1]): sample.value for sample in samples}
    assert found["autotag_run_status", ("status", "published")] == 1
    assert found["autotag_release_gifs",] == len(night.rows("catalog"))
    assert found["autotag_release_tags",] == len(night.rows("voted_tags"))
    assert found["autotag_release_documents",] == len(night.rows("search_documents"))
    failures = [(sample.labels, sample.value) for sample in samples if sample.name == "autotag_failures"]
    assert sum(value for _, value in failures) == len(night.rows("failures"))
    record: RunRecord = night.run.to_record("published")
    assert found["autotag_stage_seconds", ("stage", "votes")] == record.seconds["votes"]

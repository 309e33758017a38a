"""A night leaves metrics however it ends, and no metric changes how it ends."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from autotag_core import warehouse
from autotag_core.errors import InputError, NotPublishedError
from jobs.nightly import run_nightly
from jobs.release import report_metrics
from jobs.release.check_request import Request
from jobs.release.report_metrics import metrics_reported

Values = Callable[[], dict[str, float]]


@pytest.fixture
def target(tmp_path: Path) -> str:
    return str(tmp_path / "autotag.prom")


@pytest.fixture
def values(target: str) -> Values:
    """Metric -> value; that of a status, where it is 1, as its name."""

    def read() -> dict[str, float]:
        samples = [
            sample
            for family in text_string_to_metric_families(Path(target).read_text())
            for sample in family.samples
            if sample.value or sample.name != "autotag_run_status"
        ]
        return {sample.labels.get("status", sample.name): sample.value for sample in samples}

    return read


@pytest.mark.parametrize(
    ("error", "exit_code", "status"),
    [
        (InputError("x"), 2, "failed"),
        (NotPublishedError("x"), 3, "not_published"),
        (RuntimeError("x"), 1, "failed"),
        (KeyboardInterrupt(), 130, "failed"),
        (SystemExit(143), 143, "failed"),
    ],
)
def test_each_way_to_fail_has_its_exit_code(
    error: BaseException, exit_code: int, status: str, target: str, values: Values, tmp_path: Path
) -> None:
    with pytest.raises(type(error)), metrics_reported([target], str(tmp_path / "w")):
        raise error
    assert values()["autotag_run_exit_code"] == exit_code
    assert values()[status] == 1


def test_a_night_that_is_refused_at_its_start_leaves_metrics(target: str, values: Values, tmp_path: Path) -> None:
    before = time.time()
    with pytest.raises(InputError, match="there is no such file"):
        run_nightly(Request(str(tmp_path / "absent.jsonl"), str(tmp_path / "w"), metrics=(target,)))
    assert values()["autotag_run_exit_code"] == 2
    assert before <= values()["autotag_run_started_timestamp_seconds"] <= time.time()


def test_a_target_that_can_not_be_right_is_refused_before_the_night(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"end in \.prom"):
        run_nightly(Request(str(tmp_path / "absent.jsonl"), str(tmp_path / "w"), metrics=("metrics.txt",)))


def test_a_gateway_that_is_down_is_no_other_end(target: str, values: Values, tmp_path: Path) -> None:
    with metrics_reported(["http://127.0.0.1:9", target], str(tmp_path / "w")):
        pass
    assert values()["autotag_run_exit_code"] == 0


def test_a_store_that_hangs_holds_up_the_end_for_seconds_alone(
    target: str, values: Values, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_metrics, "READ_S", 0.2)
    monkeypatch.setattr(warehouse, "list_runs", lambda _: time.sleep(30))
    Path(target).write_text(f'autotag_release_gifs{{warehouse="{tmp_path}"}} 12\n')
    start = time.monotonic()
    with metrics_reported([target], str(tmp_path)):
        pass
    assert time.monotonic() - start < 5
    assert values()["autotag_release_gifs"] == 12

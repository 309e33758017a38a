"""Alerts and the dashboard use metrics that a night writes, and no others; Prometheus and Grafana can read them."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from autotag_core.operations.metrics import METRICS

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "operations"
RULES = [
    rule
    for group in yaml.safe_load((FOLDER / "alerts.yaml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
DASHBOARD = json.loads((FOLDER / "dashboard.json").read_text(encoding="utf-8"))
OF_ALL = {"warehouse"}


def expressions() -> Iterator[str]:
    yield from (rule["expr"] for rule in RULES)
    yield from (target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"])
    yield from (variable["query"] for variable in DASHBOARD["templating"]["list"] if variable["type"] == "query")


def labels_in(text: str) -> set[str]:
    """Labels that a legend or summary puts in."""
    return set(re.findall(r"\{\{ *\$?(?:labels\.)?(\w+)[^}]*\}\}", text)) - {"value"}


def metrics_in(expression: str) -> set[str]:
    return set(re.findall(r"\bautotag_\w+", expression))


def labels_of(expression: str) -> set[str]:
    return OF_ALL | {label for name in metrics_in(expression) for label in METRICS[name][1]}


def labels_left(expression: str) -> set[str]:
    """The labels of its result: those that it sums by, else those of its metrics."""
    summed = re.search(r"sum by \(([^)]*)\)", expression)
    return set(summed[1].replace(" ", "").split(",")) if summed else labels_of(expression)


def test_every_metric_that_is_named_is_one_that_a_night_writes() -> None:
    assert set().union(*map(metrics_in, expressions())) - set(METRICS) == set()
    assert all(metrics_in(expression) for expression in expressions())


def test_the_dashboard_shows_every_metric() -> None:
    shown = set().union(*(metrics_in(t["expr"]) for panel in DASHBOARD["panels"] for t in panel["targets"]))
    assert shown == set(METRICS)


def test_labels_in_expressions_legends_and_summaries_are_those_of_the_metrics() -> None:
    for expression in expressions():
        grouped = ",".join(re.findall(r"\b(?:by|on) \(([^)]*)\)", expression)).replace(" ", "")
        matched = re.findall(r"[{,] *(\w+)=~?\"", expression)
        assert {*filter(None, grouped.split(",")), *matched} <= labels_of(expression), expression
    for rule in RULES:
        assert labels_in(rule["annotations"]["summary"]) <= labels_left(rule["expr"]), rule["alert"]
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            assert labels_in(target["legendFormat"]) <= labels_left(target["expr"]), panel["title"]


def test_each_alert_has_a_name_of_its_own_a_severity_and_a_section_of_the_runbook() -> None:
    names = [rule["alert"] for rule in RULES]
    assert len(set(names)) == len(names) > 5
    for rule in RULES:
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in ("critical", "warning", "info")
        assert rule["annotations"]["runbook_url"].startswith("docs/runbook.md#")
        assert re.fullmatch(r"\d+[smhd]", rule.get("for", "0s"))
        assert rule["expr"].count("(") == rule["expr"].count(")")


def test_prometheus_itself_takes_the_rules() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("no promtool on PATH (Debian's package prometheus): only the structure was checked")
    subprocess.run([promtool, "check", "rules", FOLDER / "alerts.yaml"], check=True, capture_output=True)
    subprocess.run([promtool, "test", "rules", FOLDER / "alerts_test.yaml"], check=True, capture_output=True)


def overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    return (
        one["x"] < other["x"] + other["w"]
        and other["x"] < one["x"] + one["w"]
        and one["y"] < other["y"] + other["h"]
        and other["y"] < one["y"] + one["h"]
    )


def test_panels_have_ids_of_their_own_and_places_that_do_not_overlap() -> None:
    panels: list[dict[str, Any]] = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = [panel["gridPos"] for panel in panels]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    assert not any(overlap(one, other) for one, other in itertools.combinations(places, 2))
    assert all(panel["datasource"]["uid"] == "${datasource}" for panel in panels)

"""The manifest for Kubernetes fits the Spark operator's own models and has the settings of spark-defaults.conf."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from kubeflow_spark_api.models.spark_v1beta2_scheduled_spark_application_spec import (
    SparkV1beta2ScheduledSparkApplicationSpec as Spec,
)

from autotag_core.local_machine import PROJECT
from jobs.commands import app as cli
from jobs.process.session import read_defaults

MANIFEST = yaml.safe_load((PROJECT / "docs" / "operations" / "spark_application.yaml").read_text(encoding="utf-8"))
TEMPLATE = MANIFEST["spec"]["template"]
FIELDS = {
    "spark.driver.memory": ("driver", "memory"),
    "spark.driver.memoryOverhead": ("driver", "memoryOverhead"),
    "spark.executor.cores": ("executor", "cores"),
    "spark.executor.memory": ("executor", "memory"),
    "spark.executor.memoryOverhead": ("executor", "memoryOverhead"),
}
"""Settings that the operator takes from fields of its own."""


def unknown(spec: dict[str, Any]) -> list[str]:
    """Paths of the manifest that the operator's models do not know or would change. They raise for a wrong type."""
    return list(_differences(spec, Spec.from_dict(spec).to_dict(), "spec"))


def _differences(given: Any, known: Any, path: str) -> list[str]:
    if isinstance(given, dict) and isinstance(known, dict):
        return [one for key in given for one in _differences(given[key], known.get(key), f"{path}.{key}")]
    if isinstance(given, list) and isinstance(known, list) and len(given) == len(known):
        return [
            one
            for at, pair in enumerate(zip(given, known, strict=True))
            for one in _differences(*pair, f"{path}[{at}]")
        ]
    return [] if given == known else [path]


def test_the_operators_models_know_every_field() -> None:
    assert (MANIFEST["apiVersion"], MANIFEST["kind"]) == ("sparkoperator.k8s.io/v1beta2", "ScheduledSparkApplication")
    assert unknown(MANIFEST["spec"]) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("template.driver.cores", "two"),
        ("template.restartPolicy.type", 3),
        ("template.executor.instances", "2"),
        ("template.arguments", "--catalog x"),
        ("schedule", 5),
    ],
)
def test_a_wrong_value_would_be_found(path: str, value: object) -> None:
    spec = copy.deepcopy(MANIFEST["spec"])
    *parents, name = path.split(".")
    part = spec
    for parent in parents:
        part = part[parent]
    part[name] = value
    with pytest.raises(ValueError, match=name):
        unknown(spec)


def test_a_field_that_the_operator_does_not_know_would_be_found() -> None:
    spec = copy.deepcopy(MANIFEST["spec"])
    spec["template"]["driver"]["memorry"] = "8g"
    assert unknown(spec) == ["spec.template.driver.memorry"]


def test_its_settings_are_those_of_spark_defaults() -> None:
    of_fields = {name: str(TEMPLATE[pod][field]) for name, (pod, field) in FIELDS.items()}
    assert of_fields | TEMPLATE["sparkConf"] == read_defaults(PROJECT / "spark-defaults.conf")


def test_the_command_takes_its_arguments() -> None:
    nightly = typer.main.get_command(cli.app).commands["nightly"]  # type: ignore[attr-defined]
    found = nightly.make_context("nightly", list(TEMPLATE["arguments"])).params
    assert found["metrics"] == ["http://pushgateway.monitoring:9091"]


def test_it_names_no_credential_and_the_spark_of_the_lock() -> None:
    lock = (PROJECT / "requirements.lock").read_text(encoding="utf-8")
    assert f"\npyspark=={TEMPLATE['sparkVersion']} " in lock
    secret = [one for one in TEMPLATE["driver"]["env"] if one["name"] == "ELASTICSEARCH_API_KEY"]
    assert "value" not in secret[0]
    assert Path(TEMPLATE["mainApplicationFile"].removeprefix("local:///opt/autotag/")) == Path("jobs/nightly.py")
    assert (PROJECT / "jobs" / "nightly.py").is_file()

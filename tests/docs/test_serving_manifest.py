"""The server on Kubernetes: its containers fit Kubernetes' own models, and its command and image are ours."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest
import typer
import yaml
from kubeflow_spark_api.models.io_k8s_api_core_v1_pod_spec import IoK8sApiCoreV1PodSpec as PodSpec

from autotag_core.local_machine import PROJECT
from autotag_core.tagger.serving.token import VARIABLE
from jobs.commands import app as cli

FOLDER = PROJECT / "docs" / "operations"
MANIFEST = yaml.safe_load((FOLDER / "serving.yaml").read_text(encoding="utf-8"))
PREDICTOR = MANIFEST["spec"]["predictor"]
OF_KSERVE = {"minReplicas", "maxReplicas", "scaleMetric", "scaleTarget"}
"""Fields that KServe adds to those of a pod."""


def unknown(predictor: dict[str, Any]) -> list[str]:
    """Fields that a pod does not have. A wrong type raises."""
    pod = {name: value for name, value in predictor.items() if name not in OF_KSERVE}
    return list(_missing(pod, PodSpec.from_dict(pod).to_dict(), "pod"))


def _missing(given: Any, known: Any, path: str) -> list[str]:
    if isinstance(given, dict) and isinstance(known, dict):
        return [one for key in given for one in _missing(given[key], known.get(key), f"{path}.{key}")]
    if isinstance(given, list) and isinstance(known, list) and len(given) == len(known):
        return [
            one for at, pair in enumerate(zip(given, known, strict=True)) for one in _missing(*pair, f"{path}[{at}]")
        ]
    return [] if given == known else [path]


def test_kubernetes_knows_every_field_of_its_pods() -> None:
    assert (MANIFEST["apiVersion"], MANIFEST["kind"]) == ("serving.kserve.io/v1beta1", "InferenceService")
    assert unknown(PREDICTOR) == []
    wrong = copy.deepcopy(PREDICTOR)
    wrong["containers"][0]["readinessProb"] = {}
    assert unknown(wrong) == ["pod.containers[0].readinessProb"]
    wrong["containers"][0]["ports"][0]["containerPort"] = "http"
    with pytest.raises(ValueError, match="containerPort"):
        unknown(wrong)


def test_the_command_takes_its_arguments_and_listens_on_its_ports() -> None:
    (container,) = PREDICTOR["containers"]
    dockerfile = (FOLDER / "serving.Dockerfile").read_text(encoding="utf-8")
    (entry,) = re.findall(r"^ENTRYPOINT (.*)$", dockerfile, re.M)
    command = [*yaml.safe_load(entry), *container["args"]]
    serve = typer.main.get_command(cli.app).commands["serve"]  # type: ignore[attr-defined]
    found = serve.make_context("serve", command[2:]).params
    assert (command[:2], found["host"]) == (["autotag", "serve"], "0.0.0.0")
    ports = [port["containerPort"] for port in container["ports"]]
    assert ports == [found["http"], found["grpc"], found["metrics"]]
    assert re.findall(r"^EXPOSE (.*)$", dockerfile, re.M) == [" ".join(map(str, ports))]
    assert {container[probe]["httpGet"]["port"] for probe in ("readinessProbe", "livenessProbe")} == {found["http"]}


def test_the_token_comes_from_a_secret_and_the_image_is_made_of_what_is_here() -> None:
    (token,) = [one for one in PREDICTOR["containers"][0]["env"] if one["name"] == VARIABLE]
    assert "value" not in token and "secretKeyRef" in token["valueFrom"]
    dockerfile = (FOLDER / "serving.Dockerfile").read_text(encoding="utf-8")
    copied = [name for line in re.findall(r"^COPY (.*) \S+$", dockerfile, re.M) for name in line.split()]
    assert copied and all((PROJECT / name).exists() for name in copied)

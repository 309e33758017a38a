"""Models are named with their hashes and loaded; one that is absent or damaged is an error."""

from __future__ import annotations

from pathlib import Path

import pytest

from autotag_core.config.file import load_config
from autotag_core.operations.checks.finding import examine
from autotag_core.operations.checks.models import check_models


def test_models_that_are_there_are_named_and_loaded() -> None:
    found = examine("models", lambda: check_models(load_config(None, ["experts=[imagenet,semantic]"])))
    assert [finding.level for finding in found] == ["ok"] * 3
    assert found[0].said.startswith("imagenet: efficientnet_lite0-")
    assert [finding.said for finding in found[1:]] == [
        "semantic: fitted on the catalog",
        "every network was loaded on the CPU",
    ]


@pytest.mark.parametrize("content", [None, b"no weights"])
def test_weights_that_are_absent_or_damaged_are_an_error(content: bytes | None, tmp_path: Path) -> None:
    weights = tmp_path / "resnet50.safetensors"
    if content is not None:
        weights.write_bytes(content)
    settings = ["experts=[imagenet]", "imagenet.backbone=resnet50", f"imagenet.weights={weights}"]
    found = examine("models", lambda: check_models(load_config(None, settings)))
    assert found[-1].level == "error" and str(weights) in found[-1].said

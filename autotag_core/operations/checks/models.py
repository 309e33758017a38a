"""Checks of the models that the chosen experts need: present, with which hash, and loadable."""

from __future__ import annotations

from collections.abc import Iterator

from autotag_core import experts
from autotag_core.config import Config
from autotag_core.operations.checks.finding import ERROR, OK, Finding


def check_models(config: Config) -> Iterator[Finding]:
    """A line for each chosen expert, then one for whether all networks load. The version holds the weights' hash."""
    chosen = [status for status in experts.expert_statuses(config) if status.chosen]
    for status in chosen:
        if status.missing:
            yield Finding("models", ERROR, f"{status.name}: {status.missing}")
        else:
            yield Finding("models", OK, f"{status.name}: {status.model_version or 'fitted on the catalog'}")
    if not any(status.missing for status in chosen):
        experts.check_experts(config)
        yield Finding("models", OK, "every network was loaded on the CPU")

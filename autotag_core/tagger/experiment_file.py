"""Experiments as a person gives them: a YAML file and KEY=VALUE, checked with every mistake named."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from autotag_core.config.file import apply_setting, read_yaml
from autotag_core.errors import InputError
from autotag_core.tagger.experiment import Experiment


def load_experiment(path: Path | None = None, settings: list[str] | None = None) -> Experiment:
    """The experiment of a YAML file and of KEY=VALUE, which win. InputError lists every mistake."""
    values = {} if path is None else read_yaml(path)
    for setting in settings or []:
        apply_setting(values, setting)
    return experiment_of(values)


def load_experiments(path: Path, settings: list[str] | None = None) -> dict[str, Experiment]:
    """The experiments of a YAML file `name: {key: value}`, by name in their order.

    A name `defaults` holds values of all others. KEY=VALUE holds for all and wins. InputError where there is none.
    """
    found = read_yaml(path)
    shared = found.pop("defaults", None) or {}
    given: dict[str, Any] = {}
    for setting in settings or []:
        apply_setting(given, setting)
    if not found:
        raise InputError(f"{path}: no experiment in it; write one a line, such as `raw: {{targets: raw}}`")
    wrong = [str(name) for name, values in found.items() if not isinstance(values, dict | None)]
    if wrong:
        raise InputError(f"{path}: {', '.join(wrong)}: an experiment is `name: {{key: value}}`")
    return {str(name): experiment_of({**shared, **(values or {}), **given}) for name, values in found.items()}


def experiment_of(values: dict[str, Any]) -> Experiment:
    """The experiment of these values. One InputError names every wrong one."""
    try:
        return Experiment.model_validate(values)
    except ValidationError as error:
        raise InputError("experiment: " + "; ".join(_explained(one) for one in error.errors())) from None


def _explained(error: Any) -> str:
    name = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        nearest = difflib.get_close_matches(name, list(Experiment.model_fields), n=1, cutoff=0.0)
        return f"unknown key {name}; the nearest is {nearest[0]}"
    message = error["msg"].removeprefix("Value error, ")
    return f"{name} is {error['input']!r}: {message}" if name else message


def experiment_as_yaml(experiment: Experiment) -> str:
    """The experiment as a file for --config."""
    return str(yaml.safe_dump(experiment.model_dump(), sort_keys=False))

"""The config as a person gives it: a YAML file and `section.key=value` settings, checked with every mistake named."""

from __future__ import annotations

import difflib
import json
import textwrap
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from autotag_core.config import Config
from autotag_core.errors import InputError


def load_config(path: str | Path | None = None, settings: list[str] | None = None) -> Config:
    """The config from a YAML file and `section.key=value` settings, which win; InputError lists every mistake."""
    values: dict[str, Any] = {}
    if path is not None:
        values = read_yaml(Path(path))
    for setting in settings or []:
        apply_setting(values, setting)
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        raise InputError("config: " + "; ".join(_explain(item) for item in error.errors())) from None


def recorded_config(text: str) -> Config:
    """The config that a run recorded as JSON, without settings that have gone since; InputError where one has other
    values now."""
    known = set(known_keys())
    values: dict[str, Any] = {}
    for name, value in json.loads(text).items():
        if not isinstance(value, dict):
            values |= {name: value} if name in known else {}
        elif section := {key: one for key, one in value.items() if f"{name}.{key}" in known}:
            values[name] = section
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        raise InputError("config of an earlier run: " + "; ".join(_explain(one) for one in error.errors())) from None


def known_keys() -> list[str]:
    """Every settable key, `section.key`, in the order of the config file."""
    keys = []
    for name, field in Config.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            keys += [f"{name}.{key}" for key in section.model_fields]
        else:
            keys.append(name)
    return keys


def read_yaml(path: Path) -> dict[str, Any]:
    """What the file holds, by key. InputError where it can't be read or is no YAML mapping."""
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"config: cannot read {path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"config: {path} is not YAML: {' '.join(str(error).split())}") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise InputError(f"config: {path} holds a {type(values).__name__}; it must hold `section: {{key: value}}`")
    sections = {key.partition(".")[0] for key in known_keys() if "." in key}
    return {key: {} if value is None and key in sections else value for key, value in values.items()}


def apply_setting(values: dict[str, Any], setting: str) -> None:
    """Put the setting `section.key=value` among the values. InputError where it is none."""
    name, separator, text = setting.partition("=")
    if not separator or not name.strip():
        raise InputError(f"--set {setting!r}: write KEY=VALUE, for example neighbors.k=10")
    *sections, key = name.strip().split(".")
    for section in sections:
        values = values.setdefault(section, {})
        if not isinstance(values, dict):
            raise InputError(f"--set {setting!r}: {section} is not a section")
    values[key] = _value(text)


def _value(text: str) -> Any:
    """As YAML reads it; what YAML takes for mere punctuation (`|`, `>`, `#`) is the text itself."""
    try:
        value = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError):
        return text
    is_empty = text.strip().lower() in ("", "~", "null", "''", '""')
    return text.strip() if value in ("", None) and not is_empty else value


def _explain(error: Any) -> str:
    name = ".".join(str(part) for part in error["loc"])
    kind, found = error["type"], error["input"]
    if not name:  # settings that don't fit each other, which the message names
        return str(error["msg"]).removeprefix("Value error, ")
    if kind in ("extra_forbidden", "invalid_key"):
        inside = [f"{name}.{key}" for key in found] if isinstance(found, dict) else []
        return "; ".join(_explain_unknown(key) for key in inside or [name])
    right = {
        "tuple_type": "it must be a list, for example [a, b]",
        "model_type": "it must be a section, for example {key: value}",
        "missing": "it must have one more item",
    }
    return f"{name} is {found!r}: {right.get(kind, error['msg'].removeprefix('Value error, '))}"


def _explain_unknown(name: str) -> str:
    """A wrong section with the right key is nearer to that key than to its own section."""
    nearest = difflib.get_close_matches(name, known_keys(), n=1, cutoff=0.0)
    return f"unknown key {name}; the nearest is {nearest[0]}"


def settings_as_yaml() -> str:
    """Every setting with its default and its explanation, as a file that `--config` takes."""
    lines = ["# Settings of `autotag nightly` and their defaults; keep the lines you change.", ""]
    for name, field in Config.model_fields.items():
        section = field.annotation
        if not (isinstance(section, type) and issubclass(section, BaseModel)):
            lines += [
                *_comment(field.description, ""),
                _yaml_line(name, field.get_default(call_default_factory=True)),
                "",
            ]
            continue
        lines += [*_comment(section.__doc__, ""), f"{name}:"]
        for key, item in section.model_fields.items():
            default = item.get_default(call_default_factory=True)
            lines += [*_comment(item.description, "  "), "  " + _yaml_line(key, default)]
        lines.append("")
    return "\n".join(lines)


def _comment(text: str | None, indent: str) -> list[str]:
    words = " ".join((text or "").split())
    return [f"{indent}# {line}" for line in textwrap.wrap(words, 100)]


def _yaml_line(key: str, value: Any) -> str:
    return f"{key}: {json.dumps(list(value) if isinstance(value, tuple) else value)}"  # JSON is YAML

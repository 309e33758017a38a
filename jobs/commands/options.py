"""What the `autotag` commands have in common: options, and settings that were checked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autotag_core import storage
from autotag_core.config import Config
from autotag_core.config.file import load_config


def checked_uri(uri: str | None) -> str | None:
    """The URI of an option. InputError where it can't name a file or folder."""
    if uri is not None:
        storage.check_uri(uri)
    return uri


def checked_warehouse(uri: str | None) -> str | None:
    """The URI of an option. InputError where no warehouse can be there."""
    if uri is not None:
        storage.check_warehouse(uri)
    return uri


Warehouse = Annotated[
    str, typer.Option(help="Folder of the tables: s3a://bucket/prefix or a local path.", callback=checked_warehouse)
]
ConfigFile = Annotated[Path | None, typer.Option(help="YAML file of settings; defaults for all others.")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="One setting, e.g. neighbors.k=10.")
]
RunId = Annotated[str | None, typer.Option("--run", help="A run other than the current release.")]


def checked_config(path: Path | None, settings: list[str] | None) -> Config:
    """The config. InputError where a setting holds a credential, before anything repeats it."""
    config = load_config(path, settings)
    storage.refuse_credentials_in(config.model_dump())
    return config

"""`autotag doctor`: whether this machine, its stores and its servers can run a night."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from autotag_core.config import Config
from autotag_core.errors import NotPublishedError
from jobs.commands.options import ConfigFile, Settings, checked_config, checked_uri, checked_warehouse
from jobs.commands.output import say

if TYPE_CHECKING:
    from autotag_core.operations.checks.finding import Check


def _checks(
    config: Config, warehouse: str | None, catalog: str | None, elasticsearch: str | None, index: str
) -> Iterator[tuple[str, Check]]:
    """Every check by name, the quick ones first."""
    from autotag_core.operations.checks import machine, models, search_server, stores

    yield "java", machine.check_java
    yield "packages", machine.check_packages
    yield "disk", machine.check_disk
    yield "memory", machine.check_memory
    if warehouse:
        yield "warehouse", partial(stores.check_store, warehouse)
        yield "runs", partial(stores.check_runs, warehouse)
        yield "clock", partial(stores.check_clock, warehouse)
    if catalog:
        from udfs.catalog.check import COLUMNS

        yield "catalog", partial(stores.check_catalog, catalog, COLUMNS, config.catalog.csv_tag_separator)
    if elasticsearch:
        yield "search", partial(search_server.check_search, elasticsearch, index, config.elasticsearch, warehouse)
    yield "gpu", partial(machine.check_gpu, config.imagenet.device)
    yield "jars", machine.check_jars
    yield "models", partial(models.check_models, config)


def doctor(
    warehouse: Annotated[
        str | None, typer.Option(help="Warehouse to write to and delete from.", callback=checked_warehouse)
    ] = None,
    catalog: Annotated[
        str | None, typer.Option(help="Catalog whose first rows are read.", callback=checked_uri)
    ] = None,
    elasticsearch: Annotated[str | None, typer.Option(help="URL of the Elasticsearch to try.")] = None,
    index: Annotated[str, typer.Option(help="Its search alias.")] = "gifs",
    config: ConfigFile = None,
    set_: Settings = None,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object a finding.")] = False,
) -> None:
    """Try what a night needs, and print one line for each: ok, warning or error, and what to do.

    What it writes it deletes again. Exit: 0 without an error, 3 with one, 2 wrong settings.
    """
    from autotag_core.operations.checks.finding import ERROR, examine

    failed = False
    for name, check in _checks(checked_config(config, set_), warehouse, catalog, elasticsearch, index):
        for finding in examine(name, check):
            failed = failed or finding.level == ERROR
            say(json.dumps(asdict(finding), ensure_ascii=False) if json_ else finding.line)
    if failed:
        raise typer.Exit(NotPublishedError.exit_code)

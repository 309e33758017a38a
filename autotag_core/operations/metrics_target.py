"""Where metrics go: a textfile that node exporter's textfile collector reads, or a push gateway."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, push_to_gateway, pushadd_to_gateway, write_to_textfile
from prometheus_client.parser import text_string_to_metric_families

from autotag_core import storage
from autotag_core.errors import InputError
from autotag_core.operations.metrics import KEPT, METRICS, Sample

JOB = "autotag"
TIMEOUT_S = 5.0
"""A gateway that takes longer is down: the night must end."""


def is_gateway(target: str) -> bool:
    """Whether metrics go to a push gateway and not to a file."""
    return target.startswith(("http://", "https://"))


def check_target(target: str) -> None:
    """InputError where metrics can't be written: before any work, since a night has them only at its end."""
    storage.refuse_credentials(target)
    if is_gateway(target):
        return
    path = Path(target)
    if path.suffix != ".prom":
        raise InputError(
            f"--metrics {target}: node exporter reads files that end in .prom; a gateway is http://host:port"
        )
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        raise InputError(f"--metrics {target}: {path.parent} is no folder that this user can write to")


def write_metrics(registry: CollectorRegistry, target: str, warehouse: str) -> None:
    """Replace the file by one that has these metrics, whole at once; or push them. OSError where it can't be done.

    In a gateway the night's metrics take the place of those of the last night. KEPT are a group of their own, which
    stays as it is where a night knows nothing of them.
    """
    if not is_gateway(target):
        write_to_textfile(target, registry)
        return
    group = {"warehouse": warehouse}
    night: Any = registry.restricted_registry([name for name in METRICS if name not in KEPT])
    release: Any = registry.restricted_registry(KEPT)
    push_to_gateway(target, JOB, night, grouping_key=group, timeout=TIMEOUT_S)
    if any(True for _ in release.collect()):
        pushadd_to_gateway(target, JOB, release, grouping_key=group | {"of": "release"}, timeout=TIMEOUT_S)


def kept_samples(target: str, warehouse: str) -> tuple[Sample, ...]:
    """What the file says of the warehouse, see KEPT. Empty without a file, and for a gateway: it keeps them itself."""
    if is_gateway(target):
        return ()
    try:
        families = list(text_string_to_metric_families(Path(target).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return ()
    samples = (sample for family in families for sample in family.samples)
    return tuple(
        (sample.name, (), sample.value)
        for sample in samples
        if sample.name in KEPT and sample.labels == {"warehouse": warehouse}
    )

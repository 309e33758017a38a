"""Writes the report on a published run as a page: for whoever asks, and at the end of every night."""

from __future__ import annotations

import time

from autotag_core import storage
from autotag_core.errors import cause
from autotag_core.reports.night.night_page import night_page
from autotag_core.reports.night.night_report import read_night
from autotag_core.warehouse.retention import report_uri
from jobs.run.run import Run


def write_report(warehouse: str, run_id: str | None = None, out: str | None = None) -> str:
    """Write the report on a run, by default the current release, and give where it is.

    Without `out` it goes into the warehouse, where the night itself puts it. Cost: read_night.
    """
    report = read_night(warehouse, run_id)
    uri = out or report_uri(warehouse, report.run.run_id)
    storage.write_bytes(uri, "".join(night_page(report)).encode(), content_type="text/html; charset=utf-8")
    return uri


def report_night(run: Run) -> None:
    """Write the report on a run that was just published, where reports.enabled. What fails is only a warning."""
    if not run.config.reports.enabled:
        return
    start = time.monotonic()
    try:
        run.facts.report = write_report(run.warehouse, run.run_id)
    except Exception as error:  # the run is published: a page that can't be made must not look like a failed run
        run.log.warning("the run is published, but its report can't be written", reason=cause(error))
    else:
        run.log.info("report written", report=run.facts.report, seconds=round(time.monotonic() - start, 3))

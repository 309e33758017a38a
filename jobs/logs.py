"""Structured logs: one `key=value` line an event on standard error, every line with the run_id once a run has one."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog


def configure_logs(debug: bool = False) -> Any:
    """Set up logging for the command and return its logger."""
    level = logging.DEBUG if debug else logging.INFO
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    processors: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    if sys.stderr.isatty():
        processors.append(structlog.dev.ConsoleRenderer())
    else:
        order = ["timestamp", "level", "run_id", "event", "stage"]
        processors.append(structlog.processors.LogfmtRenderer(key_order=order, drop_missing=True))
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
    )
    return structlog.get_logger()

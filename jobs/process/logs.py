"""Structured logs: one `key=value` line an event on standard error. Once a run has a run_id, every line has it."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, TextIO

import structlog
from pyspark.sql import SparkSession

from autotag_core.terminal import shown_text

OURS = ("autotag", "autotag_core", "udfs", "jobs")
"""Loggers of which INFO and above is printed. Of libraries only warnings and above are."""
_ORDER = ["timestamp", "level", "run_id", "event", "stage"]


class _StandardError(logging.StreamHandler):
    """Writes to what sys.stderr is at the moment: somebody may replace it."""

    @property
    def stream(self) -> TextIO:
        return sys.stderr

    @stream.setter
    def stream(self, _: TextIO) -> None:
        """Ignored: it is always standard error."""


def configure_logs(debug: bool = False) -> Any:
    """Set up logging for the command and for the standard library's loggers. Gives the command's logger."""
    level = logging.DEBUG if debug else logging.INFO
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    foreign = [structlog.stdlib.add_logger_name, *shared]
    handler = _StandardError()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=foreign,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _without_commands, *_renderers()],
        )
    )
    root = logging.getLogger()
    for earlier in [one for one in root.handlers if isinstance(one, _StandardError)]:
        root.removeHandler(earlier)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    for name in OURS:
        logging.getLogger(name).setLevel(level)
    return structlog.get_logger("autotag")


def bind_run(run_id: str) -> None:
    """Put the run_id on every line that this process logs from now on, whoever logs it."""
    structlog.contextvars.bind_contextvars(run_id=run_id)


def silence_spark(spark: SparkSession) -> None:
    """Silence Spark's JVM, whatever log4j2.properties says. Of libraries in this process only CRITICAL is printed."""
    logging.getLogger().setLevel(logging.CRITICAL)
    jvm: Any = spark.sparkContext._jvm
    jvm.org.apache.logging.log4j.core.config.Configurator.setAllLevels("", jvm.org.apache.logging.log4j.Level.OFF)


def _without_commands(_: Any, __: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """The event with texts as a terminal may print them: some quote a catalog."""
    return {name: shown_text(value) if isinstance(value, str) else value for name, value in event.items()}


def _renderers() -> list[Any]:
    if sys.stderr.isatty():
        return [structlog.dev.ConsoleRenderer()]
    return [
        structlog.processors.format_exc_info,
        structlog.processors.LogfmtRenderer(key_order=_ORDER, drop_missing=True),
    ]

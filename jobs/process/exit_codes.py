"""How a command ends: every error is one explaining line and an exit code."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from autotag_core.errors import AutotagError, OutageError, as_raised, cause, scrubbed, without_credentials
from jobs.process.ending import STOP_S, STOPPED, Ending, ends_in_time
from jobs.process.interrupts import forget_interrupts, interruption

INTERRUPTED, TERMINATED = 130, 143
"""As in shells: Ctrl-C, and SIGTERM."""


@contextmanager
def explained() -> Iterator[None]:
    """Let every error end as one explaining line and an exit code, never as a bare traceback.

    The code is 2, 3 or 1, as the error's class says, also where an executor raised it. As in shells it is 130 for
    Ctrl-C and 143 for SIGTERM. A JVM that the block started is ended before the line is printed. So nothing that its
    dying workers log follows the line. Signals and outages end the process in time, whatever hangs (ending.py).
    """
    forget_interrupts()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    with ends_in_time() as ending:
        try:
            yield
        except KeyboardInterrupt:
            _stop_interrupted(ending, INTERRUPTED)
        except SystemExit as stop:
            if stop.code in (INTERRUPTED, TERMINATED):  # Ctrl-C as typer passes it on, and SIGTERM
                _stop_interrupted(ending, int(stop.code))
            raise
        except GeneratorExit:
            raise
        except BaseException as caught:  # a library in Rust that panics raises what is no Exception
            error = as_raised(caught)
            if isinstance(error, AutotagError):
                _stop(ending, f"error: {scrubbed(str(error))}", error.exit_code)
            _stop(ending, _unexpected(caught), 1)


def _stop_interrupted(ending: Ending, exit_code: int) -> None:
    cause = interruption()
    if isinstance(cause, OutageError):
        _stop(ending, f"error: {scrubbed(str(cause))}", cause.exit_code)
    _stop(ending, STOPPED, exit_code)


def _unexpected(error: BaseException) -> str:
    """One line that names the error and where its traceback is kept, if it can be."""
    try:
        handle, path = tempfile.mkstemp(prefix="autotag-", suffix=".traceback.txt")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(without_credentials("".join(traceback.format_exception(error))))
    except OSError:
        return f"error: {cause(error)}"
    return f"error: {cause(error)} (full traceback: {path})"


def _stop(ending: Ending, message: str, exit_code: int) -> None:
    """Threads that still wait for an answer can't hold up the exit: it comes STOP_S later at the latest."""
    ending.within(STOP_S, exit_code, message)
    ending.close_jvm()
    ending.say(message)
    sys.exit(exit_code)

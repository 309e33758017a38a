"""How a command ends: every error is one explaining line and an exit code."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from autotag_core.errors import AutotagError, as_raised, cause, scrubbed, without_credentials
from autotag_core.terminal import shown
from jobs.process.jvm import end_jvm, own_jvm

INTERRUPTED, TERMINATED = 130, 143
"""As in shells: Ctrl-C, and SIGTERM."""
_STOPPED = "stopped: readers see the last published release"


@contextmanager
def explained() -> Iterator[None]:
    """Let every error end as one explaining line and an exit code, never as a bare traceback.

    The code is 2, 3 or 1, as the error's class says, also where an executor raised it. As in shells it is 130 for
    Ctrl-C and 143 for SIGTERM. A JVM that the block started is ended before the line is printed. So nothing that its
    dying workers log follows the line.
    """
    before = own_jvm()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    try:
        yield
    except KeyboardInterrupt:
        _stop(_STOPPED, INTERRUPTED, before)
    except SystemExit as stop:
        if stop.code in (INTERRUPTED, TERMINATED):  # Ctrl-C as typer passes it on, and SIGTERM
            _stop(_STOPPED, int(stop.code), before)
        raise
    except GeneratorExit:
        raise
    except BaseException as caught:  # a library in Rust that panics raises what is no Exception
        error = as_raised(caught)
        if isinstance(error, AutotagError):
            _stop(f"error: {scrubbed(str(error))}", error.exit_code, before)
        _stop(_unexpected(caught), 1, before)


def _unexpected(error: BaseException) -> str:
    """One line that names the error and where its traceback is kept, if it can be."""
    try:
        handle, path = tempfile.mkstemp(prefix="autotag-", suffix=".traceback.txt")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(without_credentials("".join(traceback.format_exception(error))))
    except OSError:
        return f"error: {cause(error)}"
    return f"error: {cause(error)} (full traceback: {path})"


def _stop(message: str, exit_code: int, other_jvm: subprocess.Popen[bytes] | None) -> None:
    jvm = own_jvm()
    if jvm is not None and jvm is not other_jvm:
        end_jvm(jvm)
    typer.echo(shown(message), err=True)
    sys.exit(exit_code)

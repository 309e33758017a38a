"""Errors that a person can act on, each with its exit code, and the one-line cause of any other error."""

from __future__ import annotations

import re

from autotag_core.terminal import shown


class AutotagError(Exception):
    """Anything the job explains in one line. Exit code 1."""

    exit_code = 1


class InputError(AutotagError):
    """Wrong input or config: the message names the item, its value and what would be right. Exit code 2."""

    exit_code = 2


class NotPublishedError(AutotagError):
    """The run worked but its result did not pass a gate, so readers stay on the last release. Exit code 3."""

    exit_code = 3


class NotTrainedError(AutotagError):
    """There is too little to learn from: the message says what was found and what is needed."""


class NotConvertedError(AutotagError):
    """A network does not run under onnxruntime here, or not with the features that it has in torch."""


_KINDS = {
    kind.__name__: kind for kind in (AutotagError, InputError, NotPublishedError, NotTrainedError, NotConvertedError)
}
_FROM_EXECUTOR = re.compile(rf"autotag_core\.errors\.({'|'.join(_KINDS)}): (.+)")


def as_raised(error: BaseException) -> BaseException:
    """The AutotagError that an executor raised and Spark wrapped, of its own class; any other error as it is."""
    if isinstance(error, AutotagError):
        return error
    found = _FROM_EXECUTOR.findall(_text(error))
    return _KINDS[found[-1][0]](found[-1][1].strip()) if found else error


def cause(error: BaseException, limit: int = 500) -> str:
    """One line on what went wrong, without credentials: an AutotagError's message, else the innermost cause.

    For an error that Spark wraps, this is the last line of an executor's Python traceback, or Java's last `Caused by`.
    """
    if isinstance(error, AutotagError):
        return scrubbed(str(error), limit)
    lines = [line.rstrip() for line in _text(error).splitlines() if line.strip()]
    tracebacks = [at for at, line in enumerate(lines) if line.endswith("Traceback (most recent call last):")]
    raised = [line for line in lines[tracebacks[-1] + 1 :] if not line[0].isspace()] if tracebacks else []
    causes = [line.removeprefix("Caused by: ") for line in lines if line.startswith("Caused by: ")]
    thrown = [line.removeprefix(": ") for line in lines if line.startswith(": ")]  # how py4j begins a Java error
    if raised or causes or thrown:
        return scrubbed(raised[0] if raised else causes[-1] if causes else thrown[0], limit)
    return scrubbed(": ".join([type(error).__name__, *lines[:1]]), limit)


def scrubbed(text: str, limit: int | None = None) -> str:
    """The text on one line, without colours, control characters and the user and password of any URL in it."""
    return shown(without_credentials(" ".join(re.sub(r"\x1b\[[0-9;]*m", "", text).split())))[:limit]


def without_credentials(text: str) -> str:
    """The text without the user and password of any URL in it."""
    return re.sub(r"://([^\s/@]*|[^\s@]*:[^\s@]*)@", "://", text)


def _text(error: BaseException) -> str:
    """What the error says. Empty where it can't be asked any more: py4j asks the JVM, which may be dead."""
    try:
        return str(error)
    except Exception:
        return ""

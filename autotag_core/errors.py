"""Errors that a person can act on, each with its exit code, and the one-line cause of any other error."""

from __future__ import annotations

import errno
import os
import re
import shutil
import tempfile
from pathlib import Path

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


class OutageError(NotPublishedError):
    """A server that the run needs does not answer, or only that it can't now. The message names it. Exit code 3."""


class NotTrainedError(AutotagError):
    """There is too little to learn from: the message says what was found and what is needed."""


class NotConvertedError(AutotagError):
    """A network does not run under onnxruntime here, or not with the features that it has in torch."""


class DiskFullError(AutotagError):
    """No space is left: the message names the folder whose disk is full."""


_KINDS: dict[str, type[AutotagError]] = {
    kind.__name__: kind
    for kind in (
        *(AutotagError, InputError, NotPublishedError, OutageError, NotTrainedError, NotConvertedError, DiskFullError),
    )
}
_FROM_EXECUTOR = re.compile(rf"autotag_core\.errors\.({'|'.join(_KINDS)}): (.+)")
_NOT_CONNECTED = ("Could not connect to the endpoint", "Connect timeout on endpoint")


def as_raised(error: BaseException) -> BaseException:
    """The AutotagError that an executor raised and Spark wrapped, of its own class; any other error as it is.

    An error of a full disk becomes a DiskFullError, wherever it came from, and that of an S3 that does not answer an
    OutageError. So does that of an executor that can't connect: the driver could, before it sent the task.
    """
    if isinstance(error, AutotagError):
        return error
    found = _FROM_EXECUTOR.findall(_text(error))
    if found:
        name, message = found[-1]
        return (OutageError if any(text in message for text in _NOT_CONNECTED) else _KINDS[name])(message.strip())
    if is_disk_full(error):
        return disk_full(error)
    return outage(error) or error


def outage(error: BaseException, place: str | None = None) -> OutageError | None:
    """The error that names the place, where a library gave up on an S3 that did not answer, or only with a 429 or 5xx.

    None for any other error. It goes by the text, as delta-rs, Arrow and S3A word it. Without `place`, the first URI in
    that text is named.
    """
    text = scrubbed(_text(error))
    found = _OUTAGE.search(text)
    if found is None:
        return None
    uri = _URI.search(text)
    said = next(filter(None, found.groups()), found.group())
    return OutageError(outage_text(place or (uri.group() if uri else "S3"), said))


def is_cut_answer(error: BaseException) -> bool:
    """Whether S3 began to answer delta-rs and broke off, which delta-rs itself tries again only for files, not for
    lists."""
    return _CUT.search(_text(error)) is not None


def outage_text(place: str, said: str) -> str:
    """The message of an OutageError on S3."""
    return f"{place}: S3 does not answer, or only that it can't now ({said}): run again when it is back"


_OUTAGE = re.compile(
    r"Generic S3 error.*?((?:429|5(?!01)\d\d) [A-Z]\w+(?: [A-Z]\w+)*|operation timed out|error sending request"
    r"|connection (?:closed|reset)|error decoding response body|request or response body error)"
    r"|AWS Error (NETWORK_CONNECTION|SLOW_DOWN|SERVICE_UNAVAILABLE|INTERNAL_FAILURE|THROTTLING|REQUEST_TIMEOUT)"
    r"|AWS Error .*?(HTTP status (?:429|5(?!01)\d\d))"
    r"|(Status Code: (?:429|5(?!01)\d\d))|(Unable to execute HTTP request)|(ApiCall(?:Attempt)?TimeoutException)"
)
_CUT = re.compile(r"error decoding response body|request or response body error")
_URI = re.compile(r"\b(?:s3[an]?|https?)://[^\s,;'\"()]+")


def is_disk_full(error: BaseException) -> bool:
    """Whether a disk had no space left, or a user no more of their share: by the error's number, or its text."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    return any(os.strerror(number) in _text(error) for number in (errno.ENOSPC, errno.EDQUOT))


def disk_full(error: BaseException, folder: Path | None = None) -> DiskFullError:
    """The error that names the full folder: where the file was that could not be written, or else `folder`.

    Where neither is known, it is a temporary folder of this machine that has next to nothing free, if there is one.
    """
    names = [getattr(error, key, None) for key in ("filename2", "filename")]  # of a copy, the second is where it goes
    name = next(filter(None, [*names, *_NAME_OF_FULL.findall(_text(error))]), None)
    places = (
        [Path(os.fsdecode(name)).parent] if name else [folder] if folder else [*filter(_is_full, scratch_folders())]
    )
    if not places:
        return DiskFullError(
            "a disk is full, and it is not that of this machine's temporary folder: look at the local folders of "
            "Spark's executors (spark.local.dir) and at the warehouse"
        )
    place = next((parent for parent in (places[0], *places[0].parents) if parent.is_dir()), places[0])
    try:
        free = f" ({shutil.disk_usage(place).free / 2**20:.1f} MB free)"
    except OSError:  # it is another machine's
        free = ""
    hint = ", or name another one in TMPDIR, for Spark in spark.local.dir" if place in scratch_folders() else ""
    return DiskFullError(f"{place}: the disk is full{free}: make room{hint}")


def scratch_folders() -> list[Path]:
    """Where this process keeps temporary files: Spark gives its workers folders, others have the machine's own."""
    named = filter(None, os.environ.get("SPARK_LOCAL_DIRS", "").split(","))
    return [*map(Path, named), Path(tempfile.gettempdir())]


def _is_full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < _FULL_BYTES
    except OSError:
        return False


_FULL_BYTES = 64 * 2**20
"""Less than this is no room for a file of Spark's. What could not be written is gone again, so it need not be zero."""
_NAME_OF_FULL = re.compile(f"(?:{os.strerror(errno.ENOSPC)}|{os.strerror(errno.EDQUOT)}): '([^']+)'")


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

"""Tries files in a process of its own: one that kills or hangs whoever decodes it costs that process only.

A task that its own process did not survive tries its files here first, when Spark tries it again. So the ordinary way
costs nothing, and a poisonous file ends as a row of `failures`.
"""

from __future__ import annotations

import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection

from autotag_core.config import FacesConfig, FramesConfig, TextConfig
from autotag_core.failures import ItemError, Reason, Stage
from autotag_core.frames.fetch import fetch_bytes
from autotag_core.frames.load import read_frames, version_of
from autotag_core.frames.readers import load_readers

POISONOUS = (Reason.KILLED_WORKER, Reason.TIMED_OUT)
"""Reasons for which a file is not tried again, until its bytes change."""
_log = logging.getLogger(__name__)
_VERSION = re.compile(r"version ([0-9a-f]{32})")


class Guard:
    """A process that reads one file after another; a new one where a file has killed it."""

    def __init__(self, frames: FramesConfig, text: TextConfig | None = None, faces: FacesConfig | None = None) -> None:
        self._settings = (frames, text, faces)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Guard:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def check(self, uri: str) -> ItemError | None:
        """Why reading this file would be dangerous; None where it went well, or failed as any file may.

        KILLED_WORKER where the process died of it, TIMED_OUT where it took longer than item_deadline_s. The message
        names the version of the bytes, where they were fetched: `poison_of` finds it.
        """
        if self._process is None:
            self._start()
        assert self._process is not None
        deadline_s, version = self._settings[0].item_deadline_s, ""
        end = time.monotonic() + deadline_s
        try:
            self._ours.send(uri)
            while self._ours.poll(max(end - time.monotonic(), 0)):
                found = self._ours.recv()
                if found is None:
                    return None
                version = f" (version {found})"
        except (EOFError, OSError):
            code = self._process.wait()
            self._end()
            said = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            return ItemError(Stage.FRAMES, Reason.KILLED_WORKER, f"whoever reads it dies: {said}{version}")
        self._end()
        return ItemError(Stage.FRAMES, Reason.TIMED_OUT, f"not read within {deadline_s:g} s{version}")

    def _start(self) -> None:
        self._ours, theirs = Pipe()
        command = [sys.executable, "-m", "autotag_core.frames.guard", str(theirs.fileno())]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], env=environment)
        theirs.close()
        self._ours.send(self._settings)
        self._ours.recv()  # it has loaded what it needs, which is not the first file's fault

    def _end(self) -> None:
        if self._process is not None:
            self._ours.close()
            self._process.kill()
            self._process.wait()
            self._process = None


def poison_of(failures: Iterable[tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """(reason, message) by the version of the bytes, of rows (reason, message) of `failures` that name one."""
    found = ((_VERSION.search(message), reason, message) for reason, message in failures if reason in POISONOUS)
    return {match[1]: (reason, message) for match, reason, message in found if match}


def _serve(pipe: Connection) -> None:
    """Read what the other end names, until it closes; answer with the version of the bytes, then None."""
    frames, text, faces = pipe.recv()
    readers = load_readers(text, faces)
    pipe.send("ready")
    while True:
        uri = pipe.recv()
        try:
            data = fetch_bytes(uri, frames, threading.Event())
            pipe.send(version_of(data))
            read_frames(data, frames, readers)
        except Exception as error:  # the task will meet it too, and make a row of it
            _log.debug("%s: %s", uri, error)
        pipe.send(None)


if __name__ == "__main__":
    with suppress(EOFError):
        _serve(Connection(int(sys.argv[1])))

"""Makes a folder and runs one command in it; with its owner it ends the command's process group and the folder.

Standard input is a pipe that the owner holds open. It closes when the owner closes it, exits, crashes or is killed -9.
Run as a script with the standard library alone: guard.py FOLDER GRACE_SECONDS. It answers `ready` once the folder is
there. Then it takes one line, a JSON object of `command`, `environment` and `user` (a uid, or null).
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

EXITED = "exited"
"""The file in the folder that holds the command's exit code, once the command ended by itself."""
LOG = "output.log"
"""The file in the folder that holds what the command prints."""


def main(folder: Path, grace_s: float) -> NoReturn:
    """Guard one command until it and its owner are gone."""
    child: subprocess.Popen[bytes] | None = None
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: _end(child, grace_s, folder))
    folder.mkdir(mode=0o700)
    with contextlib.suppress(BrokenPipeError):
        os.write(1, b"ready\n")
    order = sys.stdin.buffer.readline()
    if order.endswith(b"\n"):
        try:
            child = _start(folder, **json.loads(order))
        except (OSError, subprocess.SubprocessError) as error:
            (folder / LOG).write_text(f"cannot start: {error}\n")
        while not _owner_is_gone(0.1) and child is not None and child.poll() is None:
            pass
        if child is None or child.poll() is not None:
            partial = folder / f".{EXITED}"
            partial.write_text("127" if child is None else str(child.returncode))
            partial.replace(folder / EXITED)
            _owner_is_gone(None)  # the owner still reads the log until then
    _end(child, grace_s, folder)


def _owner_is_gone(timeout_s: float | None) -> bool:
    return bool(select.select([0], [], [], timeout_s)[0])


def _start(folder: Path, command: list[str], environment: dict[str, str], user: int | None) -> subprocess.Popen[bytes]:
    prctl = getattr(ctypes.CDLL(None), "prctl", None)

    def die_with_the_guard() -> None:
        if prctl is not None:
            prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG

    identity: dict[str, Any] = {} if user is None else {"user": user, "group": user, "extra_groups": []}
    with (folder / LOG).open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=folder,
            start_new_session=True,
            preexec_fn=die_with_the_guard,  # noqa: PLW1509 the guard has one thread
            **identity,
        )


def _end(child: subprocess.Popen[bytes] | None, grace_s: float, folder: Path) -> NoReturn:
    if child is not None:
        if grace_s > 0 and child.poll() is None:
            _signal_group(child.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(grace_s)
        _signal_group(child.pid, signal.SIGKILL)
        child.wait()
    for _ in range(20):  # a dying process of the group may still write
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            break
        time.sleep(0.1)
    os._exit(0)


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))

"""Child processes that end with this process, however it ends: return, exception, Ctrl-C, SIGTERM or kill -9."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from autotag_core.errors import AutotagError
from autotag_core.local_machine import guard

Found = TypeVar("Found")


class Child:
    """A folder of its own and a command that runs in it. Both are gone when this process is, or at `stop`.

    A small guard process makes the folder, starts the command in a process group of its own and watches a pipe to this
    process. A death signal on the command alone would not do. It is sent when the thread that started the command ends,
    it does not reach grandchildren, and it leaves the folder.
    """

    def __init__(self, inside: Path | None = None, grace_s: float = 5) -> None:
        """Make `folder` within `inside` (default: TMPDIR). The end is SIGTERM and, grace_s later, SIGKILL."""
        inside = Path(tempfile.gettempdir()) if inside is None else inside
        inside.mkdir(parents=True, exist_ok=True)
        self.folder = inside / f"autotag-{secrets.token_hex(6)}"
        self._grace_s = grace_s
        self._guard = subprocess.Popen(
            [sys.executable, "-I", "-S", guard.__file__, str(self.folder), str(grace_s)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        if not self._guard.stdout or self._guard.stdout.readline() != b"ready\n":
            raise AutotagError(f"cannot make a folder in {inside}: it must exist and be writable")

    def start(self, command: list[str], environment: Mapping[str, str] | None = None, user: int | None = None) -> None:
        """Start the command in the folder, as `user` (a uid) if this process is root."""
        environment = dict(os.environ if environment is None else environment)
        order = json.dumps({"command": command, "environment": environment, "user": user})
        assert self._guard.stdin is not None
        self._guard.stdin.write(order.encode() + b"\n")
        self._guard.stdin.flush()

    def exit_code(self) -> int | None:
        """The exit code of a command that ended by itself. None while it runs."""
        if self._guard.poll() is not None:
            return self._guard.returncode
        with contextlib.suppress(OSError, ValueError):
            return int((self.folder / guard.EXITED).read_text())
        return None

    def wait(self, timeout_s: float, what: str) -> int:
        """The exit code once the command has ended. AutotagError after timeout_s."""
        return wait_for(self.exit_code, timeout_s, f"{what} took longer than {timeout_s:.0f} s: {self.log_tail()}")

    def log_text(self) -> str:
        """Everything the command has printed so far."""
        try:
            return (self.folder / guard.LOG).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""

    def log_tail(self, lines: int = 15) -> str:
        """The last lines that the command printed, each indented on a line of its own."""
        tail = [line for line in self.log_text().splitlines() if line.strip()][-lines:]
        return "".join(f"\n    {line[:300]}" for line in tail) or "it printed nothing"

    def stop(self) -> None:
        """End the command and everything it started, and remove its folder. Safe to call twice."""
        for pipe in (self._guard.stdin, self._guard.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        try:
            self._guard.wait(self._grace_s + 30)
        except subprocess.TimeoutExpired:
            self._guard.kill()
            self._guard.wait()


class LocalServer:
    """A server that runs as a child of this process: `with` starts it, and it ends with the block or the process."""

    _child: Child | None = None

    def __enter__(self) -> Self:
        try:
            self._start()
            return self
        except BaseException:
            self.stop()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End the server. Safe to call twice."""
        if self._child is not None:
            self._child.stop()
            self._child = None

    def _start(self) -> None:
        """Start it, and return once it answers."""
        raise NotImplementedError


def wait_for(look: Callable[[], Found | None], timeout_s: float, complaint: str) -> Found:
    """What `look` returns, as soon as it is not None. AutotagError with the complaint after timeout_s."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        found = look()
        if found is not None:
            return found
        time.sleep(0.05)
    raise AutotagError(complaint)


def free_port() -> int:
    """A port of 127.0.0.1 that is free now. Another process may take it first, so be ready to try again."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def without_proxy() -> dict[str, str]:
    """The variables that keep requests to this machine away from a proxy that the environment may name."""
    kept = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    value = ",".join(dict.fromkeys([*filter(None, kept.split(",")), "127.0.0.1", "localhost"]))
    return {"NO_PROXY": value, "no_proxy": value}


def can_be_reached(path: Path, user: int) -> bool:
    """Whether another user may enter every folder down to this one and read it."""
    path = path.resolve()
    readable = all(path.stat().st_mode & bit for bit in (0o001, 0o004)) or path.stat().st_uid == user
    return readable and all(place.stat().st_mode & 0o001 or place.stat().st_uid == user for place in path.parents)

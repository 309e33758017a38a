"""A fault that kills a command when it sends a request: exactly there, whatever the command's own code is like."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass

from benchmarks.chaos.house import Command
from benchmarks.chaos.proxy import Answer, Forward, Request


@dataclass(frozen=True)
class Moment:
    """The `nth` request whose `METHOD path` matches, once one that matches `since` was answered.

    A request that deletes several objects has their names after its path.
    """

    pattern: str
    is_after: bool = False
    """Whether the server still gets the request, and the command is killed before it hears the answer."""
    since: str | None = None
    nth: int = 1


class Strike:
    """A fault for all proxies of a command; `is_done` says whether it came to the moment."""

    def __init__(self, moment: Moment) -> None:
        self._moment = moment
        self._command: Command | None = None
        self._has_begun = moment.since is None
        self._num_seen = 0
        self._lock = threading.Lock()
        self.is_done = False

    def aim(self, command: Command) -> None:
        """Kill this one."""
        self._command = command

    def __call__(self, request: Request, forward: Forward) -> Answer | None:
        """The server's answer until the moment; none from then on, since nobody is there to hear it."""
        line = _line(request)
        is_due = self._is_due(line)
        answer = None if self.is_done or (is_due and not self._moment.is_after) else forward(request)
        if is_due:
            self._kill()
        elif self._moment.since and re.search(self._moment.since, line):
            self._has_begun = True
        return None if self.is_done else answer

    def _is_due(self, line: str) -> bool:
        """Whether this is the moment's request."""
        with self._lock:
            if self.is_done or not self._has_begun or not re.search(self._moment.pattern, line):
                return False
            self._num_seen += 1
            return self._num_seen == self._moment.nth

    def _kill(self) -> None:
        self.is_done = True
        if self._command is not None:
            self._command.kill()


def _line(request: Request) -> str:
    line = f"{request.method} {request.path}"
    return f"{line} {request.body.decode(errors='replace')}" if "?delete" in request.path else line

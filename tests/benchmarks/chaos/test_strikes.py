"""A command is killed at the request that is named, and the server has or has not done it."""

from __future__ import annotations

import signal
import sys

from benchmarks.chaos.house import Command
from benchmarks.chaos.proxy import Answer, Request
from benchmarks.chaos.strikes import Moment, Strike

REQUESTS = ("PUT /runs/1", "POST /_aliases", "PUT /runs/2", "PUT /runs/3")


def struck(moment: Moment) -> tuple[list[str], int]:
    """What reached the server, and the exit code of the command."""
    command = Command([], program=[sys.executable, "-c", "import time; time.sleep(60)"])
    strike, done = Strike(moment), list[str]()

    def forward(request: Request) -> Answer:
        done.append(f"{request.method} {request.path}")
        return Answer(200)

    strike.aim(command)
    for line in REQUESTS:
        strike(Request(*line.split(), [], b""), forward)
        if strike.is_done:
            break
    command.kill()
    return done, command.wait().code


def test_a_command_is_killed_before_or_after_the_request_that_is_named() -> None:
    killed = -signal.SIGKILL
    assert struck(Moment("^PUT /runs")) == ([], killed)
    assert struck(Moment("^PUT /runs", is_after=True)) == (["PUT /runs/1"], killed)
    assert struck(Moment("^PUT /runs", since="/_aliases")) == (["PUT /runs/1", "POST /_aliases"], killed)
    assert struck(Moment("^PUT /runs", nth=2, is_after=True)) == (
        ["PUT /runs/1", "POST /_aliases", "PUT /runs/2"],
        killed,
    )
    assert struck(Moment("^POST /other"))[0] == list(REQUESTS)

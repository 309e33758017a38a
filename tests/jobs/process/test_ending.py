"""Signals and outages end a command in time, with one line and its exit code, whatever its main thread waits for."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from autotag_core.local_machine import PROJECT
from jobs.process.ending import Ending

STOPPED = "stopped: readers see what was published last\n"
COMMAND = """
import hashlib, threading, time
from autotag_core import outages
from autotag_core.errors import OutageError
from jobs.process import ending
from jobs.process.exit_codes import explained
ending.STOP_S = {stop_s}

def deep_in_c():
    print("ready", flush=True)
    hashlib.pbkdf2_hmac("sha256", b"x", b"y", 2**31 - 1)  # for an hour, and no handler runs meanwhile

def cleaning_up():
    try:
        print("ready", flush=True)
        time.sleep(60)
    finally:
        time.sleep(60)

def with_a_thread_that_hangs():
    threading.Thread(target=time.sleep, args=(60,)).start()
    print("ready", flush=True)
    time.sleep(60)

def with_an_outage():
    outages.OUTAGE_S, outages.EVERY_S = 0.5, 0.1
    def ask(): raise OutageError("s3a://gifs: no answer")
    with outages.watched(ask):
        {of_outage}()

with explained():
    {block}()
"""


def ended(
    block: str,
    *signals: signal.Signals,
    stop_s: float = 1,
    of_outage: str = "deep_in_c",
    wait_s: float = 0.5,
) -> tuple[int, str, float]:
    """Exit code, standard error, and seconds from the first signal (or from `ready`) to the end."""
    script = COMMAND.format(stop_s=stop_s, block=block, of_outage=of_outage)
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        time.sleep(wait_s)
        start = time.monotonic()
        for number in signals:
            process.send_signal(number)
            time.sleep(0.3)
        try:
            _, said = process.communicate(timeout=30)
        finally:
            process.kill()
    return process.returncode, said, time.monotonic() - start


@pytest.mark.parametrize(
    ("block", "number", "exit_code"),
    [
        ("deep_in_c", signal.SIGINT, 130),
        ("deep_in_c", signal.SIGTERM, 143),
        ("cleaning_up", signal.SIGTERM, 143),
        ("with_a_thread_that_hangs", signal.SIGINT, 130),
    ],
)
def test_one_signal_ends_what_hangs_in_c_in_cleaning_up_or_in_a_thread(
    block: str, number: signal.Signals, exit_code: int
) -> None:
    code, said, seconds = ended(block, number)
    assert (code, said) == (exit_code, STOPPED)
    assert seconds < 5


def test_a_second_signal_ends_it_at_once() -> None:
    code, said, seconds = ended("cleaning_up", signal.SIGINT, signal.SIGINT, stop_s=60)
    assert (code, said) == (130, STOPPED)
    assert seconds < 5


@pytest.mark.parametrize("of_outage", ["deep_in_c", "with_a_thread_that_hangs"])
def test_an_outage_ends_it_as_one_line_that_names_the_place(
    of_outage: str,
) -> None:
    code, said, seconds = ended("with_an_outage", of_outage=of_outage)
    assert (code, said) == (3, "error: s3a://gifs: no answer\n")
    assert seconds < 5


def test_a_signal_after_an_outage_ends_it_at_once() -> None:
    code, said, seconds = ended("with_an_outage", signal.SIGINT, stop_s=60, wait_s=2)
    assert (code, said) == (3, "error: s3a://gifs: no answer\n")
    assert seconds < 5


@pytest.mark.parametrize(("takes_s", "said"), [(0.3, STOPPED), (30.0, "")])
def test_a_line_that_is_being_printed_is_waited_for_unless_it_hangs(
    takes_s: float, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    written, began = io.StringIO(), threading.Event()

    class Slow(io.StringIO):
        def write(self, text: str) -> int:
            began.set()
            time.sleep(takes_s)
            return written.write(text)

    monkeypatch.setattr(sys, "stderr", Slow())
    monkeypatch.setattr(os, "_exit", lambda code: written.write(f"exit {code}"))
    ending = Ending()
    threading.Thread(target=ending.say, args=(STOPPED.strip(),), daemon=True).start()
    assert began.wait(10)
    start = time.monotonic()
    ending.now()
    assert written.getvalue().replace("\n", "") == f"{said.strip()}exit 0"
    assert time.monotonic() - start < 10

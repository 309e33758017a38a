"""A command and its folder go with their owner, whenever it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autotag_core.errors import AutotagError
from autotag_core.local_machine import PROJECT
from autotag_core.local_machine.children import Child

OWNER = """
import sys, time
from pathlib import Path
from autotag_core.local_machine.children import Child
print("go", flush=True)
child = Child(Path(sys.argv[1]))
child.start(["bash", "-c", "sleep 600 & sleep 600 & wait"])
time.sleep(600)
"""


def processes_in(folder: Path) -> int:
    """Processes whose current folder lies below this one."""
    places = []
    for process in Path("/proc").glob("[0-9]*/cwd"):
        try:
            places.append(process.readlink())
        except OSError:
            continue
    return sum(place.is_relative_to(folder) for place in places)


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("after_s", [0.0, 0.02, 0.1, 1.0])
def test_whenever_the_owner_ends_nothing_is_left(end: signal.Signals, after_s: float, tmp_path: Path) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path)],
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert owner.stdout is not None
    assert owner.stdout.readline() == b"go\n"
    while not list(tmp_path.iterdir()):
        time.sleep(0.001)
    time.sleep(after_s)
    owner.send_signal(end)
    owner.wait()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and (list(tmp_path.iterdir()) or processes_in(tmp_path)):
        time.sleep(0.05)
    assert (list(tmp_path.iterdir()), processes_in(tmp_path)) == ([], 0)


def test_grandchildren_end_with_stop_even_when_they_ignore_the_first_signal(tmp_path: Path) -> None:
    child = Child(tmp_path, grace_s=0.5)
    child.start(["bash", "-c", "trap '' TERM; (trap '' TERM; touch up; sleep 600) & wait"])
    while not (child.folder / "up").exists():
        time.sleep(0.01)
    assert processes_in(child.folder) >= 2
    child.stop()
    assert (list(tmp_path.iterdir()), processes_in(tmp_path)) == ([], 0)
    child.stop()  # again is no error


def test_a_command_that_ends_leaves_its_code_and_its_output_until_stop(tmp_path: Path) -> None:
    child = Child(tmp_path)
    child.start(["sh", "-c", "echo out of order >&2; exit 7"])
    assert child.wait(20, "the command") == 7
    assert child.log_tail() == "\n    out of order"
    child.stop()
    assert list(tmp_path.iterdir()) == []


def test_a_command_that_is_not_there_says_so(tmp_path: Path) -> None:
    child = Child(tmp_path)
    child.start(["/no/such/program"])
    assert child.wait(20, "the command") == 127
    assert "No such file or directory: '/no/such/program'" in child.log_text()
    child.stop()


def test_waiting_too_long_is_an_error_with_the_last_lines(tmp_path: Path) -> None:
    child = Child(tmp_path, grace_s=0)
    child.start(["sh", "-c", "echo still at it; sleep 600"])
    while "still" not in child.log_text():
        time.sleep(0.01)
    with pytest.raises(AutotagError, match=r"the command took longer than 0 s: \n    still at it"):
        child.wait(0.2, "the command")
    child.stop()

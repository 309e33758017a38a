"""What a process has started is known, to the last grandchild, and told from later processes of the same numbers."""

from __future__ import annotations

import os
import subprocess
import sys

from autotag_core.processes import descendants, start_of

GRANDPARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; print('here', flush=True); time.sleep(60)"])
print(child.pid, flush=True)
time.sleep(60)
"""


def test_children_and_theirs_are_found_while_they_run_and_a_dead_one_has_no_start() -> None:
    with subprocess.Popen([sys.executable, "-c", GRANDPARENT], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        grandchild = int(next(line for line in child.stdout if line.strip().isdigit()))
        found = descendants(os.getpid())
        assert {child.pid, grandchild} <= found.keys() and list(descendants(child.pid)) == [grandchild]
        assert found[grandchild] == start_of(grandchild) != ""
        os.kill(grandchild, 9)
        child.kill()
    assert start_of(child.pid) == "" and start_of(2**30) == ""

"""`autotag gates`: what a night must reach to be published, and how far the last nights were from it."""

from __future__ import annotations

from autotag_core.terminal import shown
from jobs.commands.options import Warehouse
from jobs.commands.output import say

NUM_RUNS = 5


def gates(warehouse: Warehouse) -> None:
    """Print each gate, the setting that holds its limit, and what it showed in the last runs, newest first.

    A gate that holds a night back is overruled for one night by `autotag nightly --accept GATE`.
    """
    from autotag_core.warehouse import list_runs
    from jobs.release.gates import GATES

    runs = [run for run in reversed(list_runs(warehouse)) if run.gates][:NUM_RUNS]
    for gate, setting in GATES.items():
        say(f"{gate}  (gates.{setting})")
        judged = [run for run in runs if gate in run.gates]
        for run in judged:
            say(f"  {run.run_id}  {run.status:<13}  {shown(run.gates[gate])}")
        if not judged:
            say("  no run has come to it yet")

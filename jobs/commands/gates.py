"""`autotag gates`: what a night must reach to be published, and how far the last nights were from it."""

from __future__ import annotations

from autotag_core.terminal import shown
from jobs.commands.options import Warehouse
from jobs.commands.output import say

NUM_RUNS = 5


def gates(warehouse: Warehouse) -> None:
    """Print each gate, what holds its limit, where to look, and what it showed in the last runs, newest first.

    A gate that holds a night back is overruled for one night by `autotag nightly --accept GATE`. The last two lists are
    of checks that no --accept overrules.
    """
    from autotag_core.warehouse import list_runs
    from jobs.release.gates import GATES, NOTED

    runs = [run for run in reversed(list_runs(warehouse)) if run.gates][:NUM_RUNS]
    heads = {gate: f"{spec.name_of_limit}, see the table {spec.table.name}" for gate, spec in GATES.items()}
    heads |= {check: f"{why}, not overruled" for check, why in NOTED.items()}
    for gate, head in heads.items():
        say(f"{gate}  ({head})")
        judged = [run for run in runs if gate in run.gates]
        for run in judged:
            say(f"  {run.run_id}  {run.status:<13}  {shown(run.gates[gate])}")
        if not judged:
            say("  no run has come to it yet")

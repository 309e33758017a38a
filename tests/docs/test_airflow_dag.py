"""The DAG is loaded by a real Airflow, and its tasks call the command and end as its exit codes say."""

from __future__ import annotations

import ast
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from jobs.commands import app as cli

ROOT = Path(__file__).resolve().parents[2]
DAG = ROOT / "docs" / "operations" / "airflow_dag.py"
LOAD = """
import json, sys
from airflow.dag_processing.dagbag import DagBag

bag = DagBag(sys.argv[1])
assert bag.import_errors == {}, bag.import_errors
dag = bag.dags["autotag"]
ended = {}
for task in dag.tasks:
    try:
        task.python_callable()
        ended[task.task_id] = "success"
    except Exception as error:
        ended[task.task_id] = f"{type(error).__name__}: {error}"
tasks = {task.task_id: {"after": sorted(task.upstream_task_ids), "retries": task.retries} for task in dag.tasks}
known = {"active": dag.max_active_runs, "catchup": dag.catchup}
print("FOUND " + json.dumps({"ended": ended, "tasks": tasks} | known))
"""
Load = Callable[[int], tuple[dict[str, Any], list[list[str]]]]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Load the DAG and call each task, with a command `autotag` of this exit code: what was found, and the calls."""
    python = ROOT / ".venv-airflow" / "bin" / "python"
    if not python.exists():
        pytest.skip("no .venv-airflow: `make test-airflow` makes it")

    def run(exit_code: int) -> tuple[dict[str, Any], list[list[str]]]:
        calls = tmp_path / "calls"
        command = tmp_path / "autotag"
        command.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >> {calls}\nexit {exit_code}\n')
        command.chmod(0o755)
        home = {"AIRFLOW_HOME": str(tmp_path / "airflow"), "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
        done = subprocess.run(
            [python, "-c", LOAD, DAG], env=os.environ | home, capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == 0, done.stderr
        found = next(line for line in done.stdout.splitlines() if line.startswith("FOUND "))
        return json.loads(found.removeprefix("FOUND ")), [line.split() for line in calls.read_text().splitlines()]

    return run


def test_airflow_loads_it_and_the_night_follows_the_doctor(load: Load) -> None:
    found, calls = load(0)
    assert found["tasks"] == {"doctor": {"after": [], "retries": 2}, "nightly": {"after": ["doctor"], "retries": 1}}
    assert (found["active"], found["catchup"]) == (1, False)
    assert found["ended"] == {"doctor": "success", "nightly": "success"}
    commands = typer.main.get_command(cli.app).commands  # type: ignore[attr-defined]
    assert [call[0] for call in calls] == ["doctor", "nightly"]
    for name, *arguments in calls:
        assert commands[name].make_context(name, arguments).params["warehouse"] == "s3a://bucket/warehouse"


@pytest.mark.parametrize(
    ("exit_code", "error"), [(1, "AirflowException"), (2, "AirflowFailException"), (3, "AirflowException")]
)
def test_only_wrong_input_is_not_tried_again(exit_code: int, error: str, load: Load) -> None:
    assert load(exit_code)[0]["ended"]["nightly"] == (
        f"{error}: exit code {exit_code}: docs/runbook.md#exit-code-{exit_code}"
    )


def test_without_airflow_it_is_at_least_python_that_imports_nothing_else() -> None:
    tree = ast.parse(DAG.read_text(encoding="utf-8"))
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert modules == {"__future__", "datetime", "airflow.sdk", "airflow.sdk.exceptions"}

"""A night a day on Airflow 3, on a worker that has `autotag` on PATH: first the doctor, then the night.

Copy it into the DAGs folder and name your places. Credentials come from the worker's environment.
"""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta

from airflow.sdk import dag, task
from airflow.sdk.exceptions import AirflowException, AirflowFailException

PLACES = {
    "--catalog": "s3a://bucket/catalog.jsonl",
    "--warehouse": "s3a://bucket/warehouse",
    "--elasticsearch": "http://elasticsearch:9200",
}
METRICS = "/var/lib/node_exporter/textfile/autotag.prom"
WRONG_INPUT = 2
"""The exit code of what will fail again until somebody mends it: docs/runbook.md."""


def run(*arguments: str) -> None:
    """Run the command. Its lines are the task's log.

    AirflowFailException, which is not tried again, for wrong input; AirflowException for other errors.
    """
    with subprocess.Popen(arguments) as process:
        try:
            exit_code = process.wait()
        except BaseException:  # a time limit, or somebody stopped the task: the night cleans up after SIGTERM
            process.terminate()
            raise
    if exit_code == WRONG_INPUT:
        raise AirflowFailException(f"exit code {exit_code}: docs/runbook.md#exit-code-{exit_code}")
    if exit_code:
        raise AirflowException(f"exit code {exit_code}: docs/runbook.md#exit-code-{exit_code}")


@dag(
    dag_id="autotag",
    schedule="0 1 * * *",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,  # a night always works on today's catalog
    max_active_runs=1,  # a second writer would be refused by the warehouse's lease
    tags=["autotag"],
)
def autotag() -> None:
    """The night, after a check of what it needs."""
    places = [word for pair in PLACES.items() for word in pair]

    @task(retries=2, retry_delay=timedelta(minutes=10))
    def doctor() -> None:
        """Try Java, stores and servers in half a minute, before hours of work."""
        run("autotag", "doctor", *places)

    @task(retries=1, retry_delay=timedelta(minutes=15), execution_timeout=timedelta(hours=12))
    def nightly() -> None:
        """The night. A second try takes up what the first has done."""
        run("autotag", "nightly", *places, "--metrics", METRICS)

    doctor() >> nightly()


autotag()

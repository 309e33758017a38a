"""The analyst's notebooks run to their end on the tables of two nights, and say the same by DuckDB and by Spark."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import papermill
import pytest
from pyspark.sql import SparkSession

from autotag_core.config.file import load_config
from autotag_core.evaluation.search_quality.ranking_measures import RankingMeasures
from autotag_core.evaluation.search_quality.search_report import QueryResult, SearchReport, Side
from autotag_core.local_machine import PROJECT
from autotag_core.reports.release_sql import Sql
from autotag_core.sample import UploaderRates, write_sample
from autotag_core.tables import LABEL_DECISIONS
from autotag_core.warehouse.own_tables import replace_rows
from jobs.nightly import Request, run_nightly
from jobs.reports.spark_sql import spark_sql

pytestmark = pytest.mark.integration
FOLDER = PROJECT / "notebooks"
NEW_GIFS = 3


@pytest.fixture(scope="module")
def place(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the warehouse of two nights. The second has NEW_GIFS more, and the report of a search-eval."""
    folder = tmp_path_factory.mktemp("notebooks")
    rates = UploaderRates(reviewed=0.3)  # enough validation GIFs for probabilities
    write_sample(str(folder), 24, seed=3, num_broken=3, workers=1, rates=rates)
    settings = [
        "experts=[imagenet, semantic]",
        "neighbors.backend=exact",
        "vote.lower_bound=0",
        "vote.min_evaluation_gifs=3",
    ]
    config = load_config(None, [*settings, "reports.enabled=false"])
    rows = (folder / "catalog.jsonl").read_text().splitlines(keepends=True)
    for name, some in (("first", rows[NEW_GIFS:]), ("catalog", rows)):
        (folder / f"{name}.jsonl").write_text("".join(some))
        run_nightly(Request(f"{folder}/{name}.jsonl", f"{folder}/warehouse", config))
    decisions = [
        {"tag": "cats", "num_gifs": 3, "stage": "forms", "decision": "joined", "why": "plural of cat", "label": "cat"},
        {"tag": "cat", "num_gifs": 5, "stage": "chosen", "decision": "label", "why": "", "label": "cat"},
        {"tag": "gif", "num_gifs": 9, "stage": "generic", "decision": "dropped", "why": "says nothing", "label": None},
    ]
    replace_rows(f"{folder}/warehouse", LABEL_DECISIONS, decisions)
    good, bad = Side(3, RankingMeasures(0.9, 0.8)), Side(2, RankingMeasures(0.5, 0.4))
    queries = (
        QueryResult("cat", 7, 2, bad, good),
        QueryResult("dog", 2, 2, good, bad, ("gif-1 was 1 and is 2",)),
        QueryResult("nothing", 1, 0, Side(0, None), Side(0, None)),
    )
    (folder / "search_eval.json").write_text(SearchReport("raw", "gifs", 10, queries).to_json())
    (folder / "gifs").rename(folder / "elsewhere")  # as after `make run`, whose catalog names a stopped server
    return folder


def test_the_first_notebook_runs_in_a_kernel_and_shows_gifs(place: Path, tmp_path: Path) -> None:
    parameters = {"warehouse": f"{place}/warehouse", "pictures": {f"{place}/gifs/": f"{place}/elsewhere/"}}
    result = tmp_path / "result.ipynb"
    papermill.execute_notebook(
        FOLDER / "explore_tags.ipynb", result, parameters, progress_bar=False, kernel_name="python3"
    )
    shown = [str(cell.outputs) for cell in code_cells(result)]
    assert any("data:image/gif;base64" in text and "nearest to imagenet" in text for text in shown)
    assert not any("there is no such" in text for text in shown), "every picture is found"
    assert any("application/vnd.plotly.v1+json" in text for text in shown)
    assert any("published vote" in text for text in shown)


def code_cells(path: Path) -> list[Any]:
    return [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code" and cell.source]


@pytest.fixture
def ran(request: pytest.FixtureRequest, place: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What a notebook's cells left behind, run one after the other in this process, and what they displayed."""
    monkeypatch.chdir(FOLDER)
    shown: list[Any] = []
    names: dict[str, Any] = {"display": shown.append, "shown": shown}
    given = {"warehouse": f"{place}/warehouse", "search_eval": f"{place}/search_eval.json"}
    for cell in code_cells(FOLDER / f"{request.param}.ipynb"):
        exec(compile(cell.source, request.param, "exec"), names)
        names |= given
    return names


NOTEBOOKS = sorted(path.stem for path in FOLDER.glob("*.ipynb"))
OTHERS = [name for name in NOTEBOOKS if name != "explore_tags"]


def test_each_notebook_is_held_by_a_test() -> None:
    assert OTHERS == ["cost", "coverage", "drift", "experts", "labels", "search"]


@pytest.mark.parametrize("ran", OTHERS, indirect=True)
def test_every_query_has_rows_and_says_the_same_by_spark(ran: dict[str, Any], spark: SparkSession, place: Path) -> None:
    queries = {name: text for name, text in ran.items() if name.isupper() and name != "HAS_TAG"}
    assert queries
    by_duckdb: Sql = ran["sql"]
    by_spark = spark_sql(f"{place}/warehouse", None, ran.get("before"), spark)
    for name, query in queries.items():
        one, other = by_duckdb(query), by_spark(query)
        assert len(one) or name in {"MOST_VIEWED", "NO_LABEL"}, name
        assert list(one.columns) == list(other.columns), name
        for value, right in zip(plain(one), plain(other), strict=True):
            assert value == (pytest.approx(right, abs=0.011) if isinstance(right, float) else right), name
        order = query.rpartition("order by ")[2]
        assert order != query and order.count("(") == order.count(")"), f"{name} has an order of its own"
    assert len(ran["shown"][-1]), "the last section shows what Spark says"


def plain(rows: pd.DataFrame) -> list[Any]:
    """All values, row by row, in types that both engines agree on. Halves may round either way."""
    return [_plain(value) for row in rows.itertuples(index=False) for value in row]


def _plain(value: Any) -> Any:
    if value is None or value is pd.NaT or (isinstance(value, float) and pd.isna(value)):
        return None
    if isinstance(value, pd.Timestamp):
        return str(value.tz_convert("UTC").tz_localize(None) if value.tzinfo else value)
    try:
        return float(value)
    except (TypeError, ValueError):
        return str(value)


@pytest.mark.parametrize("ran", ["drift"], indirect=True)
def test_drift_compares_with_the_night_before(ran: dict[str, Any]) -> None:
    gifs = dict(ran["sql"](ran["GIFS"]).itertuples(index=False))
    assert gifs["new"] == NEW_GIFS and gifs["as before"] == 27 - NEW_GIFS and set(gifs) == {"new", "as before"}


@pytest.mark.parametrize("ran", ["labels"], indirect=True)
def test_labels_shows_tags_that_became_no_label_and_those_that_were_joined(ran: dict[str, Any]) -> None:
    assert ran["sql"](ran["NO_LABEL"])["tag"].tolist() == ["gif"]
    assert ran["sql"](ran["JOINED"]).to_dict("records") == [
        {"label": "cat", "tags": 2, "uses": 8, "first_tag": "cat", "last_tag": "cats"}
    ]


@pytest.mark.parametrize("ran", ["search"], indirect=True)
def test_search_shows_queries_that_lose_and_those_that_find_nothing(ran: dict[str, Any]) -> None:
    assert ran["lost"]["query"].tolist() == ["dog"]
    assert ran["nothing"]["query"].tolist() == ["nothing"]
    assert json.loads(Path(ran["search_eval"]).read_text())["queries"][1]["why"] == ["gif-1 was 1 and is 2"]


@pytest.mark.parametrize("ran", ["coverage"], indirect=True)
def test_coverage_counts_each_gif_once_in_each_state(ran: dict[str, Any]) -> None:
    assert ran["tags_of_a_gif"].groupby("state")["gifs"].sum().to_dict() == {"as uploaded": 27, "now": 27}


@pytest.mark.parametrize("ran", ["cost"], indirect=True)
def test_cost_counts_each_second_of_a_stage_once_though_its_parts_are_recorded_too(ran: dict[str, Any]) -> None:
    cost, seconds, parts = (ran["sql"](ran[name]) for name in ("COST", "SECONDS", "PARTS"))
    assert "frames:fetch" in set(parts["part"]) and not any(":" in stage for stage in seconds["stage"])
    of_runs = seconds.groupby("run_id")["seconds"].sum()
    for row in cost.itertuples():
        assert row.seconds == pytest.approx(of_runs[row.run_id], abs=0.2)
        assert row.dollars == pytest.approx(row.seconds / 3600, abs=1e-3)  # at a dollar an hour

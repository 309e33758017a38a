"""The analyst's notebook runs to its end on the tables of a run, and shows what it promises."""

from __future__ import annotations

from pathlib import Path

import nbformat
import papermill
import pytest
from pyspark.sql import SparkSession

from autotag_core.config.file import load_config
from autotag_core.sample import write_sample
from autotag_core.local_machine import PROJECT
from jobs.nightly import Request, run_nightly

pytestmark = pytest.mark.integration


def test_the_notebook_runs_to_its_end(spark: SparkSession, tmp_path: Path) -> None:
    write_sample(str(tmp_path), 24, seed=3, num_broken=3, workers=1)
    config = load_config(None, ["experts=[imagenet, semantic]", "neighbors.backend=exact", "vote.lower_bound=0"])
    run_nightly(Request(f"{tmp_path}/catalog.jsonl", f"{tmp_path}/warehouse", config))
    (tmp_path / "gifs").rename(tmp_path / "elsewhere")  # as after `make run`, whose catalog names a stopped server
    parameters = {
        "warehouse": f"{tmp_path}/warehouse",
        "pictures": {f"{tmp_path}/gifs/": f"{tmp_path}/elsewhere/"},
    }
    source, result = PROJECT / "notebooks" / "explore_tags.ipynb", tmp_path / "result.ipynb"
    papermill.execute_notebook(source, result, parameters, progress_bar=False, kernel_name="python3")
    cells = [cell for cell in nbformat.read(result, 4).cells if cell.cell_type == "code" and cell.source]
    shown = [str(cell.outputs) for cell in cells]
    assert any("data:image/gif;base64" in text and "nearest to imagenet" in text for text in shown)
    assert not any("there is no such" in text for text in shown), "every picture is found"
    assert any("application/vnd.plotly.v1+json" in text for text in shown)
    assert any("published vote" in text for text in shown)

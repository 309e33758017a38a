import json

import numpy as np
import pytest

from autotag_core.evaluation.per_gif import PerGif
from benchmarks import quality_record
from benchmarks.quality_outcomes import Outcomes
from benchmarks.quality_record import KEYS, RULES, committed, markdown, write

FIGURES = {rule: dict(zip(KEYS, (0.91, 0.5 + place / 10, 0.25, None), strict=True)) for place, rule in enumerate(RULES)}
LINES = [
    "| drawn | abc | published | 0.910 | 0.500 | 0.250 | - |",
    "| drawn | abc | reliability | 0.910 | 0.600 | 0.250 | - |",
    "| drawn | abc | learned | 0.910 | 0.700 | 0.250 | - |",
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(quality_record, "FIGURES", tmp_path)
    monkeypatch.setattr(quality_record, "product_commit", lambda: "abc")
    return tmp_path


def outcomes(num_gifs):
    none = {name: np.zeros(0) for name in PerGif.__dataclass_fields__}
    return Outcomes(num_gifs, PerGif(**none))


def test_each_figure_stands_below_its_own_name_also_after_a_file_that_sorts_them(folder):
    write({"drawn": (FIGURES, outcomes(9))})
    write({"another": (FIGURES, outcomes(8))})
    lines = (folder / "README.md").read_text().splitlines()
    assert lines[-8] == "| catalog | commit | rule | AUC | added@1 | missing@5 | ECE |"
    assert lines[-3:] == LINES


def test_what_is_written_of_one_catalog_leaves_the_others(folder):
    write({"drawn": (FIGURES, outcomes(9))})
    write({"another": (FIGURES, outcomes(8))})
    assert (committed("drawn").num_gifs, committed("another").num_gifs, committed("none")) == (9, 8, None)
    assert sorted(json.loads((folder / "figures.json").read_text())) == ["another", "drawn"]


def test_the_committed_table_is_the_one_of_the_committed_figures():
    known = json.loads((quality_record.FIGURES / "figures.json").read_text(encoding="utf-8"))
    assert (quality_record.FIGURES / "README.md").read_text(encoding="utf-8") == markdown(known)

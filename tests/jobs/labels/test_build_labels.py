"""A catalog's tags become labels, an editor corrects them, and his word outlives the next build."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from autotag_core.config import Config, LabelsConfig
from autotag_core.errors import InputError
from autotag_core.labels import read_edits, read_labels
from autotag_core.warehouse.delta import open_table
from jobs.commands import app as cli
from jobs.evaluation.evaluate_labels import evaluate_labels
from jobs.labels.apply_review import apply_labels
from jobs.labels.build_labels import LabelsRequest, build_labels

GIFS: list[tuple[int, list[str]]] = [
    (30, ["Cat", "animal", "lol"]),
    (14, ["#cats", "animal"]),
    (1, ["caat", "animal"]),
    (12, ["lmao", "party"]),
    (25, ["happy birthday", "cake", "party"]),
    (1, ["Happy Birtday!!", "cake"]),
    (9, ["gato", "cumpleaños", "animales"]),
    (6, ["tom hanks", "party"]),
    (20, ["bear", "forest", "animal"]),
    (20, ["beer", "party", "pub"]),
]
TRUTH = [
    ("Cat", "en", "word", "cat", "cat"),
    ("#cats", "en", "word", "cats", "cat"),
    ("caat", "en", "word", "cat", "cat"),
    ("Happy Birtday!!", "en", "word", "happy birthday", "happy birthday"),
    ("happy birthday", "en", "word", "happy birthday", "happy birthday"),
    ("lol", "en", "word", "lol", "lol"),
    ("lmao", "en", "word", "lmao", "lol"),
    ("gato", "es", "word", "gato", None),
    ("tom hanks", "en", "person", "tom hanks", None),
    ("bear", "en", "word", "bear", "bear"),
    ("beer", "en", "word", "beer", "beer"),
]
CONFIG = Config(labels=LabelsConfig(languages=("es",)))


@dataclass
class Built:
    folder: Path
    said: list[str]

    @property
    def warehouse(self) -> str:
        return str(self.folder / "warehouse")

    def build(self) -> str:
        """Build (again); what it said."""
        self.said.clear()
        request = LabelsRequest(
            str(self.folder / "catalog.jsonl"), self.warehouse, CONFIG, entities=str(self.folder / "entities.jsonl")
        )
        build_labels(request, self.said.append)
        return "\n".join(self.said)

    def members(self) -> dict[str, list[str]]:
        return {row["label"]: row["members"] for row in read_labels(self.warehouse)[0].to_pylist()}

    def review(self, cells: dict[str, dict[str, str]]) -> str:
        """The review file with these cells of the editor, by label."""
        file = self.folder / "warehouse" / "labels_review.csv"
        reader = csv.DictReader(io.StringIO(file.read_text(encoding="utf-8-sig"), newline=""))
        rows = [row | cells.get(row["label"], {}) for row in reader]
        out = self.folder / "edited.csv"
        with out.open("w", encoding="utf-8-sig", newline="") as handle:
            writer = csv.DictWriter(handle, reader.fieldnames or [])
            writer.writeheader()
            writer.writerows(rows)
        return str(out)


@pytest.fixture(scope="module")
def built(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("labels")
    rows: list[dict[str, Any]] = []
    for number, tags in GIFS:
        rows += [{"gif_id": f"g{len(rows) + more}", "uri": "x.gif", "tags": tags} for more in range(number)]
    rows.append({"uri": "y.gif", "tags": ["cat"]})
    (folder / "catalog.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "entities.jsonl").write_text('{"label": "Tom Hanks", "kind": "person"}\n')
    names = ("tag", "language", "kind", "meant", "label")
    lines = [json.dumps(dict(zip(names, row, strict=True))) + "\n" for row in TRUTH]
    (folder / "truth.jsonl").write_text("".join(lines))
    found = Built(folder, [])
    found.build()
    return found


def test_each_stage_says_what_it_did_and_the_labels_are_written(built: Built) -> None:
    said = "\n".join(built.said)
    assert f"of {sum(number for number, _ in GIFS) + 1} rows are left out: 1 x missing_gif_id" in said
    for part in ("1 normalise", "2 language", "3 spelling    2 of", "4 entities    1 of", "5 grouping", "6 vocabulary"):
        assert part in said
    members = built.members()
    assert members["cat"] == ["caat", "cat", "cats"]
    assert members["happy birthday"] == ["happy birtday", "happy birthday"]
    assert members["lol"] == ["lmao", "lol"]
    assert {"bear", "beer", "cake", "party"} <= members.keys()
    assert not {"gato", "animales", "tom hanks"} & {tag for tags in members.values() for tag in tags}


def test_the_stages_are_measured_against_the_truth(built: Built, capsys: pytest.CaptureFixture[str]) -> None:
    truth = str(built.folder / "truth.jsonl")
    assert [item.f1 for item in evaluate_labels(built.warehouse, truth)] == [1.0] * 5
    with pytest.raises(SystemExit) as ended:
        cli.main(["labels", "evaluate", "--warehouse", built.warehouse, "--truth", truth, "--json"])
    assert ended.value.code == 0 and json.loads(capsys.readouterr().out)["final"]["f1"] == 1.0


def test_an_inconsistent_review_changes_nothing(built: Built) -> None:
    before = open_table(f"{built.warehouse}/labels").version()
    edited = built.review({"cat": {"move member": "cats -> kitten"}, "lol": {"keep": "perhaps"}})
    with pytest.raises(
        InputError, match=r"nothing was applied; line \d+: .*perhaps.*line \d+: .*kitten|kitten.*perhaps"
    ):
        apply_labels(edited, built.warehouse)
    assert open_table(f"{built.warehouse}/labels").version() == before
    assert read_edits(built.warehouse) == {}


def test_the_editors_word_is_applied_and_kept_over_the_next_build(built: Built) -> None:
    edited = built.review(
        {
            "cat": {"rename": "kitty", "add": "tomcat"},
            "lol": {"move member": "lmao -> laughter"},
            "party": {"rename": "laughter"},
            "pub": {"keep": "no"},
        }
    )
    ids = {row["label"]: row["label_id"] for row in read_labels(built.warehouse)[0].to_pylist()}
    num_tags, changes = apply_labels(edited, built.warehouse)
    assert num_tags == 7
    assert (changes.added, changes.gone) == (("kitty", "laughter"), ("cat", "party", "pub"))
    expected = {"kitty": ["caat", "cat", "cats", "tomcat"], "laughter": ["lmao", "party"], "lol": ["lol"]}
    assert {name: built.members().get(name) for name in expected} == expected
    rows = {row["label"]: row for row in read_labels(built.warehouse)[0].to_pylist()}
    assert rows["kitty"]["label_id"] == ids["cat"]
    assert (rows["kitty"]["origin"], rows["lol"]["origin"], rows["beer"]["origin"]) == (
        "editorial",
        "grouped",
        "grouped",
    )
    said = built.build()
    assert "compared with version 1: no label differs from the labels before" in said
    assert {name: built.members().get(name) for name in expected} == expected
    assert "pub" not in built.members()


def test_what_is_missing_is_one_line(built: Built, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no labels: run `autotag labels build` first"):
        apply_labels(str(built.folder / "edited.csv"), str(tmp_path))
    with pytest.raises(InputError, match=r"absent\.jsonl: there is no such file"):
        build_labels(LabelsRequest(str(tmp_path / "absent.jsonl"), str(tmp_path)), print)

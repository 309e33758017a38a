"""What differs for one GIF: literal rows of two releases in, tags gained and lost with their reason out."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from autotag_core.errors import InputError
from autotag_core.reports.diff.diff_text import as_text, diff_page
from autotag_core.reports.diff.gif_diff import diff_gif
from autotag_core.reports.diff.release_diff import Changed
from autotag_core.tables import TABLES
from autotag_core.warehouse import RunInputs, RunRecord, append_run, current_release

NOW = datetime(2026, 11, 30, tzinfo=UTC)
MARKUP = "<img src=x>"
Rows = dict[str, list[dict[str, Any]]]


def voted(tag: str, source: str, probability: float | None, **votes: int) -> dict[str, Any]:
    return {"gif_id": "a", "tag": tag, "source": source, "probability": probability, "votes": list(votes.items())}


def night(tags: list[str], neighbors: list[str], weight: float, *rows: dict[str, Any]) -> Rows:
    return {
        "catalog": [{"gif_id": "a", "tags": tags, "editorial_tags": [], "popularity": 3}],
        "neighbors": [{"gif_id": "a", "expert": "imagenet", "neighbor_ids": neighbors}],
        "expert_weights": [{"expert": "imagenet", "weight": weight}],
        "voted_tags": list(rows),
    }


def publish(place: str, run_id: str, rows: Rows, config: dict[str, Any], versions: dict[str, str]) -> RunRecord:
    tables = {}
    for name, table_rows in rows.items():
        arrow = pa.Table.from_pylist(table_rows, schema=TABLES[name].plain_schema)
        write_deltalake(f"{place}/{name}", arrow, mode="overwrite")
        tables[name] = 0 if run_id == "r1" else 1
    inputs = RunInputs(versions=versions)
    record = RunRecord(run_id, NOW, NOW, "published", None, run_id, tables, config=json.dumps(config), inputs=inputs)
    append_run(place, record)
    return current_release(place, run_id)


@pytest.mark.parametrize(
    ("tags", "neighbors", "kitten", "reason"),
    [
        (["cat", "pet"], ["n1"], voted("kitten", "voted", 0.7, imagenet=1), "its own tags changed"),
        (["cat"], ["n2"], voted("kitten", "voted", 0.7, imagenet=1), "its neighbors changed"),
        (["cat"], ["n1"], voted("kitten", "voted", 0.7, imagenet=2), "its neighbors' tags changed"),
        (["cat"], ["n1"], voted("kitten", "voted", 0.7, imagenet=1), "judged anew: weights, thresholds or settings"),
        (["cat"], ["n1"], voted("kitten", "editorial", None, imagenet=1), "an editor's word"),
    ],
)
def test_a_gained_tag_has_the_first_reason_that_holds(
    tags: list[str], neighbors: list[str], kitten: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    place = str(tmp_path)
    before = publish(place, "r1", night(["cat"], ["n1"], 0.3, voted("kitten", "proposed", 0.4, imagenet=1)), {}, {})
    after = publish(place, "r2", night(tags, neighbors, 0.3, kitten), {}, {})
    (found,) = diff_gif(place, before, after, "a", None).examples
    assert (found.change, found.tag, found.reason) == ("gained", "kitten", reason)
    (lost,) = diff_gif(place, after, before, "a", None).examples
    assert (lost.change, lost.before and lost.before.probability) == ("lost", found.after and found.after.probability)


def test_settings_models_and_weights_that_differ_are_named_and_no_others(tmp_path: Path) -> None:
    place = str(tmp_path)
    rows = night(["cat"], ["n1"], 0.3, voted(MARKUP, "confirmed", 0.9), voted("cat", "confirmed", 0.9, imagenet=2))
    before = publish(place, "r1", rows, {"vote": {"rule": "learned", "k": 3}}, {"imagenet": "one", "frames": "f"})
    rows = night(["cat"], ["n1"], 0.45, voted(MARKUP, "refused", 0.0), voted("cat", "confirmed", 0.8, imagenet=2))
    after = publish(place, "r2", rows, {"vote": {"rule": "published", "k": 3}}, {"imagenet": "two", "frames": "f"})
    found = diff_gif(place, before, after, "a", None)
    assert found.settings == [Changed("vote.rule", '"learned"', '"published"')]
    assert found.models == [Changed("imagenet", "one", "two")]
    assert found.weights == [Changed("imagenet", "0.300", "0.450")]
    assert (found.num_gained, found.num_lost, found.reasons) == (0, 1, {"an editor's word": 1})
    text = as_text(found)
    assert "from run r1 to run r2, GIF a alone" in text
    assert f"  - a  {MARKUP}: an editor's word; confirmed 90% (no votes) -> refused 0% (no votes)" in text
    page = "".join(diff_page(found))
    assert MARKUP not in page and "&lt;img src=x&gt;" in page and "script-src" not in page
    assert json.loads(found.to_json())["examples"][0]["after"]["source"] == "refused"
    assert diff_gif(place, before, after, "a", "cat").examples == []


def test_a_gif_that_neither_release_has_is_named(tmp_path: Path) -> None:
    place = str(tmp_path)
    run = publish(place, "r1", night(["cat"], ["n1"], 0.3), {}, {})
    with pytest.raises(InputError, match="b: neither in the catalog of run r1 nor of run r1"):
        diff_gif(place, run, run, "b", None)

"""The queue goes out, and decisions come back: into one table, in one commit, by one writer."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from autotag_core.errors import InputError, NotPublishedError
from autotag_core.review.decisions import last_words, read_decisions
from autotag_core.tables import CATALOG, VOTED_TAGS
from autotag_core.warehouse import RunRecord, append_run, lease
from jobs.review.apply_decisions import apply_decisions
from jobs.review.export_queue import export_queue

NOW = datetime(2026, 11, 30, tzinfo=UTC)
HEADER = "gif_id,tag,decision,by,at\n"


@pytest.fixture
def place(tmp_path: Path) -> str:
    gifs = [{"gif_id": name, "uri": f"{name}.gif", "tags": ["old"], "split": "train", "popularity": 1} for name in "ab"]
    tags = [{"gif_id": name, "tag": "old", "source": "unconfirmed", "probability": 0.4, "score": 0.4} for name in "ab"]
    for table, rows in ((CATALOG, gifs), (VOTED_TAGS, tags)):
        write_deltalake(str(tmp_path / "w" / table.name), pa.Table.from_pylist(rows, schema=table.plain_schema))
    versions = {CATALOG.name: 0, VOTED_TAGS.name: 0}
    append_run(str(tmp_path / "w"), RunRecord("r1", NOW, NOW, "published", None, "r1", versions))
    return str(tmp_path / "w")


def file(place: str, *rows: str) -> str:
    path = Path(place).parent / "decisions.csv"
    path.write_text(HEADER + "".join(f"{row}\n" for row in rows))
    return str(path)


def test_decisions_are_one_commit_and_wrong_rows_are_listed(place: str) -> None:
    rows = ("a,old,refused,ann,2026-11-30T09:00:00Z", "x,old,refused,ann,", "b,new,accepted,,", "b,old,,,")
    applied = apply_decisions(file(place, *rows), place, by="ben")
    assert applied.to_text().splitlines() == [
        "2 decisions applied: 1 accepted, 1 refused",
        "1 rows are not applied:",
        "  row 2, x, old: the catalog of the current release has no such GIF",
    ]
    known, version = read_decisions(place)
    assert [(one.gif_id, one.tag, one.decision, one.by, one.number) for one in known] == [
        ("a", "old", "refused", "ann", 1),
        ("b", "new", "accepted", "ben", 2),
    ]
    assert version == 0


def test_the_last_word_holds_conflicts_are_listed_and_a_file_that_comes_twice_counts_once(place: str) -> None:
    apply_decisions(file(place, "a,old,refused,ann,2026-11-30T09:00:00Z"), place)
    again = apply_decisions(file(place, "a,old,refused,ann,2026-11-30T09:00:00Z"), place)
    assert again.to_text() == "0 decisions applied: 0 accepted, 0 refused, 1 were applied before"
    changed = apply_decisions(file(place, "a,old,accepted,ben,2026-11-30T10:00:00Z"), place)
    assert changed.to_text().splitlines()[1:] == [
        "1 conflicts; the last word holds:",
        "  a, old: refused by ann (2026-11-30 09:00), accepted by ben (2026-11-30 10:00): accepted holds",
    ]
    known, version = read_decisions(place)
    assert (len(known), version, last_words(known)["a", "old"].decision) == (2, 1, "accepted")


def test_a_file_of_wrong_rows_alone_or_without_a_decision_writes_nothing(place: str) -> None:
    with pytest.raises(InputError, match="row 1, x, old: the catalog"):
        apply_decisions(file(place, "x,old,refused,ann,"), place)
    with pytest.raises(InputError, match="no decision is written in it"):
        apply_decisions(file(place, "a,old,,,"), place)
    assert read_decisions(place) == ([], None)


def test_nothing_is_written_while_another_run_writes_the_warehouse(place: str) -> None:
    with lease.held(place), pytest.raises(NotPublishedError, match="writes it"):
        apply_decisions(file(place, "a,old,refused,ann,"), place)
    assert read_decisions(place) == ([], None)


def test_the_queue_goes_out_as_a_sheet_or_a_page_and_nothing_else(place: str, tmp_path: Path) -> None:
    queue = export_queue(place, str(tmp_path / "queue.csv"), None, 200)
    assert [(one.gif_id, one.tag) for one in queue.tags] == [("a", "old"), ("b", "old")]
    assert (tmp_path / "queue.csv").read_text(encoding="utf-8-sig").count("\n") == 3
    export_queue(place, str(tmp_path / "queue.html"), None, 1)
    assert (tmp_path / "queue.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    with pytest.raises(InputError, match=r"the suffix must be \.html or \.csv"):
        export_queue(place, str(tmp_path / "queue.txt"), None, 1)

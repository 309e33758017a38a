"""Why a GIF has its tags, read from tables that a run published."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from autotag_core.errors import InputError
from autotag_core.reports.explanation import explain_gif
from autotag_core.reports.explanation_text import as_text
from autotag_core.tables import TABLES
from autotag_core.warehouse import RunRecord, append_run, current_release

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def gif(gif_id: str, tags: list[str], editorial: list[str] | None = None, split: str = "train") -> dict[str, object]:
    row = {"gif_id": gif_id, "uri": f"s3a://gifs/{gif_id}.gif", "tags": tags, "editorial_tags": editorial or []}
    return row | {"caption": None, "popularity": 0, "version": None, "uploader": None, "split": split}


def tag(gif_id: str, name: str, confidence: float, score: float, source: str, **votes: int) -> dict[str, object]:
    row = {"gif_id": gif_id, "tag": name, "confidence": confidence, "score": score, "source": source}
    row |= {"published_score": score / 2, "probability": score or None, "accepted": score > 0.4 or None}
    return row | {"votes": list(votes.items()), "evidence": ["n1"] if votes else []}


ROWS: dict[str, list[dict[str, object]]] = {
    "catalog": [
        gif("cat", ["cat", "old"]),
        gif("n1", ["kitten", "cat"], ["cat", "pet"]),
        gif("n2", ["dog"]),
        gif("n1b", ["kitten"]),
        gif("cat2", ["cat"]),
        gif("lone", [], split="test"),
    ],
    "neighbors": [
        {"gif_id": "cat", "expert": "imagenet", "neighbor_ids": ["n1", "n1b", "n2"], "distances": [0.125, 0.25, 0.5]},
        {"gif_id": "n1", "expert": "semantic", "neighbor_ids": ["n2"], "distances": [0.25]},
    ],
    "duplicates": [
        {"gif_id": "n1", "group_id": "n1", "group_size": 2},
        {"gif_id": "n1b", "group_id": "n1", "group_size": 2},
        {"gif_id": "cat", "group_id": "cat", "group_size": 2},
        {"gif_id": "cat2", "group_id": "cat", "group_size": 2},
        {"gif_id": "x", "group_id": "x", "group_size": 2},
        {"gif_id": "y", "group_id": "x", "group_size": 2},
    ],
    "expert_weights": [
        {"expert": "semantic", "weight": 0.25, "num_evaluated": 4, "num_correct": 1, "evaluated_on": "train"},
        {"expert": "imagenet", "weight": 0.5, "num_evaluated": 2, "num_correct": 1, "evaluated_on": "validation"},
    ],
    "voted_tags": [
        tag("cat", "old", 0.7, 0.0, "unconfirmed"),
        tag("cat", "kitten", 0.5, 0.5, "voted", imagenet=1, semantic=2),
        tag("cat", "cat", 1.0, 0.25, "confirmed", imagenet=1),
        tag("n1", "cat", 1.0, 0.0, "editorial"),
    ],
    "failures": [
        {"gif_id": "lone", "stage": "frames", "reason": "not_found", "message": "there is no such object"},
        {"gif_id": "gone", "stage": "catalog", "reason": "missing_uri", "message": "no uri in: {}"},
    ],
}


def publish(folder: Path, config: str = "{}", **tables: list[dict[str, object]]) -> str:
    rows_of = ROWS | tables
    for name, rows in rows_of.items():
        table = pa.Table.from_pylist(rows, schema=TABLES[name].plain_schema)
        write_deltalake(str(folder / name), table, partition_by=list(TABLES[name].partition_by) or None)
    versions = dict.fromkeys(rows_of, 0)
    append_run(
        str(folder), RunRecord("r1", NOW, NOW, "published", release_of="r1", table_versions=versions, config=config)
    )
    return str(folder)


@pytest.fixture
def published(tmp_path: Path) -> str:
    return publish(tmp_path)


HEAD = [
    "cat  (train, s3a://gifs/cat.gif)",
    "  caption    -",
    "  uploader   cat, old",
    "  editor     -",
    "  run        r1, tables of r1",
    "  copies     cat2",
    "",
]
SENTENCES = [
    "   50%  kitten  added      2 of 2 GIFs that people use like it and 1 of 2 look-alikes have it.",
    "   25%  cat     confirmed  Its uploader gave it, but 1 of 2 look-alikes has it.",
    "     -  old     demoted    Its uploader gave it, but no neighbor has it.",
]


def test_the_text_says_of_each_tag_how_likely_it_is_and_why(published: str) -> None:
    assert as_text(explain_gif(published, "cat")).splitlines() == [*HEAD, *SENTENCES]


def test_unlikely_new_tags_are_only_counted_without_details(tmp_path: Path) -> None:
    voted = [
        tag("cat", name, 0.5, score, "voted", imagenet=1) for name, score in (("a", 0.04), ("b", 0.05), ("c", 0.9))
    ]
    found = explain_gif(publish(tmp_path, voted_tags=voted), "cat")
    lines = as_text(found).splitlines()[len(HEAD) :]
    assert [line.split()[:2] for line in lines[:-1]] == [["90%", "c"], ["5%", "b"]]
    assert lines[-1] == "  1 more tags are less than 5% likely; --details shows them"
    assert "   4%  a  " in as_text(found, details=True) and "--details" not in as_text(found, details=True)


def test_a_likely_tag_says_so_where_its_gifs_look_like_this_one(tmp_path: Path) -> None:
    voted = [
        tag("cat", name, 0.0, 0.5, "proposed", imagenet=2)
        | {"probability": 0.8, "reasons": [("how GIFs with it look", value)]}
        for name, value in (("much", 0.8), ("hardly", 0.3))
    ]
    text = as_text(explain_gif(publish(tmp_path, voted_tags=voted), "cat"))
    assert text.count("have it; it looks like the GIFs that have it.") == 1


def test_a_doubted_tag_says_what_speaks_most_against_it(tmp_path: Path) -> None:
    moved = {"to begin with": -4.0, "imagenet": -1.5, "its other tags": -0.75}
    voted = [tag("cat", "old", 0.7, 0.25, "unconfirmed") | {"reasons": list(moved.items())}]
    text = as_text(explain_gif(publish(tmp_path, voted_tags=voted), "cat"))
    assert text.endswith("Its uploader gave it, but no neighbor has it; most against it: look-alikes.")


def test_a_slip_says_that_it_may_be_one(tmp_path: Path) -> None:
    voted = [
        tag("cat", "catt", 0.7, 0.5, "unconfirmed"),
        tag("cat", "cat", 0.0, 0.5, "proposed"),
        tag("cat", "pet", 0.7, 0.5, "voted", imagenet=1) | {"reasons": [("to begin with", 0.0)]},
    ]
    text = as_text(explain_gif(publish(tmp_path, voted_tags=voted), "cat"))
    assert "Its uploader gave it, but no neighbor has it; it may be a slip for another tag." in text
    assert "No neighbor has it; a tag that it came with may mean this one." in text


def test_details_are_votes_times_weights_and_the_neighbors_that_voted(published: str) -> None:
    assert as_text(explain_gif(published, "cat"), details=True).splitlines() == [
        *HEAD,
        *SENTENCES,
        "",
        f"  {'tag':<24} confidence source        score probability  "
        "published vote: neighbors x weight by expert, over the largest possible",
        f"  {'cat':<24}      1.000 confirmed     0.250       0.250  1 x 0.500 imagenet = 0.500 -> 0.125",
        f"  {'':<24} evidence: n1",
        f"  {'old':<24}      0.700 unconfirmed   0.000           -  none",
        f"  {'kitten':<24}      0.500 voted         0.500       0.500  "
        "1 x 0.500 imagenet + 2 x 0.250 semantic = 1.000 -> 0.250 accepted",
        f"  {'':<24} evidence: n1",
        "  confidence and source: the published rule; score and probability: vote.rule=published; "
        "proposed: by that rule alone",
        "",
        "  imagenet (weight 0.500: right on 1 of 2 validation GIFs)",
        f"    0.1250  {'n1':<28} kitten, cat, pet",
        f"    0.2500  {'n1b':<28} copy of n1, which is counted",
        f"    0.5000  {'n2':<28} dog",
        "",
        "  semantic: abstains, it has no embedding of this GIF",
    ]


def test_what_a_catalog_holds_ends_no_line_and_commands_no_terminal(tmp_path: Path) -> None:
    hostile = {**gif("cat", ["a\x1b[2J\nb"]), "caption": "x\u202ey\rz", "uri": "s3a://gifs/\x1b]0;t\x07.gif"}
    failed = {"gif_id": "cat", "stage": "frames", "reason": "not_found", "message": "row \x9b31m"}
    text = as_text(explain_gif(publish(tmp_path, catalog=[hostile], failures=[failed]), "cat"))
    assert "  uploader   a\\u001b[2J\\u000ab\n" in text and "  caption    x\\u202ey\\u000dz\n" in text
    assert "s3a://gifs/\\u001b]0;t\\u0007.gif)\n" in text and "not_found: row \\u009b31m\n" in text
    assert text.replace("\n", "").isprintable()


def neighbor_lines(uri: str, gif_id: str = "cat") -> list[str]:
    return [
        line.strip()
        for line in as_text(explain_gif(uri, gif_id), details=True).splitlines()
        if line.startswith("    0.")
    ]


def test_where_copies_count_each_every_neighbor_is_shown_with_its_tags(tmp_path: Path) -> None:
    uri = publish(tmp_path, '{"duplicates": {"count_once": false}, "vote": {"neighbors": 2}}')
    assert neighbor_lines(uri) == [f"0.1250  {'n1':<28} kitten, cat, pet", f"0.2500  {'n1b':<28} kitten"]


def test_as_many_neighbors_as_vote_are_shown_and_further_ones_that_are_evidence(tmp_path: Path) -> None:
    ids = ["n1", "n1b", "n2", "far", "farther"]
    lists = [{"gif_id": "cat", "expert": "imagenet", "neighbor_ids": ids, "distances": [0.1, 0.2, 0.3, 0.4, 0.5]}]
    voted = [tag("cat", "kitten", 0.0, 0.5, "proposed", imagenet=1) | {"evidence": ["farther", "n1"]}]
    uri = publish(tmp_path, '{"vote": {"neighbors": 2}}', neighbors=lists, voted_tags=voted)
    assert [line.split()[1] for line in neighbor_lines(uri)] == ["n1", "n1b", "n2", "farther"]


def test_what_moved_a_tag_is_said_in_words_the_strongest_first(tmp_path: Path) -> None:
    moved = {"to begin with": 2.0, "what experts see": -3.25, "its other tags": -0.5, "how common it is": 0.04}
    voted = [tag("cat", "old", 0.7, 0.0, "unconfirmed") | {"reasons": list(moved.items())}]
    text = as_text(explain_gif(publish(tmp_path, voted_tags=voted), "cat"), details=True)
    assert "log odds -1.7: +2.0 to begin with; down by what experts see -3.2, its other tags -0.5" in text


def test_a_release_without_groups_of_copies_is_explained_without_them(tmp_path: Path) -> None:
    uri = publish(tmp_path)
    release = current_release(uri)
    versions = {name: version for name, version in release.table_versions.items() if name != "duplicates"}
    append_run(uri, replace(release, run_id="r2", table_versions=versions))
    found = explain_gif(uri, "cat")
    assert (found.groups, found.copies) == ({}, [])
    assert len(neighbor_lines(uri)) == 3


def test_a_gif_that_failed_on_the_way_says_where_and_why(published: str) -> None:
    text = as_text(explain_gif(published, "lone"), details=True)
    assert "  failed     frames: not_found: there is no such object" in text
    assert "imagenet: abstains" in text and "semantic: abstains" in text


def test_a_gif_that_never_came_into_the_catalog_says_why(published: str) -> None:
    with pytest.raises(InputError, match=r"gone: not in the catalog of run r1; failed: catalog: missing_uri \(no uri"):
        explain_gif(published, "gone")


def test_an_unknown_gif_or_run_is_said_in_one_line(published: str) -> None:
    for gif_id in ("never' or 'a'='a", "nobody"):
        with pytest.raises(InputError, match=f"^{gif_id}: not in the catalog of run r1$"):
            explain_gif(published, gif_id)
    with pytest.raises(InputError, match="run r9 published nothing"):
        explain_gif(published, "cat", "r9")

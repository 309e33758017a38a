"""Stages become rows, rows become labels, and the editor's word stands above both."""

from __future__ import annotations

from autotag_core.labels import (
    Decision,
    Label,
    TagDecision,
    apply_edits,
    choose_labels,
    combine,
    compare_labels,
    cut,
)

STAGES = {
    "language": [Decision("gato", "language", "out", "es")],
    "spelling": [
        Decision("caat", "spelling", "corrected", "one letter off", "cat"),
        Decision("tom hnaks", "spelling", "corrected", "letters", "tom hanks"),
    ],
    "entities": [Decision("tom hanks", "entities", "out", "person: Tom Hanks")],
    "grouping": [
        Decision("kitty", "grouping", "grouped", "meaning", "cat"),
        Decision("cat", "grouping", "founder", ""),
    ],
}
NUM_GIFS = {"cat": 9, "caat": 1, "kitty": 4, "gato": 3, "tom hanks": 5, "tom hnaks": 1, "dog": 2}


def row(tag: str, stage: str, decision: str, why: str, spelled: str, grouped: str | None) -> TagDecision:
    return TagDecision(tag, NUM_GIFS[tag], stage, decision, why, spelled, grouped, None)


ROWS = [
    row("caat", "spelling", "corrected", "one letter off", "cat", "cat"),
    row("cat", "grouping", "founder", "", "cat", "cat"),
    row("dog", "grouping", "founder", "", "dog", "dog"),
    row("gato", "language", "out", "es", "gato", None),
    row("kitty", "grouping", "grouped", "meaning", "kitty", "cat"),
    row("tom hanks", "entities", "out", "person: Tom Hanks", "tom hanks", None),
    row("tom hnaks", "entities", "out", "person: Tom Hanks", "tom hanks", None),
]


def label_of(edits: dict[str, str | None]) -> dict[str, str | None]:
    return {row.tag: row.label for row in apply_edits(ROWS, edits)}


def test_each_tag_has_one_row_that_says_who_decided_and_a_misspelling_follows_its_word() -> None:
    assert combine(STAGES, NUM_GIFS) == ROWS


def test_without_an_editor_the_stages_decide() -> None:
    assert label_of({}) == {
        "caat": "cat",
        "cat": "cat",
        "kitty": "cat",
        "dog": "dog",
        "gato": None,
        "tom hanks": None,
        "tom hnaks": None,
    }


def test_the_editors_word_holds_for_a_tag_its_misspellings_and_its_group() -> None:
    assert label_of({"gato": "cat"})["gato"] == "cat"
    renamed = label_of({"cat": "cats"})
    assert (renamed["cat"], renamed["caat"], renamed["kitty"]) == ("cats", "cats", "cats")
    moved = label_of({"kitty": "kitten"})
    assert (moved["kitty"], moved["cat"]) == ("kitten", "cat")
    out = label_of({"cat": None})
    assert (out["cat"], out["caat"], out["kitty"]) == (None, None, "kitty")
    assert label_of({"tom hanks": "tom hanks"})["tom hnaks"] == "tom hanks"


def test_a_tag_that_only_the_editor_knows_gets_a_row() -> None:
    assert apply_edits([], {"new": "label"}) == [
        TagDecision("new", 0, "editor", "grouped", "the editor's word", "new", "label", "label")
    ]


def test_the_most_popular_labels_are_kept_and_those_of_the_editor_in_any_case() -> None:
    edits: dict[str, str | None] = {"dog": "dog"}
    rows = apply_edits(ROWS, edits)
    usage = {"cat": 13, "dog": 2}
    cats, dogs = Label("cat", ("caat", "cat", "kitty"), 13, "grouped", 13), Label("dog", ("dog",), 2, "editorial", 2)
    assert choose_labels(rows, usage, usage, edits, max_labels=5, min_gifs=3) == [cats, dogs]
    assert choose_labels(rows, usage, usage, edits, max_labels=1, min_gifs=3) == [dogs]
    assert choose_labels(apply_edits(ROWS, {}), usage, usage, {}, max_labels=5, min_gifs=3) == [cats]
    assert choose_labels(rows, usage, {"cat": 1, "dog": 7}, edits, 5, 3)[0].label == "dog"
    assert {row.tag: row.stage for row in cut(apply_edits(ROWS, {}), [cats])}["dog"] == "vocabulary"


def test_what_differs_is_added_gone_and_moved() -> None:
    before = {"cat": ["cat", "kitty"], "dog": ["dog"], "bird": ["bird"]}
    now = {"cat": ["cat"], "kitty": ["kitty"], "dog": ["dog", "doggo"], "fish": ["fish"]}
    changes = compare_labels(before, now)
    assert (changes.added, changes.gone) == (("fish", "kitty"), ("bird",))
    assert changes.moved == (("doggo", None, "dog"), ("kitty", "cat", "kitty"))
    assert "2 labels added, 1 gone, 2 members moved" in changes.to_text()
    assert compare_labels(before, before).to_text() == "no label differs from the labels before"

"""Which word of editors holds, and which words differ."""

from __future__ import annotations

from datetime import UTC, datetime

from autotag_core.review.decisions import Decision, as_table, conflicts, last_words, words_by_gif


def said(tag: str, decision: str, by: str, hour: int, number: int, gif_id: str = "a") -> Decision:
    return Decision(gif_id, tag, decision, by, datetime(2026, 11, 30, hour, tzinfo=UTC), number=number)


def test_the_latest_word_holds_whichever_was_applied_first() -> None:
    early, late = said("cat", "refused", "ann", 9, 2), said("cat", "accepted", "ben", 11, 1)
    assert last_words([early, late]) == last_words([late, early]) == {("a", "cat"): late}


def test_of_words_of_one_time_the_one_that_was_applied_last_holds() -> None:
    first, second = said("cat", "accepted", "ann", 9, 1), said("cat", "refused", "ann", 9, 2)
    assert last_words([second, first])[("a", "cat")].decision == "refused"


def test_only_words_that_differ_are_conflicts_and_only_those_of_the_new_ones() -> None:
    old = [
        said("cat", "accepted", "ann", 8, 1),
        said("dog", "accepted", "ann", 8, 2),
        said("dog", "refused", "eve", 9, 3),
    ]
    new = [
        said("cat", "refused", "ben", 10, 4),
        said("dog", "refused", "ben", 10, 5),
        said("red", "accepted", "ben", 10, 6),
    ]
    assert [one.to_text() for one in conflicts(old, new)] == [
        "a, cat: accepted by ann (2026-11-30 08:00), refused by ben (2026-11-30 10:00): refused holds"
    ]


def test_a_new_word_that_is_older_than_a_known_one_is_a_conflict_that_it_loses() -> None:
    (found,) = conflicts([said("cat", "accepted", "ann", 12, 1)], [said("cat", "refused", "ben", 10, 2)])
    assert (found.before.by, found.after.by) == ("ben", "ann")


def test_two_editors_of_one_file_are_a_conflict_too() -> None:
    new = [said("cat", "accepted", "ann", 9, 1), said("cat", "refused", "ben", 10, 2)]
    assert len(conflicts([], new)) == 1


def test_the_words_that_hold_are_a_row_a_gif() -> None:
    words = [
        said("red", "accepted", "ann", 8, 1),
        said("cat", "accepted", "ann", 8, 2),
        said("cat", "refused", "ben", 9, 3),
        said("dog", "refused", "ben", 9, 4, "b"),
        said("ant", "refused", "ben", 9, 5, "b"),
    ]
    assert words_by_gif(words).to_pylist() == [
        {"gif_id": "a", "accepted": ["red"], "refused": ["cat"]},
        {"gif_id": "b", "accepted": [], "refused": ["ant", "dog"]},
    ]


def test_a_decision_is_the_same_after_the_table() -> None:
    one = said("cat", "accepted", "ann", 8, 1)
    assert [Decision(**row) for row in as_table([one]).to_pylist()] == [one]

"""Readings of several frames become the lines of one GIF."""

from __future__ import annotations

import pytest

from autotag_core.ocr import ReadLine, ReadText, TextLine, merge_lines


def merged(*frames: list[tuple[str, float]]) -> list[tuple[str, float, int]]:
    lines = merge_lines([[ReadLine(*line) for line in frame] for frame in frames])
    return [(line.text, line.confidence, line.num_frames) for line in lines]


def test_near_equal_lines_of_several_frames_are_one_and_the_surest_reading_wins() -> None:
    assert merged([("fingers", 0.99), ("crOssed", 0.8)], [("fngers", 0.9), ("crossed", 0.95)]) == [
        ("fingers", 0.99, 2),
        ("crossed", 0.95, 2),
    ]


def test_of_equally_sure_readings_the_first_is_kept() -> None:
    assert merged([("HELLO!", 0.9)], [("hello", 0.9)]) == [("HELLO!", 0.9, 2)]


def test_short_words_must_be_equal_and_long_ones_may_differ_in_a_quarter() -> None:
    assert merged([("wow", 0.9)], [("now", 0.9)]) == [("wow", 0.9, 1), ("now", 0.9, 1)]
    assert merged([("good luck", 0.9)], [("good night", 0.9)]) == [("good luck", 0.9, 1), ("good night", 0.9, 1)]
    assert merged([("birthday", 0.9)], [("b1rthdav", 0.8)]) == [("birthday", 0.9, 2)]
    assert len(merged([("birthday", 0.9)], [("b1rthdov", 0.8)])) == 2


def test_a_frame_that_says_the_same_twice_keeps_both_lines() -> None:
    assert merged([("please", 0.9), ("please", 0.8)], [("please", 0.7), ("please", 0.95)]) == [
        ("please", 0.9, 2),
        ("please", 0.95, 2),
    ]


@pytest.mark.parametrize("first", [["birthday"], ["HAPPY"], []])
def test_a_line_missed_in_one_frame_takes_its_place_in_reading_order(first: list[str]) -> None:
    frames = [[(text, 0.9) for text in texts] for texts in (first, ["HAPPY", "birthday", "to you"])]
    assert [text for text, _, _ in merged(*frames)] == ["HAPPY", "birthday", "to you"]


def test_a_caption_that_changes_is_kept_in_the_order_of_time() -> None:
    frames = [[("one moment", 0.9)], [("and then", 0.9), ("it fell", 0.9)], [("one moment", 0.9)]]
    assert merged(*frames) == [("one moment", 0.9, 2), ("and then", 0.9, 1), ("it fell", 0.9, 1)]


def test_the_text_is_the_lines_and_null_without_any() -> None:
    assert ReadText((TextLine("good", 0.9, 1), TextLine("luck", 0.9, 1))).text == "good\nluck"
    assert ReadText(merge_lines([[], []])).text is None
    assert merge_lines([]) == ()

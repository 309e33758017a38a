"""What a catalog holds can't act on the terminal of whoever looks at it."""

from __future__ import annotations

import json

import pytest

from autotag_core.errors import cause, scrubbed
from autotag_core.related.lookup import Related
from autotag_core.terminal import shown, shown_lines, shown_text

HOSTILE = "cat\x1b[2J\x1b]0;x\x07\r\ndog\t\x9b31m\u202egpj.exe\u2066\u2028\ufeff\udcff\U000e0041"
NAMED = r"cat\u001b[2J\u001b]0;x\u0007\u000d\u000adog\u0009\u009b31m\u202egpj.exe\u2066\u2028\ufeff\udcff\udb40\udc41"


def test_control_characters_are_printed_as_what_they_are_called() -> None:
    assert shown(HOSTILE) == NAMED
    assert shown(NAMED) == NAMED


@pytest.mark.parametrize("text", ["süß 猫 😀", "👨‍👩‍👧", "می‌خواهم", "a\\n", 'C:\\x "y"', "e\u0301\ufe0f"])
def test_what_people_write_stays_as_it_is(text: str) -> None:
    assert shown(text) == shown_text(text) == text


def test_lines_of_the_job_end_and_those_of_a_catalog_do_not() -> None:
    assert shown_lines(["a\nb", "c"]) == "a\\u000ab\nc"
    assert shown_text("a\x1b\nb") == "a\\u001b\nb"


def test_json_stays_the_same_json() -> None:
    written = json.dumps({"tag": "x\x7f\u202e\U000e0041\n"}, ensure_ascii=False)
    assert json.loads(shown(written)) == {"tag": "x\x7f\u202e\U000e0041\n"}
    assert shown(written).isascii()


def test_errors_quote_a_catalog_without_its_control_characters() -> None:
    assert scrubbed("row \x1b[31mred\x1b[0m \x1b[2J\u202e") == "row red \\u001b[2J\\u202e"
    assert cause(ValueError("a\x1b]0;x\x07")) == "ValueError: a\\u001b]0;x\\u0007"


def test_related_names_are_a_line_each() -> None:
    assert Related("a\nb", ["c\x1b[2J\nd"], [0.5]).to_text() == "a\\u000ab\n   0.500  c\\u001b[2J\\u000ad"

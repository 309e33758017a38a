"""The closed set of reasons, and the error that carries one."""

from __future__ import annotations

import ast
import pickle
from enum import StrEnum
from pathlib import Path

import pytest

from autotag_core.errors import AutotagError, InputError, NotPublishedError
from autotag_core.failures import ItemError, Reason, Stage


@pytest.mark.parametrize("words", [Reason, Stage])
def test_reasons_and_stages_are_distinct_words_of_a_table(words: type[StrEnum]) -> None:
    # a second member of the same value would be an alias of the first, which iteration leaves out
    assert {name: member.name for name, member in words.__members__.items()} == {
        name: name for name in words.__members__
    }
    assert all(word == word.lower() and word.replace("_", "").isalpha() for word in words)


def test_every_reason_has_a_test_that_finds_it_in_rows_of_failures(
    reasons_by_test: dict[str, frozenset[Reason]],
) -> None:
    assert frozenset().union(*reasons_by_test.values()) == set(Reason)
    tests = Path(__file__).parents[1]
    found = {
        node.name
        for path in tests.rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and "reasons" in [argument.arg for argument in node.args.args]
    }
    assert found == set(reasons_by_test)


def test_a_reason_outside_the_set_is_refused() -> None:
    with pytest.raises(ValueError, match="too_ugly"):
        Reason("too_ugly")


def test_an_item_error_says_stage_reason_and_message_and_crosses_processes() -> None:
    error = ItemError(Stage.FRAMES, Reason.NOT_FOUND, "s3a://gifs/x.gif: there is no such object")
    copy = pickle.loads(pickle.dumps(error))
    assert str(copy) == str(error) == "frames: not_found: s3a://gifs/x.gif: there is no such object"
    assert (copy.stage, copy.reason, copy.message) == (error.stage, error.reason, error.message)


def test_each_kind_of_error_has_the_exit_code_of_the_command() -> None:
    assert [kind.exit_code for kind in (AutotagError, InputError, NotPublishedError)] == [1, 2, 3]
    assert issubclass(InputError, AutotagError) and issubclass(NotPublishedError, AutotagError)

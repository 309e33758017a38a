"""The closed set of reasons, and the error that carries one."""

from __future__ import annotations

import pickle

import pytest

from autotag_core.errors import AutotagError, InputError, NotPublishedError
from autotag_core.failures import ItemError, Reason, Stage


def test_reasons_and_stages_are_distinct_words_of_a_table() -> None:
    for words in (list(Reason), list(Stage)):
        assert len(set(words)) == len(words)
        assert all(word == word.lower() and word.replace("_", "").isalpha() for word in words)


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

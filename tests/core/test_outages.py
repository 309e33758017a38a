"""A server that refuses everything for long enough ends the run, once; one that answers in between does not."""

from __future__ import annotations

import time

import pytest

from autotag_core import outages
from autotag_core.errors import InputError, OutageError


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was told, with a deadline of 0.3 s."""
    found: list[str] = []
    monkeypatch.setattr(outages, "OUTAGE_S", 0.3)
    monkeypatch.setattr(outages, "EVERY_S", 0.02)
    monkeypatch.setattr(outages, "tell", lambda error: found.append(str(error)))
    return found


class Server:
    """Raises the next of its answers at each request, and then the last one for ever. None: all is well."""

    def __init__(self, *answers: Exception | None) -> None:
        self._answers = answers
        self.num_asked = 0

    def ask(self) -> None:
        answer = self._answers[min(self.num_asked, len(self._answers) - 1)]
        self.num_asked += 1
        if answer is not None:
            raise answer


def test_refusals_that_last_are_told_once(told: list[str]) -> None:
    server = Server(None, OutageError("s3a://there: no answer"))
    with outages.watched(server.ask):
        time.sleep(0.2)
        assert told == [], "not yet"
        time.sleep(0.5)
    assert told == ["s3a://there: no answer"]
    assert server.num_asked > 5


@pytest.mark.parametrize("answer", [None, InputError("access denied"), ValueError("as a library may")])
def test_an_answer_in_between_begins_the_count_anew(told: list[str], answer: Exception | None) -> None:
    refusal = OutageError("s3a://there: no answer")
    with outages.watched(Server(*[*[refusal] * 5, answer] * 20).ask):
        time.sleep(0.6)
    assert told == []


def test_nothing_is_told_after_the_block(told: list[str]) -> None:
    with outages.watched(Server(OutageError("s3a://there: no answer")).ask):
        time.sleep(0.15)
    time.sleep(0.4)
    assert told == []

"""Ctrl-C is remembered, whatever error it causes in a call that it cuts off."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType

import pytest

from jobs.process.interrupts import was_interrupted, watch_interrupts


@pytest.fixture(autouse=True)
def handler() -> Iterator[None]:
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
    watch_interrupts()
    signal.signal(signal.SIGINT, before)


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_an_interrupt_ends_the_call_and_is_remembered() -> None:
    watch_interrupts()
    assert not was_interrupted()
    with pytest.raises(KeyboardInterrupt):
        interrupt()
    assert was_interrupted()


def test_it_is_remembered_though_the_handler_before_it_fails_in_another_way() -> None:
    def sparks_own(number: int, frame: FrameType | None) -> None:
        raise ConnectionError("the gateway was cut off")

    signal.signal(signal.SIGINT, sparks_own)
    watch_interrupts()
    with pytest.raises(ConnectionError):
        interrupt()
    assert was_interrupted()


def test_a_handler_that_only_cancels_jobs_still_ends_the_call() -> None:
    seen: list[int] = []
    signal.signal(signal.SIGINT, lambda number, frame: seen.append(number))
    watch_interrupts()
    with pytest.raises(KeyboardInterrupt):
        interrupt()
    assert seen == [signal.SIGINT]


def test_what_must_come_first_comes_before_the_handler_that_cancels_and_may_fail() -> None:
    seen: list[str] = []

    def first() -> None:
        seen.append("first")
        raise ConnectionError("the gateway was cut off")

    signal.signal(signal.SIGINT, lambda number, frame: seen.append("cancelled"))
    watch_interrupts(first)
    with pytest.raises(KeyboardInterrupt):
        interrupt()
    assert seen == ["first", "cancelled"]


def test_a_new_watch_forgets_the_last_interrupt() -> None:
    watch_interrupts()
    with pytest.raises(KeyboardInterrupt):
        interrupt()
    watch_interrupts()
    assert not was_interrupted()


def test_outside_of_the_main_thread_nothing_is_watched() -> None:
    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=watch_interrupts)
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGINT) is before

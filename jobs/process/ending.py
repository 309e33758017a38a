"""Ends this command within seconds of Ctrl-C, SIGTERM or an outage, whatever hangs; at once at a second signal.

Python runs a signal's handler only when the main thread is back from what it has called, such as a library that waits
for an answer. So a thread of its own hears of signals too, and ends the process where the main thread does not.
"""

from __future__ import annotations

import _thread
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from autotag_core import outages
from autotag_core.errors import OutageError, scrubbed
from autotag_core.terminal import shown
from jobs.process.interrupts import note_outage
from jobs.process.jvm import end_jvm, kill_jvm, own_jvm

STOPPED = "stopped: readers see what was published last"
STOP_S = 15.0
"""Seconds that cleaning up may take: what is half done is undone, and the run's end is recorded."""
PRINT_S = 1.0
"""Seconds in which a line that is being printed is waited for before the process ends."""


class Ending:
    """How the command ends if it does not by itself. The first reason is the one that is said."""

    def __init__(self) -> None:
        self._printing, self._reason = threading.Lock(), threading.Lock()
        self._other_jvm = own_jvm()
        self._exit_code, self._message = 0, ""
        self._is_said = self._is_left = False
        self._own_interrupts = 0

    def say(self, message: str) -> None:
        """Print the command's last line, if it is not printed yet."""
        with self._printing:
            if not self._is_said:
                self._is_said = True
                print(shown(message), file=sys.stderr, flush=True)

    def close_jvm(self) -> None:
        """End the JVM that the command has started, if there is one. It may clean up for some seconds."""
        jvm = own_jvm()
        if jvm is not None and jvm is not self._other_jvm:
            end_jvm(jvm)

    def within(self, seconds: float, exit_code: int, message: str) -> None:
        """End the process so much later, unless it ends before."""
        if self._reason.acquire(blocking=False):  # it is never released: the first reason stays
            self._exit_code, self._message = exit_code, message
            timer = threading.Timer(seconds, self._late)
            timer.daemon = True
            timer.start()

    def leave(self) -> None:
        """From now on only the interpreter's own end is hurried, which waits for every thread."""
        self._is_left = True

    def _late(self) -> None:
        if not self._is_left or not threading.main_thread().is_alive():
            self.now()

    def now(self) -> None:
        """End the process: one line, no child left, nothing cleaned up."""
        try:
            jvm = own_jvm()
            if jvm is not None and jvm is not self._other_jvm:
                kill_jvm(jvm)
            is_free = self._printing.acquire(timeout=PRINT_S)  # whoever prints now may hang
            if is_free and not self._is_said:
                self._is_said = True
                with suppress(OSError):
                    os.write(2, f"{shown(self._message)}\n".encode())
        finally:
            os._exit(self._exit_code)

    def hear(self, number: int) -> None:
        """What a signal does: the first one begins the end, a second one is the end."""
        if number == signal.SIGINT and self._own_interrupts:
            self._own_interrupts -= 1
        elif number in (signal.SIGINT, signal.SIGTERM):
            if self._exit_code:
                self.now()
            self.within(STOP_S, 128 + number, STOPPED)

    def outage(self, error: OutageError) -> None:
        """Stop what the main thread does, as Ctrl-C would, for this reason. Nothing to do where it is being stopped."""
        if self._exit_code:
            return
        note_outage(error)
        self._own_interrupts += 1
        self.within(STOP_S, OutageError.exit_code, f"error: {scrubbed(str(error))}")
        _thread.interrupt_main()


@contextmanager
def ends_in_time() -> Iterator[Ending]:
    """For the block, signals and outages end the process in time. Outside of the main thread nothing is heard."""
    ending = Ending()
    if threading.current_thread() is not threading.main_thread():
        yield ending
        return
    ears, bell = socket.socketpair()
    bell.setblocking(False)
    before_fd = signal.set_wakeup_fd(bell.fileno(), warn_on_full_buffer=False)
    before_tell, outages.tell = outages.tell, ending.outage
    threading.Thread(target=_listen, args=(ears, ending), name="signals", daemon=True).start()
    try:
        yield ending
    finally:
        ending.leave()
        outages.tell = before_tell
        signal.set_wakeup_fd(before_fd)
        bell.close()


def _listen(ears: socket.socket, ending: Ending) -> None:
    with ears:
        while numbers := ears.recv(16):  # a byte a signal, nothing once the bell is closed
            for number in numbers:
                ending.hear(number)

"""Where trials happen: real servers behind proxies, catalogs of two nights, and `autotag` as a process to kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType

from autotag_core import storage
from autotag_core.local_machine import PROJECT, S3Server
from autotag_core.sample import write_rows, write_sample
from benchmarks.chaos.proxy import Proxy, passed
from benchmarks.chaos.search_server import SearchServer
from jobs.sample.own_environment import own_environment

NIGHT_S = 900
"""No night of so few GIFs takes longer, whatever happens to it: what does is ended and has failed."""
SETTINGS = (
    "experts=[imagenet,semantic]",
    "neighbors.backend=exact",
    "elasticsearch.replicas=0",
    "elasticsearch.keep_indexes=100",
    "vote.min_evaluation_gifs=5",
)
"""Of every night; exact, so that two nights can be compared row for row."""
NUM_GIFS, NUM_NEW = 32, 3


@dataclass(frozen=True)
class Ended:
    """How a command ended; a code below 0 is the signal that ended it."""

    code: int
    log: str
    seconds: float

    @property
    def last_line(self) -> str:
        """Its error, or the last thing that it said."""
        lines = [line for line in self.log.splitlines() if line.strip()]
        errors = [line for line in lines if line.startswith("error:")]
        return (errors or lines or [""])[-1][:160]


class Command:
    """`autotag WORDS`, or another module's main, in a process group of its own."""

    def __init__(
        self, words: Sequence[str], environment: dict[str, str] | None = None, program: Sequence[str] = ()
    ) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="autotag-chaos-")
        self._log = Path(self._folder.name, "log")
        self._started = time.monotonic()
        command = [*(program or (sys.executable, "-m", "jobs.commands.app")), *words]
        with self._log.open("wb") as output:
            self.process = subprocess.Popen(
                command,
                cwd=PROJECT,
                env=os.environ | (environment or {}),
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def log(self) -> str:
        """What it has printed so far."""
        return self._log.read_text(errors="replace")

    def kill(self) -> None:
        """SIGKILL to its whole process group, while it runs."""
        if self.process.poll() is not None:  # its number may be another process's by now
            return
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def when_said(self, words: str, act: Callable[[], None], timeout_s: float = NIGHT_S) -> bool:
        """Act as soon as it has printed the words. False where it ended without."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            if words in self.log():
                act()
                return True
            if self.process.poll() is not None:
                return False
            time.sleep(0.02)
        return False

    def wait(self, timeout_s: float = NIGHT_S) -> Ended:
        """How it ended. What takes longer is killed."""
        try:
            self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            self.process.wait()
        ended = Ended(self.process.returncode, self.log(), time.monotonic() - self._started)
        self._folder.cleanup()
        return ended


class House:
    """`with House() as house`: servers start when they are first asked for, and end with the block."""

    def __init__(self) -> None:
        self._stack = ExitStack()

    def __enter__(self) -> House:
        self._stack.enter_context(own_environment())
        self.folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="autotag-chaos-")))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @cached_property
    def s3(self) -> S3Server:
        """The S3 server. This process reads from it without the proxy."""
        server = self._stack.enter_context(S3Server())
        os.environ.update(server.environment())
        storage.files._s3_client.cache_clear()
        server.client().create_bucket(Bucket="chaos")
        return server

    @cached_property
    def s3_proxy(self) -> Proxy:
        """What commands take for S3."""
        return self._stack.enter_context(Proxy(self.s3.endpoint))

    def start_s3(self) -> None:
        """Start the server now: this process then reads from it by `s3a://` URIs, and commands go through the proxy."""
        _ = self.s3_proxy

    @cached_property
    def search(self) -> SearchServer:
        """Elasticsearch, which can be started again. This process reads from it without the proxy."""
        return self._stack.enter_context(SearchServer())

    @cached_property
    def search_proxy(self) -> Proxy:
        """What commands take for Elasticsearch."""
        return self._stack.enter_context(Proxy(self.search.url))

    @contextmanager
    def calm(self) -> Iterator[None]:
        """Afterwards no proxy does anything any more."""
        try:
            yield
        finally:
            for name in ("s3_proxy", "search_proxy"):
                if name in self.__dict__:
                    getattr(self, name).fault = passed

    def environment(self) -> dict[str, str]:
        """The variables of a command that goes through the proxies."""
        return {"AWS_ENDPOINT_URL": self.s3_proxy.url} if "s3" in self.__dict__ else {}

    def start(self, *words: str, environment: dict[str, str] | None = None, program: Sequence[str] = ()) -> Command:
        """`autotag WORDS`, or another program, through the proxies. It is killed with the house, if it still runs."""
        command = Command(words, self.environment() | (environment or {}), program)
        self._stack.callback(command.kill)
        return command

    def run(self, *words: str) -> Ended:
        """`autotag WORDS`, to its end."""
        return self.start(*words).wait()


def night_words(catalog: str, warehouse: str, settings: Sequence[str] = (), search: Sequence[str] = ()) -> list[str]:
    """The words of a night; `search` are the URL of Elasticsearch and the alias, where it indexes."""
    words = ["nightly", "--catalog", catalog, "--warehouse", warehouse]
    words += [word for setting in (*SETTINGS, *settings) for word in ("--set", setting)]
    return [*words, "--elasticsearch", search[0], "--index", search[1]] if search else words


def write_catalogs(folder: str, num_gifs: int = NUM_GIFS, rows_only: bool = False) -> tuple[str, str]:
    """Two nights' catalogs over one sample: in the second, a GIF is gone, one has other tags, three are new."""
    if rows_only:
        write_rows(folder, num_gifs + NUM_NEW, seed=7)
    else:
        write_sample(folder, num_gifs + NUM_NEW, seed=7)
    rows = [json.loads(line) for line in storage.read_bytes(f"{folder}/catalog.jsonl").splitlines()]
    second = [*rows[1:]]
    second[0] = second[0] | {"tags": [*second[0]["tags"], "cat", "added tag"]}
    names = (f"{folder}/first.jsonl", f"{folder}/second.jsonl")
    for name, chosen in zip(names, (rows[:num_gifs], second), strict=True):
        storage.write_bytes(name, "".join(json.dumps(row) + "\n" for row in chosen).encode())
    return names

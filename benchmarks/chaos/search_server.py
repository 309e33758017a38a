"""An Elasticsearch that can be killed and started again on the same data."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import psutil

from autotag_core.local_machine import ElasticsearchServer

START_S = 300.0
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class SearchServer:
    """`with SearchServer() as server: server.url`; another URL after `start_again`."""

    def __init__(self) -> None:
        self._server = ElasticsearchServer()
        self._started: subprocess.Popen[bytes] | None = None
        self.url = ""

    def __enter__(self) -> SearchServer:
        self.url = self._server.__enter__().url
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._started is not None:
            _kill(_processes())
            self._started.wait()
        self._server.stop()

    def start_again(self) -> None:
        """SIGKILL it, then start it on what it has written."""
        found = _processes()
        first = min(found, key=lambda process: process.create_time())
        environment, user, folder = first.environ(), first.uids().real, Path(first.environ()["ES_PATH_CONF"]).parent
        homes = [word for process in found for word in process.cmdline() if word.startswith("-Des.path.home=")]
        home = homes[0].partition("=")[2]
        _kill(found)
        (folder / "logs" / "http.ports").unlink(missing_ok=True)
        with (folder / "again.log").open("wb") as output:
            self._started = subprocess.Popen(
                [f"{home}/bin/elasticsearch"],
                env=environment,
                user=user if os.geteuid() == 0 else None,
                group=user if os.geteuid() == 0 else None,
                extra_groups=[] if os.geteuid() == 0 else None,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.url = _ready(folder)


def _processes() -> list[psutil.Process]:
    """The server's processes among this process's descendants."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if "ES_PATH_CONF" in process.environ():
                found.append(process)
    return found


def _kill(processes: list[psutil.Process]) -> None:
    everyone = [*processes]
    for process in processes:
        with suppress(psutil.Error):
            everyone += process.children(recursive=True)
    for process in everyone:
        with suppress(psutil.Error):
            process.send_signal(signal.SIGKILL)
    psutil.wait_procs(everyone, timeout=30)


def _ready(folder: Path) -> str:
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        with suppress(OSError, IndexError, urllib.error.URLError):
            address = (folder / "logs" / "http.ports").read_text().split()[0]
            with _DIRECT.open(f"http://{address}/_cluster/health", timeout=5) as answer:
                if json.load(answer)["status"] in ("green", "yellow"):
                    return f"http://{address}"
        time.sleep(0.1)
    raise TimeoutError(f"Elasticsearch did not come back in {START_S:.0f} s; see {folder / 'again.log'}")

"""A local Elasticsearch of one node, without security, on a free port. It leaves nothing behind."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from autotag_core.errors import AutotagError
from autotag_core.local_machine.children import Child, LocalServer, can_be_reached, wait_for
from autotag_core.local_machine.jars import ELASTICSEARCH, ELASTICSEARCH_9, require, unpack
from autotag_core.local_machine.java import MISSING_MODULE, Java, find_java, runtime_modules, usable_java
from autotag_core.local_machine.modules import relaxed_copies

START_TIMEOUT_S = 600
HEAP_MB = 512
NOBODY = 65534
"""The user that root runs Elasticsearch as: Elasticsearch refuses to run as root."""
OLDEST_JAVA = {ELASTICSEARCH: 17, ELASTICSEARCH_9: 21}
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class ElasticsearchServer(LocalServer):
    """`with ElasticsearchServer() as server: server.url`. Data, logs and settings are temporary, in `folder` if given.

    `fetched` is the folder of jars.lock that holds the program: Elasticsearch 8, or 9 where tests have fetched it.
    The server binds ports that the system picks, on 127.0.0.1, and ends with this process.
    """

    def __init__(self, folder: Path | None = None, fetched: str = ELASTICSEARCH) -> None:
        self.url = ""
        self._folder = folder
        self._fetched = fetched

    def _start(self) -> None:
        user = NOBODY if os.geteuid() == 0 else None
        # Nothing in it needs an orderly end, so it is killed at once.
        self._child = Child(_reachable_place(self._folder, user), grace_s=0)
        work = self._child.folder
        program = _program(self._fetched, work, user)
        java = _reachable_java(OLDEST_JAVA[self._fetched], work, user)
        _write_settings(program, java, work)
        environment = _environment(work, java)
        if java.lacks_module and relaxed_copies(
            sorted((program / "lib").glob("*.jar")), runtime_modules(java.runtime), work / "modules"
        ):
            environment["ES_JAVA_OPTS"] += f" --upgrade-module-path={work / 'modules'} --module-path={program / 'lib'}"
        if user is not None:
            _give(work, user)
        self._child.start([str(program / "bin" / "elasticsearch")], environment, user)
        what = f"Elasticsearch did not answer in {START_TIMEOUT_S} s"
        if not wait_for(self._is_ready, START_TIMEOUT_S, what):
            raise AutotagError(f"Elasticsearch ended at once: {self._child.log_tail()}")

    def _is_ready(self) -> bool | None:
        if self._child is None or self._child.exit_code() is not None:
            return False
        with contextlib.suppress(OSError, IndexError, urllib.error.URLError):
            address = (self._child.folder / "logs" / "http.ports").read_text().split()[0]
            with _DIRECT.open(f"http://{address}/_cluster/health", timeout=5) as answer:
                if json.load(answer)["status"] in ("green", "yellow"):
                    self.url = f"http://{address}"
                    return True
        return None


def _write_settings(program: Path, java: Java, work: Path) -> None:
    """Write this server's folders and config: Elasticsearch's own config, with the lines that differ here."""
    for name in ("data", "logs", "config", "tmp"):
        (work / name).mkdir()
    for name in ("jvm.options", "log4j2.properties"):
        lines = (program / "config" / name).read_text(encoding="utf-8").splitlines(keepends=True)
        # The launcher starts the server with the runtime itself, not with the program that drops this argument.
        kept = [line for line in lines if not (java.lacks_module and MISSING_MODULE in line)]
        (work / "config" / name).write_text("".join(kept), encoding="utf-8")
    settings = {
        "cluster.name": "autotag",
        "path.data": str(work / "data"),
        "path.logs": str(work / "logs"),
        "discovery.type": "single-node",
        "network.host": "127.0.0.1",
        "http.port": "0",
        "transport.port": "0",
        "node.portsfile": "true",  # writes the ports that the system picked to logs/http.ports
        "xpack.security.enabled": "false",
        "cluster.routing.allocation.disk.threshold_enabled": "false",  # a nearly full disk should not refuse indexes
    }
    text = "".join(f"{key}: {json.dumps(value)}\n" for key, value in settings.items())
    (work / "config" / "elasticsearch.yml").write_text(text, encoding="utf-8")


def _environment(work: Path, java: Java) -> dict[str, str]:
    return {
        **{key: value for key, value in os.environ.items() if key not in ("JAVA_HOME", "CLI_JAVA_OPTS")},
        "HOME": str(work),
        "ES_JAVA_HOME": str(java.home),
        "ES_PATH_CONF": str(work / "config"),
        "ES_TMPDIR": str(work / "tmp"),
        # Without this, compiling for a long life takes 10 of the 20 s of CPU of a start.
        "ES_JAVA_OPTS": f"-Xms{HEAP_MB}m -Xmx{HEAP_MB}m -XX:TieredStopAtLevel=1",
    }


def _reachable_place(folder: Path | None, user: int | None) -> Path | None:
    """Where the temporary folder goes: the wanted folder, else the usual place, else one that the user can reach."""
    wanted = folder.absolute() if folder is not None else Path(tempfile.gettempdir())
    wanted.mkdir(parents=True, exist_ok=True)
    for place in (wanted, Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")):
        if user is None or (place.is_dir() and can_be_reached(place, user)):
            return place
    raise AutotagError(
        f"Elasticsearch runs as user {user}, who cannot reach {wanted}: set TMPDIR to a folder that all can"
    )


def _program(folder: str, work: Path, user: int | None) -> Path:
    """The unpacked Elasticsearch: the fetched one, or a copy in `work` if that is out of reach or has a space in it."""
    fetched = require(folder)
    program = next(path for path in fetched.glob("elasticsearch-*") if path.is_dir())
    if " " not in str(program) and (user is None or can_be_reached(program / "lib", user)):
        return program
    unpack(next(fetched.glob("*.zip")), work)
    return work / program.name


def _reachable_java(oldest: int, work: Path, user: int | None) -> Java:
    """The Java to use, or a copy of it in `work` where the user cannot reach it."""
    java = find_java(oldest=oldest)
    if user is None or all(can_be_reached(place, user) for place in (java.runtime, java.home / "bin")):
        return java
    shutil.copytree(java.runtime, work / "runtime", symlinks=True)
    return usable_java(work / "runtime", java.version, work)


def _give(folder: Path, user: int) -> None:
    """Make the user own the folder and all that is in it."""
    for path in (folder, *folder.rglob("*")):
        os.chown(path, user, user, follow_symlinks=False)

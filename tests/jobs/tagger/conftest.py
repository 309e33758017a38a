"""The small release of the core's tests, in a warehouse of each test's own, and a server of a tagger."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from autotag_core.tagger.experiment import Experiment
from autotag_core.tagger.tagger_data import no_progress
from autotag_core.tagger.trained_models import newest_model
from jobs.faces.enroll_people import enroll_people
from jobs.tagger.train_tagger import TrainRequest, train_tagger
from tests.core.tagger.small_release import write_small_release


@pytest.fixture
def small_release(tmp_path: Path) -> str:
    """The warehouse; its GIFs lie beside it in gifs/."""
    return write_small_release(tmp_path / "small")


TOKEN = "s3cret"


@dataclass(frozen=True)
class Served:
    """A server under way, and what it serves."""

    url: str
    grpc: str
    metrics: str
    warehouse: str
    model: str

    def gif(self, name: str) -> Path:
        """A GIF of the release."""
        return Path(self.warehouse).parent / "gifs" / f"{name}.gif"


@pytest.fixture(scope="session")
def taught(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A warehouse with a tagger over means; only choices are written into it."""
    warehouse = write_small_release(tmp_path_factory.mktemp("taught") / "small")
    train_tagger(TrainRequest(warehouse, None, Experiment(max_epochs=20, min_examples=3)), no_progress)
    return warehouse


@pytest.fixture(scope="session")
def served(taught: str) -> Iterator[Served]:
    """A server without a token that may read the release's GIFs by URI."""
    with _served(taught, "--allow", str(Path(taught).parent / "gifs")) as found:
        yield found


@pytest.fixture(scope="session")
def locked(taught: str) -> Iterator[Served]:
    """A server with a token that reads no URIs."""
    with _served(taught, AUTOTAG_SERVE_TOKEN=TOKEN) as found:
        yield found


@pytest.fixture(scope="session")
def face_gallery(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A gallery of six people by two pictures each, and the folder of all pictures; skipped where there are none."""
    source = shared_data / "faces"
    if not source.is_dir():
        pytest.skip("no real faces")
    folder = tmp_path_factory.mktemp("people")
    for person in ("s1", "s2", "s3", "s4", "s5", "s6"):
        (folder / "people" / person).mkdir(parents=True)
        for number in (1, 2):
            shutil.copy(source / person / f"{number}.png", folder / "people" / person)
    enroll_people(str(folder / "people"), str(folder / "gallery"))
    return str(folder / "gallery"), source


@pytest.fixture(scope="session")
def served_faces(taught: str, face_gallery: tuple[str, Path]) -> Iterator[Served]:
    """A server of a tagger and the people of a gallery that may read their pictures by URI."""
    with _served(taught, "--gallery", face_gallery[0], "--allow", str(face_gallery[1])) as found:
        yield found


@pytest.fixture(scope="session")
def locked_faces(taught: str, face_gallery: tuple[str, Path]) -> Iterator[Served]:
    """The same with a token; it reads no URIs."""
    with _served(taught, "--gallery", face_gallery[0], AUTOTAG_SERVE_TOKEN=TOKEN) as found:
        yield found


@pytest.fixture
def token() -> str:
    """The token of `locked`."""
    return TOKEN


@contextmanager
def _served(warehouse: str, *options: str, **environment: str) -> Iterator[Served]:
    pytest.importorskip("mlserver", reason="no mlserver: it does not run on this Python")
    http, grpc, metrics = _free_ports(3)
    ports = ["--http", str(http), "--grpc", str(grpc), "--metrics", str(metrics)]
    command = [sys.executable, "-m", "jobs.commands.app", "serve", "--warehouse", warehouse, *ports, *options]
    process = subprocess.Popen(command, env=os.environ | environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{http}"
        for _ in range(600):
            assert process.poll() is None, process.stderr.read().decode() if process.stderr else ""
            with suppress(OSError), urllib.request.urlopen(f"{url}/v2/models/tagger/ready"):
                break
            time.sleep(0.2)
        model = newest_model(warehouse)
        yield Served(url, f"127.0.0.1:{grpc}", f"http://127.0.0.1:{metrics}/metrics", warehouse, model)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()


def _free_ports(num: int) -> list[int]:
    sockets = [socket.socket() for _ in range(num)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports

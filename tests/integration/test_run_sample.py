"""`make run`: whatever the user's environment holds, an interrupt at any time leaves nothing running and no release."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import typer

from autotag_core import warehouse
from autotag_core.errors import AutotagError, InputError
from autotag_core.local_machine import PROJECT
from jobs.sample import run_sample

pytestmark = pytest.mark.integration
OTHER_SERVERS = {
    "AWS_SESSION_TOKEN": "of-another-account",
    "AWS_PROFILE": "there-is-no-such-profile",
    "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9",
    "ELASTICSEARCH_API_KEY": "of-another-server",
    "ELASTICSEARCH_USERNAME": "somebody",
}


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def test_an_interrupt_in_the_middle_ends_with_130_and_leaves_no_process_and_no_release(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "jobs.sample.run_sample",
        "--gifs",
        "20",
        "--broken",
        "0",
        "--folder",
        f"{tmp_path}/here",
    ]
    command += ["--set", "experts=[imagenet]"]
    log = tmp_path / "log"
    with log.open("wb") as output:
        child = subprocess.Popen(command, cwd=PROJECT, env=os.environ | OTHER_SERVERS, stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + 240
        while not _has_started("frames", log) and child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        assert _has_started("frames", log), log.read_text()[-3000:]
        started = psutil.Process(child.pid).children(recursive=True)
        assert len([process for process in started if "java" in process.name()]) >= 3, "Spark and both servers"
        child.send_signal(signal.SIGINT)
        assert child.wait(60) == 130
    finally:
        child.kill()
        child.wait()
    _, alive = psutil.wait_procs(started, timeout=20)
    assert [process.cmdline() for process in alive] == []
    assert log.read_text().rstrip().endswith("stopped: readers see what was published last")
    with pytest.raises(InputError, match="no run"):
        warehouse.current_release(f"{tmp_path}/here/gifs/warehouse")


def _has_started(stage: str, log: Path) -> bool:
    return any("stage started" in line and f"stage={stage}" in line for line in log.read_text().splitlines())


class SlowServer:
    """A server that is never ready; as the real ones do, it gives up when it is stopped once it has a process."""

    url = ""

    def __init__(self, *_: object) -> None:
        self.has_process = self.is_stopped = False

    def __enter__(self) -> SlowServer:
        time.sleep(0.3)
        self.has_process, self.is_stopped = True, False
        end = time.monotonic() + 20
        while time.monotonic() < end:
            if self.is_stopped:
                raise AutotagError("it ended at once")
            time.sleep(0.01)
        return self

    def stop(self) -> None:
        self.is_stopped = True
        self.has_process = False


@pytest.mark.parametrize("after_s", [0.1, 0.6])
def test_an_interrupt_while_servers_start_waits_for_none_of_them(
    after_s: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers = [SlowServer(), SlowServer()]
    monkeypatch.setattr(run_sample, "S3Server", lambda *_: servers[0])
    monkeypatch.setattr(run_sample, "ElasticsearchServer", lambda: servers[1])
    start = time.monotonic()
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, after_s)
    try:
        with pytest.raises(KeyboardInterrupt), run_sample._servers(tmp_path):
            pass
    finally:
        signal.signal(signal.SIGALRM, before)
    assert time.monotonic() - start < 5
    assert [server.has_process for server in servers] == [False, False]


def test_a_run_starts_without_what_an_earlier_one_left(tmp_path: Path) -> None:
    place = tmp_path / "place"
    with run_sample._emptied(place, is_ours=False):
        (place / "gifs" / "warehouse").mkdir(parents=True)
        (place / "gifs" / "warehouse" / "head.safetensors").write_text("trained on another sample")
        with (
            pytest.raises(InputError, match="another `make run` is using it"),
            run_sample._emptied(place, is_ours=False),
        ):
            pass
    assert (place / "gifs").is_dir(), "the tables stay until the next run"
    with run_sample._emptied(place, is_ours=False):
        assert not (place / "gifs").exists()


def test_a_folder_that_holds_anything_else_is_not_emptied(tmp_path: Path) -> None:
    place = tmp_path / "place"
    (place / "gifs").mkdir(parents=True)
    (place / "gifs" / "mine.gif").write_text("mine")
    with pytest.raises(InputError, match="holds other files"), run_sample._emptied(place, is_ours=False):
        pass
    assert (place / "gifs" / "mine.gif").read_text() == "mine"


def test_every_option_is_explained() -> None:
    app = typer.Typer(add_completion=False)
    app.command()(run_sample.command)
    options = {option.opts[0]: option.help for option in typer.main.get_command(app).params}  # type: ignore[attr-defined]
    assert set(options) == {"--gifs", "--seed", "--broken", "--set", "--folder", "--faces"}
    assert all(options.values())


def test_a_wrong_setting_is_one_line_before_anything_starts(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    arguments = ["run_sample", "--folder", f"{tmp_path}/here", "--set", "neighbors.K=3"]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit) as ended:
        run_sample.main()
    out, err = capsys.readouterr()
    assert (ended.value.code, out, err.count("\n")) == (2, "", 1)
    assert "unknown key neighbors.K; the nearest is neighbors.k" in err
    assert not (tmp_path / "here").exists()

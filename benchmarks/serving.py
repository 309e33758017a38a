"""`autotag serve` against a plain FastAPI endpoint: `python -m benchmarks.serving MODEL FOLDER [--minutes 5]`.

MODEL is the run folder of a tagger with aggregator=mean_features, FOLDER holds GIFs. Both servers run side by side and
are asked in turns, by 1, 8 and 32 clients, each with its next request as soon as it has an answer. Ours gets base64 by
REST, the plain one (benchmarks/serving_plain.py) the bytes. Printed are requests a second, p50 and p95 of both sides,
the ratio of requests a second, and the share of GIFs whose first tag is the same. --minutes N is a load test of ours
alone at 32 clients: errors, and memory after the first and the last tenth.
"""

from __future__ import annotations

import argparse
import base64
import http.client
import json
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil

CLIENTS = (1, 8, 32)


@dataclass
class Seen:
    """What clients saw of one side."""

    seconds: list[float] = field(default_factory=list)
    first_tags: dict[str, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Side:
    """A server, and how it is asked: (path, body, content type) of a GIF, and the first tag of an answer."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    request: Callable[[bytes], tuple[str, bytes, str]]
    first_tag: Callable[[bytes], str]

    def ask(self, connection: http.client.HTTPConnection, path: Path, seen: Seen) -> None:
        """One request, timed."""
        place, body, kind = self.request(path.read_bytes())
        start = time.perf_counter()
        try:
            connection.request("POST", place, body, {"content-type": kind})
            answer = connection.getresponse()
            data = answer.read()
            if answer.status != 200:
                seen.errors.append(f"{answer.status} {data[:80]!r}")
                return
        except OSError as error:
            seen.errors.append(repr(error))
            connection.close()
            return
        seen.seconds.append(time.perf_counter() - start)
        seen.first_tags[path.name] = self.first_tag(data)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--requests", type=int, default=96, help="of each side at each number of clients")
    parser.add_argument("--minutes", type=float, default=0.0)
    options = parser.parse_args()
    paths = sorted(options.folder.rglob("*.gif"))
    random.Random(7).shuffle(paths)
    with _started(options.model) as (ours, plain):
        for side in (ours, plain):
            load(side, paths[:4], 2, 8)  # warm
        if options.minutes:
            load_test(ours, paths, options.minutes)
            return
        print(f"{'clients':>7}  {'side':<12}{'requests/s':>11}{'p50 ms':>9}{'p95 ms':>9}{'errors':>8}{'ratio':>7}")
        for clients in CLIENTS:
            rates = {}
            found = {}
            for side in (plain, ours):
                rates[side.name], found[side.name] = load(side, paths, clients, options.requests)
                seen, rate = found[side.name], rates[side.name]
                p50, p95 = (1000 * np.percentile(seen.seconds, share) for share in (50, 95))
                ratio = f"{rate / rates[plain.name]:>7.2f}" if side is ours else ""
                print(
                    f"{clients:>7}  {side.name:<12}{rate:>11.2f}{p50:>9.0f}{p95:>9.0f}{len(seen.errors):>8}{ratio}",
                    flush=True,
                )
            tags = [found[side.name].first_tags for side in (ours, plain)]
            same = [tags[0][name] == tags[1][name] for name in tags[0] if name in tags[1]]
            print(f"{'':>7}  first tag is the same for {np.mean(same):.3f} of {len(same)} GIFs", flush=True)


def load(side: Side, paths: list[Path], clients: int, num_requests: int) -> tuple[float, Seen]:
    """(requests a second, what was seen) of so many clients that share the requests."""
    seen, numbers = Seen(), iter(range(num_requests))
    start = time.perf_counter()
    _run(side, paths, clients, numbers, seen)
    return len(seen.seconds) / (time.perf_counter() - start), seen


def load_test(side: Side, paths: list[Path], minutes: float) -> None:
    """Requests of 32 clients for so long."""
    end, seen = time.monotonic() + 60 * minutes, Seen()

    def numbers() -> Iterator[int]:
        number = 0
        while time.monotonic() < end:
            yield number
            number += 1

    memory: list[float] = []
    watch = threading.Thread(target=_watch_memory, args=(side.process.pid, end, memory))
    watch.start()
    _run(side, paths, CLIENTS[-1], numbers(), seen)
    watch.join()
    tenth = max(1, len(memory) // 10)
    print(
        f"{minutes} minutes, {CLIENTS[-1]} clients: {len(seen.seconds)} answers, {len(seen.errors)} errors, "
        f"{len(seen.seconds) / (60 * minutes):.2f} requests/s, memory {memory[tenth]:.0f} MB after the first tenth, "
        f"{memory[-1]:.0f} MB at the end, {max(memory):.0f} MB at most"
    )


def _run(side: Side, paths: list[Path], clients: int, numbers: Iterator[int], seen: Seen) -> None:
    lock = threading.Lock()

    def client() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", side.port, timeout=300)
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            side.ask(connection, paths[number % len(paths)], seen)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _watch_memory(pid: int, end: float, memory: list[float]) -> None:
    process = psutil.Process(pid)
    while time.monotonic() < end:
        memory.append(process.memory_info().rss / 2**20)
        time.sleep(1)


@contextmanager
def _started(model: str) -> Iterator[tuple[Side, Side]]:
    ports = [_free_port() for _ in range(4)]
    options = ["--model", model, "--http", *map(str, (ports[0], "--grpc", ports[1], "--metrics", ports[2]))]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    serve = subprocess.Popen([sys.executable, "-m", "jobs.commands.app", "serve", *options], **quiet)
    other = subprocess.Popen([sys.executable, "-m", "benchmarks.serving_plain", model, str(ports[3])], **quiet)
    try:
        for port in (ports[0], ports[3]):
            _wait_for(port)
        time.sleep(10)  # the model is loaded after the port is open
        yield (
            Side("autotag", ports[0], serve, _v2_request, _v2_first_tag),
            Side("plain", ports[3], other, lambda data: ("/suggest", data, "image/gif"), _plain_first_tag),
        )
    finally:
        for process in (serve, other):
            process.terminate()
            process.wait(30)


def _v2_request(data: bytes) -> tuple[str, bytes, str]:
    tensor = {"name": "gif", "shape": [1], "datatype": "BYTES", "data": [base64.b64encode(data).decode()]}
    return "/v2/models/tagger/infer", json.dumps({"inputs": [tensor]}).encode(), "application/json"


def _v2_first_tag(data: bytes) -> str:
    return str(json.loads(data)["outputs"][0]["data"][0])


def _plain_first_tag(data: bytes) -> str:
    return str(json.loads(data)["tags"][0])


def _wait_for(port: int) -> None:
    for _ in range(600):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.2)
    raise TimeoutError(f"nothing listens on port {port}")


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


if __name__ == "__main__":
    main()

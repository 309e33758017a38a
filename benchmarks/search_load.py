"""How fast `autotag serve-search` answers: `python -m benchmarks.search_load [--gifs 20000] [--clients 20]`.

The rows of a drawn catalog (`autotag sample` without pictures) are indexed with meanings, mixed of those of their tags,
and served by the command. Clients are threads that ask searches, phrases, what rises, related GIFs and tags, and random
GIFs, in a mix.
Each waits --pause seconds, drawn around that mean, after an answer: a person reads. --pause 0 asks at once, which says
how many requests a second this machine can do. Phrases and searches are combinations of words, so that few repeat.
Printed are requests a second, errors, and p50, p95 and p99 in ms, of each endpoint and of all.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import random
import socket
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from autotag_core.config import TextConfig
from autotag_core.experts.text.sentences import as_bytes
from autotag_core.sample import vocabulary, write_rows
from autotag_core.search.translation.meanings import Meanings
from benchmarks.translate import WORK, given_documents, indexed

MIX = {"search": 8, "translate": 4, "trending": 3, "related": 2, "random": 2, "tags": 1}
SEED = 7


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gifs", type=int, default=20_000)
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--pause", type=float, action="append")
    options = parser.parse_args()
    folder = WORK / f"rows-{options.gifs}"
    if not (folder / "catalog.jsonl").exists():
        write_rows(str(folder), options.gifs, SEED)
    documents = list(_mixed_documents(folder))
    print(f"{len(documents)} documents", flush=True)
    with indexed(documents) as (client, index), _served(str(client.transport.node_pool.get().base_url), index) as port:
        paths = _paths([one["gif_id"] for one in documents])
        load(port, paths, options.clients, 10, 0.2)  # warm
        for pause in options.pause or (1.0, 0.0):
            print(f"{options.clients} clients, {pause:g} s between requests")
            show(*load(port, paths, options.clients, options.seconds, pause))


def _mixed_documents(folder: Path) -> Iterator[dict[str, Any]]:
    """Documents with meanings that are mixed of those of their tags, and noise: MiniLM takes minutes for 20,000."""
    meanings, noise = Meanings(TextConfig()), np.random.default_rng(SEED)
    for document in given_documents(folder, None):
        vectors = meanings.of([tag["tag"] for tag in document["tags"]] or ["gif"])
        mixed = vectors.mean(0) + noise.normal(0, 0.01, vectors.shape[1])
        yield document | {"meaning": as_bytes(mixed / np.linalg.norm(mixed)).tolist()}


def load(
    port: int, paths: Iterator[tuple[str, str]], clients: int, seconds: float, pause: float
) -> tuple[dict[str, list[float]], list[str], float]:
    """(seconds by endpoint, errors, seconds in all) of so many clients for so long."""
    taken: dict[str, list[float]] = defaultdict(list)
    errors: list[str] = []
    end, lock = time.monotonic() + seconds, threading.Lock()

    def client(number: int) -> None:
        waits = random.Random(number)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        time.sleep(waits.uniform(0, pause))
        while time.monotonic() < end:
            with lock:
                name, path = next(paths)
            begun = time.perf_counter()
            try:
                connection.request("GET", path)
                answer = connection.getresponse()
                answer.read()
                if answer.status not in (200, 404):
                    errors.append(f"{answer.status} {path}")
            except OSError as error:
                errors.append(repr(error))
                connection.close()
            taken[name].append(time.perf_counter() - begun)
            time.sleep(waits.uniform(0, 2 * pause))

    begun = time.monotonic()
    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return taken, errors, time.monotonic() - begun


def show(taken: dict[str, list[float]], errors: list[str], seconds: float) -> None:
    """Print the figures."""
    print(f"{'':>10}{'requests/s':>12}{'p50 ms':>8}{'p95 ms':>8}{'p99 ms':>8}")
    for name, values in [*sorted(taken.items()), ("all", list(itertools.chain(*taken.values())))]:
        p50, p95, p99 = (1000 * np.percentile(values, share) for share in (50, 95, 99))
        print(f"{name:>10}{len(values) / seconds:>12.1f}{p50:>8.0f}{p95:>8.0f}{p99:>8.0f}")
    print(f"errors: {len(errors)} {errors[:1]}", flush=True)


def _paths(gif_ids: list[str]) -> Iterator[tuple[str, str]]:
    """(endpoint, path), without end, the same every time."""
    drawn = random.Random(SEED)
    words = sorted(word for kinds in vocabulary().values() for word in kinds)
    names, weights = list(MIX), list(MIX.values())
    while True:
        name = drawn.choices(names, weights)[0]
        said = quote(" ".join(drawn.sample(words, drawn.randint(1, 3))))
        path = {
            "search": f"/v1/search?q={said}",
            "translate": f"/v1/translate?s={said}&weirdness={drawn.randint(0, 10)}",
            "trending": f"/v1/trending?offset={25 * drawn.randint(0, 10)}",
            "related": f"/v1/related/{quote(drawn.choice(gif_ids))}",
            "random": f"/v1/random?tag={quote(drawn.choice(words))}",
            "tags": f"/v1/tags/{quote(drawn.choice(words))}/related",
        }[name]
        yield name, path


@contextmanager
def _served(url: str, index: str) -> Iterator[int]:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = int(one.getsockname()[1])
    options = ["--elasticsearch", url, "--index", index, "--http", str(port), "--per-minute", "0", "--timeout", "10"]
    process = subprocess.Popen([sys.executable, "-m", "jobs.commands.app", "serve-search", *options])
    try:
        for _ in range(600):
            with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.2)
        yield port
    finally:
        process.terminate()
        process.wait(30)


if __name__ == "__main__":
    main()

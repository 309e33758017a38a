"""The stage over frames against the frameworks that people use for it:
`python -m benchmarks.frameworks [--gifs 60] [--rounds 5] [--chunk 4] [--json]`.

All sides fetch the same drawn GIFs from the same S3 server, decode and sample the same frames, embed them with
EfficientNet-Lite0 and hand the embeddings to the driver, on two cores. The peers do it as a notebook has it: Pillow,
and torch in chunks of --chunk frames. 4 is what eager torch is fastest with, two to three times as fast as with the 32
that notebooks have. Ray and Daft go into an environment of their own below the cache, and see this one's torch and
Pillow.

Each side is a process that has started its framework, and made one pass, before times are taken: workers and models are
warm. What that pass found is compared with this project's embeddings. Then the sides take turns.
"""

from __future__ import annotations

import argparse
import json
import os
import site
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from autotag_core.config import FramesConfig
from autotag_core.frames import read_header, sample_indices
from autotag_core.local_machine import S3Server, cache_folder
from autotag_core.sample import write_sample
from benchmarks.framework_sides import CHUNK, PARTITIONS, SIDES, WANTED

PEERS = {"Ray Data": "ray[data]", "Daft": "daft"}
"""Sides that need a package which this project does not have."""
OURS, TARGET, LEAST_COSINE = "autotag", 1.5, 0.999
BUCKET, LOG, GIFS_PER_TASK = "gifs", "log.txt", 16


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gifs", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--chunk", type=int, default=4, help="frames in one forward pass of the peers")
    parser.add_argument("--sides", nargs="+", default=list(SIDES), choices=list(SIDES))
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder), options)
    print(json.dumps(figures) if options.json else as_text(figures))


def measure(folder: Path, options: argparse.Namespace) -> dict[str, object]:
    """Frames per second of each side, and the ratio of this project to the best of the others in the same round."""
    write_sample(str(folder / "sample"), options.gifs, seed=7)
    frames = frames_wanted(folder / "sample")
    wanted = folder / "wanted.json"
    wanted.write_text(json.dumps(frames), encoding="utf-8")
    num_frames = sum(map(len, frames.values()))
    seconds: dict[str, list[float]] = {name: [] for name in options.sides}
    with ExitStack() as stack:
        server = stack.enter_context(S3Server(folder / "served"))
        upload(folder / "sample", server)
        environment = server.environment() | {
            WANTED: str(wanted),
            CHUNK: str(options.chunk),
            PARTITIONS: str(-(-options.gifs // GIFS_PER_TASK)),
        }
        sides = [stack.enter_context(started(name, environment, folder)) for name in options.sides]
        found = {side.name: side.run_pass()[1] for side in sides}
        cosines = {name: least_cosine(found[OURS], other) for name, other in found.items()}
        for _ in range(options.rounds):
            for side in sides:
                seconds[side.name].append(side.run_pass()[0])
    others = [times for name, times in seconds.items() if name != OURS]
    ratios = [min(times) / own for own, *times in zip(seconds[OURS], *others, strict=True)]
    return {
        "name": f"frames stage / best of Ray Data, Daft, plain Spark (chunks of {options.chunk})",
        "ratio": round(statistics.median(ratios), 2),
        "target": TARGET,
        "alike": min(cosines.values()) >= LEAST_COSINE,
        "gifs": options.gifs,
        "frames": num_frames,
        "frames_per_s": {name: round(num_frames / statistics.median(times), 1) for name, times in seconds.items()},
        "least_cosine": {name: round(cosine, 5) for name, cosine in cosines.items()},
    }


def frames_wanted(folder: Path) -> dict[str, list[int]]:
    """By URI on the server, the frames that this project would sample."""
    config, found = FramesConfig(), {}
    for path in sorted(folder.rglob("*.gif")):
        delays = read_header(path.read_bytes()).delays_ms
        found[f"s3a://{BUCKET}/{path.relative_to(folder)}"] = sample_indices(delays, config.num_frames, config.sampling)
    return found


def upload(folder: Path, server: S3Server) -> None:
    """The GIFs of the folder to the server."""
    client = server.client()
    client.create_bucket(Bucket=BUCKET)
    for path in folder.rglob("*.gif"):
        client.put_object(Bucket=BUCKET, Key=str(path.relative_to(folder)), Body=path.read_bytes())


@dataclass(frozen=True)
class Side:
    """A running process of benchmarks.framework_sides."""

    name: str
    process: subprocess.Popen[str]
    folder: Path

    def run_pass(self) -> tuple[float, dict[str, np.ndarray]]:
        """Seconds of one pass over all GIFs, and its embeddings."""
        path = self.folder / "found.npz"
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin is not None and stdout is not None
        stdin.write(f"{path}\n")
        stdin.flush()
        seconds = float(self._answer(stdout))
        with np.load(path) as found:
            return seconds, dict(zip(found["keys"].tolist(), found["vectors"], strict=True))

    def _answer(self, stdout: IO[str]) -> str:
        line = stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} ended:\n{log_tail(self.folder)}")
        return line


@contextmanager
def started(name: str, environment: dict[str, str], folder: Path) -> Iterator[Side]:
    """The side with its framework started; it ends with the block."""
    python = str(python_with_peers()) if name in PEERS else sys.executable
    command = [python, "-m", "benchmarks.framework_sides", name]
    project = str(Path(__file__).resolve().parents[1])
    variables = os.environ | environment | {"PYTHONPATH": project, "RAY_USAGE_STATS_ENABLED": "0"}
    variables |= {"DAFT_ANALYTICS_ENABLED": "0", "DAFT_PROGRESS_BAR": "0", "OMP_NUM_THREADS": "1"}
    with (
        (folder / LOG).open("a") as log,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=variables, cwd=project, text=True
        ) as process,
    ):
        assert process.stdin is not None and process.stdout is not None
        if process.stdout.readline().strip() != "ready":
            process.kill()
            raise SystemExit(f"{name} did not start:\n{log_tail(folder)}")
        try:
            yield Side(name, process, folder)
        finally:
            process.stdin.close()


def log_tail(folder: Path) -> str:
    """The last lines of what all sides have logged."""
    return (folder / LOG).read_text(encoding="utf-8")[-3000:]


def python_with_peers() -> Path:
    """The Python of an environment with the peers, made where there is none; this one's packages come after its own."""
    place = cache_folder() / "frameworks"
    python, uv = place / "bin" / "python", [sys.executable, "-m", "uv"]
    if not (place / "installed").is_file():
        subprocess.run([*uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(place)], check=True)
        install = [*uv, "pip", "install", "--quiet", "--python", str(python), *PEERS.values()]
        subprocess.run(install, check=True, env=os.environ | index_settings())
        (own,) = place.glob("lib/python*/site-packages")
        (own / "project.pth").write_text(f"{site.getsitepackages()[0]}\n", encoding="utf-8")
        (place / "installed").touch()
    return python


def index_settings() -> dict[str, str]:
    """A company's index in pip's settings holds for uv too."""
    if os.environ.get("UV_DEFAULT_INDEX"):
        return {}
    command = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
    index = os.environ.get("PIP_INDEX_URL") or _printed(command)
    return {"UV_SYSTEM_CERTS": "true"} | ({"UV_DEFAULT_INDEX": index} if index else {})


def _printed(command: list[str]) -> str:
    return subprocess.run(command, check=False, capture_output=True, text=True).stdout.strip()


def least_cosine(found: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> float:
    """Between both embeddings of a GIF, the smallest; -1 where one side lacks some."""
    if found.keys() != other.keys():
        return -1.0
    return min(float(found[key] @ other[key]) for key in found)


def as_text(figures: dict[str, object]) -> str:
    """A table."""
    rates, cosines = figures["frames_per_s"], figures["least_cosine"]
    assert isinstance(rates, dict) and isinstance(cosines, dict)
    lines = [f"{figures['gifs']} GIFs, {figures['frames']} frames", f"{'':<28}{'frames/s':>10}{'least cosine':>16}"]
    lines += [f"{name:<28}{rate:>10.1f}{cosines[name]:>16.5f}" for name, rate in rates.items()]
    lines.append(f"{figures['name']}: {figures['ratio']} times (target {figures['target']})")
    return "\n".join(lines)


if __name__ == "__main__":
    main()

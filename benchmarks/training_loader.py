"""How fast examples come out of the loader, beside a plain torch Dataset over the same files, and what storing costs.

    python -m benchmarks.training_loader --catalog CATALOG.jsonl --gifs 300 --rounds 5 [--workers 2]

The GIFs are decoded once and stored as JPEG, as WebP and as references, in a table as the job writes it. Then both
sides go through it in turns: the loader (threads read and decode) and a plain map-style Dataset with a
DataLoader, which holds a row group in memory and decodes in worker processes; each without augmentation, and the loader
also with it. Medians, of wall-clock examples per second and of CPU time with all worker processes: the latter says how
many cores a GPU needs, and hardly changes with what else the machine does.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import torch
import typer
from deltalake import WriterProperties, write_deltalake
from torch.utils.data import DataLoader, Dataset

from autotag_core.config import Config, FramesConfig, TrainingConfig
from autotag_core.frames import LoadedGif, load_frames
from autotag_core.storage.uris import absolute
from autotag_core.tables import TRAINING_EXAMPLES, TRAINING_LABELS
from autotag_core.training import open_examples
from autotag_core.training.augmentation import chosen_frames
from autotag_core.training.pictures import decode_frames, encode_frames
from autotag_core.warehouse import RunRecord, append_run, current_release, table_files

ASSUMED_FRAMES_PER_S = 3_000
"""What a ResNet50 in training may take on one large GPU, 224 x 224, mixed precision; assumed, not measured here."""
NUM_FRAMES = 16
NUM_CLASSES = 20
ROW_GROUP = 64
Batches = Callable[[], Iterator[Any]]


class PlainExamples(Dataset[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]):
    """What one would write without the loader: an item comes from its row group, kept until another one is read."""

    def __init__(self, path: str, num_classes: int, num_frames: int, frames: FramesConfig) -> None:
        self._path, self._num_classes, self._num_frames, self._frames = path, num_classes, num_frames, frames
        self._places = [
            (group, row)
            for group in range(pq.ParquetFile(path).num_row_groups)
            for row in range(pq.ParquetFile(path).metadata.row_group(group).num_rows)
        ]
        self._file: pq.ParquetFile | None = None
        self._held: tuple[int, list[dict[str, Any]]] = (-1, [])

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, item: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        group, row = self._places[item]
        self._file = self._file or pq.ParquetFile(self._path)
        if self._held[0] != group:
            self._held = (group, self._file.read_row_group(group).to_pylist())
        example = self._held[1][row]
        if example["frames"] is None:
            found = load_frames(example["uri"], self._frames).frames
            found = found[chosen_frames(len(found), self._num_frames)]
        else:
            files = example["frames"]
            found = decode_frames([files[at] for at in chosen_frames(len(files), self._num_frames)])
        frames = torch.zeros((self._num_frames, *found.shape[1:]), dtype=torch.uint8)
        frames[: len(found)] = found
        targets = torch.zeros(self._num_classes)
        targets[example["label_ids"]] = torch.tensor(example["confidences"])
        return frames, targets, torch.arange(self._num_frames) < len(found)


def main(
    catalog: Annotated[str, typer.Option(help="Catalog file, .jsonl, with GIFs on this machine.")],
    gifs: Annotated[int, typer.Option(help="How many of its GIFs.")] = 300,
    rounds: Annotated[int, typer.Option(help="Epochs of each side, in turns.")] = 5,
    workers: Annotated[int, typer.Option(help="Decoding threads, or worker processes of the DataLoader.")] = 2,
    batch_size: Annotated[int, typer.Option(help="GIFs in a batch.")] = 16,
) -> None:
    """Print the tables of benchmarks/README.md."""
    loaded = list(_load(catalog, gifs))
    with tempfile.TemporaryDirectory() as folder:
        _print_sizes(loaded)
        for kind in ("jpeg", "webp", "reference"):
            uri = _write(f"{folder}/{kind}", loaded, kind)
            _print_speeds(kind, _sides(uri, workers, batch_size), rounds)


def _load(catalog: str, num_gifs: int) -> Iterator[tuple[str, LoadedGif, float]]:
    """(uri, frames, CPU seconds that fetching and decoding took)."""
    folder = Path(catalog).parent
    rows = [json.loads(line) for line in Path(catalog).read_text(encoding="utf-8").splitlines()[:num_gifs]]
    for row in rows:
        uri = absolute(str(folder / row["uri"]))
        start = time.process_time()
        gif = load_frames(uri, FramesConfig())
        yield uri, gif, time.process_time() - start


def _print_sizes(loaded: list[tuple[str, LoadedGif, float]]) -> None:
    files = statistics.mean(gif.media.num_bytes for _, gif, _ in loaded) / 1024
    frames = statistics.mean(len(gif.frames) for _, gif, _ in loaded)
    decode = 1000 * statistics.median(seconds for *_, seconds in loaded)
    print(f"{len(loaded)} GIFs, {frames:.1f} sampled frames on average")
    print("| stored as | KB a GIF | encode, CPU ms a GIF | decode, CPU ms a GIF | mean difference, levels |")
    print("|---|---|---|---|---|")
    print(f"| reference (the GIF itself) | {files:.0f} | | {decode:.1f} | 0 |")
    for kind, quality in (("jpeg", 75), ("jpeg", 90), ("jpeg", 95), ("webp", 75), ("webp", 90)):
        sizes, encodings, decodings, differences = [], [], [], []
        for _, gif, _ in loaded[:32]:
            start = time.process_time()
            stored = encode_frames(gif.frames, kind, quality)
            middle = time.process_time()
            again = decode_frames(stored)
            decodings.append(time.process_time() - middle)
            encodings.append(middle - start)
            sizes.append(sum(map(len, stored)) / 1024)
            differences.append(float((again.float() - gif.frames.float()).abs().mean()))
        values = (
            1000 * statistics.median(encodings),
            1000 * statistics.median(decodings),
            statistics.mean(differences),
        )
        print(
            f"| {kind} {quality} | {statistics.mean(sizes):.0f} | " + " | ".join(f"{one:.1f}" for one in values) + " |"
        )


def _write(uri: str, loaded: list[tuple[str, LoadedGif, float]], kind: str) -> str:
    rows = [
        {
            "gif_id": f"g{number:05d}",
            "split": "train",
            "uri": place,
            "version": gif.media.version,
            "label_ids": [number % NUM_CLASSES],
            "confidences": [1.0],
            "has_text": False,
            "num_frames": gif.media.num_frames,
            "duration_ms": gif.media.duration_ms,
            "frames": None if kind == "reference" else encode_frames(gif.frames, kind, 90),
        }
        for number, (place, gif, _) in enumerate(loaded)
    ]
    labels = [
        {"label_id": number, "label": f"label {number}", "num_examples": len(rows) // NUM_CLASSES, "num_held_out": 0}
        for number in range(NUM_CLASSES)
    ]
    for table, content in ((TRAINING_EXAMPLES, rows), (TRAINING_LABELS, labels)):
        Path(uri, table.name).mkdir(parents=True)
        content_table = pa.Table.from_pylist(content, schema=table.plain_schema)
        properties = WriterProperties(max_row_group_size=ROW_GROUP)
        write_deltalake(f"{uri}/{table.name}", content_table, writer_properties=properties)
    config = Config(training=TrainingConfig.model_validate({"frames": kind})).model_dump(mode="json")
    versions = {TRAINING_EXAMPLES.name: 0, TRAINING_LABELS.name: 0}
    now = datetime.now(UTC)
    append_run(uri, RunRecord("r", now, now, "published", None, "r", versions, config=json.dumps(config)))
    return uri


def _sides(uri: str, workers: int, batch_size: int) -> dict[str, Batches]:
    def loader(**settings: Any) -> Batches:
        examples = open_examples(
            uri, batch_size=batch_size, scheme="natural", min_examples=1, num_decoders=workers, **settings
        )
        return lambda: iter(examples)

    path = table_files(uri, TRAINING_EXAMPLES.name, current_release(uri))[0]
    plain = PlainExamples(path, NUM_CLASSES, NUM_FRAMES, FramesConfig())
    in_order = DataLoader(plain, batch_size, num_workers=workers, drop_last=True, persistent_workers=True)
    shuffled = DataLoader(plain, batch_size, shuffle=True, num_workers=workers, drop_last=True, persistent_workers=True)
    return {
        "plain, in order": lambda: iter(in_order),
        "plain, shuffled": lambda: iter(shuffled),
        "loader": loader(augmentation=None),
        "loader, augmented": loader(),
    }


def _print_speeds(kind: str, sides: dict[str, Batches], rounds: int) -> None:
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}  # wall and CPU, of one example
    for number in range(rounds + 1):
        for name, batches in sides.items():
            start, cpu, count = time.perf_counter(), _cpu_seconds(), 0
            for batch in batches():
                count += len(batch["frames"] if isinstance(batch, dict) else batch[0])
            if number:  # the first round starts workers and compiles
                seconds[name].append(((time.perf_counter() - start) / count, (_cpu_seconds() - cpu) / count))
    print(f"\n{kind}: medians of {rounds} epochs in turns, and of the ratios to `plain, shuffled` in the same turn")
    print("| | examples/s | times as fast | CPU ms an example | times the CPU | cores for a GPU |")
    print("|---|---|---|---|---|---|")
    for name, found in seconds.items():
        wall, cpu = (statistics.median(one) for one in zip(*found, strict=True))
        pairs = list(zip(found, seconds["plain, shuffled"], strict=True))
        faster = statistics.median(other[0] / one[0] for one, other in pairs)
        dearer = statistics.median(one[1] / other[1] for one, other in pairs)
        cores = cpu * ASSUMED_FRAMES_PER_S / NUM_FRAMES
        print(f"| {name} | {1 / wall:.1f} | {faster:.2f} | {1000 * cpu:.1f} | {dearer:.2f} | {cores:.1f} |")


def _cpu_seconds() -> float:
    """Of this process and its children that are alive."""
    own = psutil.Process()
    times = [process.cpu_times() for process in (own, *own.children(recursive=True))]
    return sum(one.user + one.system for one in times)


if __name__ == "__main__":
    warnings.filterwarnings("ignore", category=FutureWarning)
    typer.run(main)

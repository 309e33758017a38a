"""Who is in drawn GIFs: `python -m benchmarks.faces FOLDER_OF_PEOPLE [--gifs 200] [--seeds 1 2 3]`.

FOLDER_OF_PEOPLE has a folder of pictures a person, such as the ORL face database. GIFs are drawn from them: 1 to 4
people, 4 to 20 frames, coming and going, moved, scaled 0.7 to 3 times, turned up to 20 degrees, in 64 colours, on drawn
backgrounds. Three quarters of the people are enrolled from 3 pictures each, which no GIF shows; the others never are.
Prints for each seed: GIFs whose known people are named exactly right, F1 of known people, share of unknown people that
are named as somebody, and milliseconds a GIF, beside those of embedding every face of every frame.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw

from autotag_core.faces.detector import FaceDetector
from autotag_core.faces.embedder import FaceEmbedder
from autotag_core.faces.finder import FaceFinder
from autotag_core.faces.gallery import Gallery

ENROLLED = 3
PEOPLE_OF_A_GIF, FRAMES_OF_A_GIF = (1, 4), (4, 20)
SCALES, TURN = (0.7, 3.0), 20.0
COLOURS = 64
WIDTH, HEIGHT = 480, 360


@dataclass(frozen=True)
class DrawnGif:
    """A GIF's frames (n, height, width, 3) uint8, and who is in it."""

    frames: np.ndarray
    people: frozenset[str]


@dataclass(frozen=True)
class Visit:
    """A person in a GIF: their picture in each frame, or None."""

    picture: Image.Image
    first: int
    last: int
    start: tuple[float, float]
    move: tuple[float, float]
    scale: float
    turn: tuple[float, float]


def pictures_of(folder: Path) -> dict[str, list[Image.Image]]:
    """Each person's pictures, by name."""
    return {
        person.name: [Image.open(path).convert("RGB") for path in sorted(person.iterdir())]
        for person in sorted(folder.iterdir())
        if person.is_dir()
    }


def draw_gifs(pictures: dict[str, list[Image.Image]], num_gifs: int, seed: int) -> Iterator[DrawnGif]:
    """GIFs that show the pictures given."""
    chance = np.random.default_rng(seed)
    names = sorted(pictures)
    for _ in range(num_gifs):
        num_frames = int(chance.integers(FRAMES_OF_A_GIF[0], FRAMES_OF_A_GIF[1] + 1))
        chosen = chance.choice(names, int(chance.integers(PEOPLE_OF_A_GIF[0], PEOPLE_OF_A_GIF[1] + 1)), replace=False)
        visits = [_visit(pictures[name], (at, len(chosen)), num_frames, chance) for at, name in enumerate(chosen)]
        background = _background(chance)
        frames = [_frame(background, visits, number, num_frames) for number in range(num_frames)]
        yield DrawnGif(np.stack(frames), frozenset(chosen.tolist()))


def _visit(pictures: list[Image.Image], place: tuple[int, int], num_frames: int, chance: np.random.Generator) -> Visit:
    """A person in their part of the canvas, for at least half of the frames."""
    at, count = place
    picture = pictures[chance.integers(len(pictures))]
    length = int(chance.integers(max(2, num_frames // 2), num_frames + 1))
    first = int(chance.integers(0, num_frames - length + 1))
    part = WIDTH / count
    most = min(SCALES[1], part / picture.width, 0.95 * HEIGHT / picture.height)
    scale = float(chance.uniform(SCALES[0], max(SCALES[0] + 0.05, most)))
    room_x, room_y = max(0.0, part - picture.width * scale), max(0.0, HEIGHT - picture.height * scale)
    start = (at * part + room_x * chance.random(), room_y * chance.random())
    end = (at * part + room_x * chance.random(), room_y * chance.random())
    turn = tuple(chance.uniform(-TURN, TURN, 2).tolist())
    return Visit(picture, first, first + length, start, (end[0] - start[0], end[1] - start[1]), scale, turn)


def _background(chance: np.random.Generator) -> Image.Image:
    small = chance.integers(0, 255, (6, 8, 3), dtype=np.uint8)
    picture = Image.fromarray(small).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(picture)
    for _ in range(6):
        x, y, size = chance.integers(0, WIDTH), chance.integers(0, HEIGHT), chance.integers(20, 120)
        draw.ellipse((x, y, x + size, y + size), fill=tuple(chance.integers(0, 255, 3).tolist()))
    return picture


def _frame(background: Image.Image, visits: list[Visit], number: int, num_frames: int) -> np.ndarray:
    frame = background.copy()
    share = number / max(1, num_frames - 1)
    for visit in visits:
        if visit.first <= number < visit.last:
            size = (round(visit.picture.width * visit.scale), round(visit.picture.height * visit.scale))
            turn = visit.turn[0] + share * (visit.turn[1] - visit.turn[0])
            picture = visit.picture.resize(size, Image.Resampling.BICUBIC).convert("RGBA")
            picture = picture.rotate(turn, Image.Resampling.BICUBIC)
            place = (round(visit.start[0] + share * visit.move[0]), round(visit.start[1] + share * visit.move[1]))
            frame.paste(picture, place, picture)
    return np.asarray(frame.quantize(COLOURS).convert("RGB"))


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("people", type=Path)
    parser.add_argument("--gifs", type=int, default=200)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--enrolled", type=int, default=ENROLLED, help="pictures of each enrolled person")
    options = parser.parse_args()
    torch.set_num_threads(1)
    embedder, pictures = FaceEmbedder(), pictures_of(options.people)
    for seed in options.seeds:
        gallery, shown = enrolled(pictures, options.enrolled, embedder, seed)
        print(
            json.dumps({"seed": seed} | measured(gallery, draw_gifs(shown, options.gifs, seed), embedder)), flush=True
        )


def enrolled(
    pictures: dict[str, list[Image.Image]], count: int, embedder: FaceEmbedder, seed: int
) -> tuple[Gallery, dict[str, list[Image.Image]]]:
    """A gallery of three quarters of the people, and the pictures that GIFs may show."""
    chance, detector = np.random.default_rng(seed), FaceDetector()
    names = chance.permutation(sorted(pictures)).tolist()
    known, shown = sorted(names[: len(names) * 3 // 4]), dict(pictures)
    owners, chips = [], []
    for at, name in enumerate(known):
        order = chance.permutation(len(pictures[name])).tolist()
        shown[name] = [pictures[name][number] for number in order[count:]]
        for number in order[:count]:
            frame = np.asarray(pictures[name][number])
            faces = detector.detect(frame[None])[0]
            if faces:
                owners.append(at)
                chips.append(embedder.chip(frame, faces[0]))
    people = tuple((name, name) for name in known)
    return Gallery(people, np.array(owners), embedder.embed(chips), 0), shown


def measured(gallery: Gallery, gifs: Iterator[DrawnGif], embedder: FaceEmbedder) -> dict[str, float]:
    """What came of the GIFs. Seconds are of this process's CPU."""
    finder, detector = FaceFinder(gallery, embedder), FaceDetector()
    known = {name for name, _ in gallery.people}
    counts: Counter[str] = Counter()
    seconds = {"ms": 0.0, "ms_every_face": 0.0}
    for gif in gifs:
        start = time.process_time()
        found = finder.find(gif.frames).people
        middle = time.process_time()
        faces = [face for frame in detector.detect(gif.frames) for face in frame]
        embedder.embed([embedder.chip(gif.frames[face.frame], face) for face in faces])
        seconds["ms"] += middle - start
        seconds["ms_every_face"] += time.process_time() - middle
        names, truth = {one.name for one in found if one.name}, gif.people & known
        counts["gifs"] += 1
        counts["exact"] += names == truth
        counts["right"] += len(names & truth)
        counts["wrong"] += len(names - truth)
        counts["missed"] += len(truth - names)
        counts["strangers"] += len(gif.people - known)
        counts["found"] += len(found)
        counts["people"] += len(gif.people)
    right = counts["right"]
    return {
        "gifs": counts["gifs"],
        "exact": round(counts["exact"] / counts["gifs"], 4),
        "f1": round(2 * right / max(1, 2 * right + counts["wrong"] + counts["missed"]), 4),
        "strangers_named": round(counts["wrong"] / max(1, counts["strangers"]), 4),
        "persons_per_person": round(counts["found"] / counts["people"], 3),
    } | {name: round(1000 * total / counts["gifs"], 1) for name, total in seconds.items()}


if __name__ == "__main__":
    main()

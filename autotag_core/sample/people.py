"""GIFs of people, drawn from pictures of their faces, so that it is known who is in each."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from autotag_core import storage
from autotag_core.errors import InputError

ENROLLED = 3
"""Pictures of an enrolled person."""
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
        x, y, size = (int(chance.integers(low, high)) for low, high in ((0, WIDTH), (0, HEIGHT), (20, 120)))
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


def write_people(folder: str, people: Path, num_gifs: int, seed: int) -> tuple[str, dict[str, frozenset[str]]]:
    """Add GIFs of people to the sample in a folder: rows of its catalog.jsonl, and their files in gifs/.

    `people` has a folder of pictures a person. Three quarters of them are in people.csv, beside the catalog, as
    `autotag faces enroll` takes it: with ENROLLED pictures each, which no GIF shows.
    Gives (that file, names of the enrolled people in each GIF by gif_id). InputError where there are too few pictures.
    """
    pictures = pictures_of(people) if people.is_dir() else {}
    few = sorted(name for name, found in pictures.items() if len(found) <= ENROLLED)
    if few or not pictures:
        raise InputError(f"{people}: a folder a person with more than {ENROLLED} pictures is needed: {', '.join(few)}")
    known = sorted(np.random.default_rng(seed).permutation(sorted(pictures)).tolist()[: len(pictures) * 3 // 4])
    lines = ["name,picture"]
    for name in known:
        files = sorted((people / name).iterdir())
        lines += [f"{name},{file.absolute()}" for file in files[:ENROLLED]]
        pictures[name] = pictures[name][ENROLLED:]
    storage.write_bytes(f"{folder}/people.csv", "\n".join([*lines, ""]).encode())
    rows, truth = [], {}
    for number, gif in enumerate(draw_gifs(pictures, num_gifs, seed)):
        gif_id = f"people-{number:04d}"
        frames = [Image.fromarray(frame) for frame in gif.frames]
        file = io.BytesIO()
        frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=120, loop=0)
        storage.write_bytes(f"{folder}/gifs/{gif_id}.gif", file.getvalue())
        rows.append({"gif_id": gif_id, "uri": f"gifs/{gif_id}.gif", "tags": ["people"]})
        truth[gif_id] = gif.people & frozenset(known)
    catalog = f"{folder}/catalog.jsonl"
    added = "".join(json.dumps(row) + "\n" for row in rows)
    storage.write_bytes(catalog, storage.read_bytes(catalog) + added.encode())
    return f"{folder}/people.csv", truth

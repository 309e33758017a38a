"""Who is in drawn GIFs: `python -m benchmarks.faces FOLDER_OF_PEOPLE [--gifs 200] [--seeds 1 2 3]`.

FOLDER_OF_PEOPLE has a folder of pictures a person, such as the ORL face database. GIFs are drawn from them: 1 to 4
people, 4 to 20 frames, coming and going, moved, scaled 0.7 to 3 times, turned up to 20 degrees, in 64 colours, on drawn
backgrounds. Three quarters of the people are enrolled from 3 pictures each, which no GIF shows; the others never are.
Prints for each seed and way to name them: GIFs whose known people are named exactly right, F1 of known people, share of
unknown people that are named as somebody, and milliseconds a GIF. The ways are those of `faces.grouping`, and
`published_every_face`: the published one, which also embeds every face of every frame as it was published, with dlib
itself (autotag_core/faces/dlib_network.py gives the same embeddings).
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

import dlib
import numpy as np
import torch
from PIL import Image

from autotag_core.config.faces import Grouping
from autotag_core.faces.detector import Face, FaceDetector
from autotag_core.faces.embedder import NETWORK, FaceEmbedder, weights_folder
from autotag_core.faces.gallery import Gallery
from autotag_core.faces.grouping import name_faces
from autotag_core.faces.looker import FaceLooker
from autotag_core.faces.naming import FoundPerson
from autotag_core.faces.persons import SeenFace
from autotag_core.faces.published_naming import name_as_published
from autotag_core.frames.decode import KeptFrame
from autotag_core.sample.people import ENROLLED, FRAMES_OF_A_GIF, DrawnGif, draw_gifs, pictures_of

EVERY_FACE = "published_every_face"
WAYS = (*get_args(Grouping), EVERY_FACE)


@dataclass
class Tally:
    """What came of one way to name people, over GIFs. Seconds are of this process's CPU."""

    counts: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    def add(self, found: list[FoundPerson], people: frozenset[str], known: set[str]) -> None:
        """Count a GIF that shows these people."""
        names, truth = {one.name for one in found if one.name}, people & known
        self.counts += Counter(
            gifs=1,
            exact=names == truth,
            right=len(names & truth),
            wrong=len(names - truth),
            missed=len(truth - names),
            strangers=len(people - known),
            found=len(found),
            people=len(people),
        )

    def figures(self) -> dict[str, float]:
        """The measures of the module's docstring."""
        counts, right = self.counts, self.counts["right"]
        return {
            "gifs": counts["gifs"],
            "exact": round(counts["exact"] / counts["gifs"], 4),
            "f1": round(2 * right / max(1, 2 * right + counts["wrong"] + counts["missed"]), 4),
            "strangers_named": round(counts["wrong"] / max(1, counts["strangers"]), 4),
            "persons_per_person": round(counts["found"] / counts["people"], 3),
            "ms": round(1000 * self.seconds / counts["gifs"], 1),
        }


class DlibEmbedder(FaceEmbedder):
    """The default embedder, with dlib itself."""

    def __init__(self) -> None:
        super().__init__()
        self._dlib = dlib.face_recognition_model_v1(str(weights_folder() / NETWORK))

    def embed(self, chips: Sequence[np.ndarray]) -> np.ndarray:
        """As FaceEmbedder."""
        return np.array(self._dlib.compute_face_descriptor(list(chips)), np.float32).reshape(-1, self.dimension)


class OnceDetector(FaceDetector):
    """Finds the faces of frames once, however often it is asked one after the other, and notes the seconds of it."""

    def __init__(self) -> None:
        super().__init__()
        self._last, self._faces, self.seconds = np.empty(0), list[list[Face]](), 0.0

    def detect(self, frames: np.ndarray) -> list[list[Face]]:
        """As FaceDetector."""
        if not np.array_equal(frames, self._last):
            start = time.process_time()
            self._last, self._faces = frames, super().detect(frames)
            self.seconds = time.process_time() - start
        return self._faces


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("people", type=Path)
    parser.add_argument("--gifs", type=int, default=200)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS, help=f"{EVERY_FACE} takes seconds a GIF")
    parser.add_argument("--enrolled", type=int, default=ENROLLED, help="pictures of each enrolled person")
    options = parser.parse_args()
    torch.set_num_threads(1)
    embedder, pictures = FaceEmbedder(), pictures_of(options.people)
    for seed in options.seeds:
        gallery, shown = enrolled(pictures, options.enrolled, embedder, seed)
        for way, tally in measured(gallery, draw_gifs(shown, options.gifs, seed), embedder, options.ways).items():
            print(json.dumps({"seed": seed, "way": way} | tally.figures()), flush=True)


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


def measured(
    gallery: Gallery, gifs: Iterator[DrawnGif], embedder: FaceEmbedder, ways: Sequence[str] = WAYS
) -> dict[str, Tally]:
    """What came of the GIFs, by way. Those of `faces.grouping` name the same faces; finding them counts for each."""
    detector, by_dlib = OnceDetector(), DlibEmbedder()
    looker = FaceLooker(FRAMES_OF_A_GIF[1], embedder, detector)
    known = {name for name, _ in gallery.people}
    tallies = {way: Tally() for way in ways}
    for gif in gifs:
        start = time.process_time()
        faces = looker.read([KeptFrame(at, frame.shape[1], frame) for at, frame in enumerate(gif.frames)])
        looked = time.process_time() - start
        for way in get_args(Grouping):
            if way not in tallies:
                continue
            start = time.process_time()
            tallies[way].add(name_faces(faces, gallery, way), gif.people, known)
            tallies[way].seconds += looked + time.process_time() - start
        if EVERY_FACE in tallies:
            start = time.process_time()
            found = name_as_published(every_face(gif.frames, detector, by_dlib), gallery)
            tallies[EVERY_FACE].seconds += detector.seconds + time.process_time() - start
            tallies[EVERY_FACE].add(found, gif.people, known)
    return tallies


def every_face(frames: np.ndarray, detector: FaceDetector, embedder: FaceEmbedder) -> list[SeenFace]:
    """Each face of each of the frames (n, height, width, 3) by itself, embedded."""
    faces = [face for found in detector.detect(frames) for face in found]
    embeddings = embedder.embed([embedder.chip(frames[face.frame], face) for face in faces])
    return [
        SeenFace(
            (face.frame,),
            np.array([face.box], np.float32),
            face.landmarks[None],
            np.array([face.score], np.float32),
            np.ones(1, np.float32),
            embedding[None],
        )
        for face, embedding in zip(faces, embeddings, strict=True)
    ]


if __name__ == "__main__":
    main()

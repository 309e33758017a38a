"""The two numbers of the published way: `python -m benchmarks.faces_rule FOLDER_OF_PEOPLE [--gifs 60] [--seed 11]`.

Draws GIFs as `benchmarks.faces` does, of a seed whose figures are reported nowhere, and prints for each scale and limit
the share of GIFs whose known people are named exactly right, best first: once for the faces of `faces.grouping`, once
where every face of every frame is embedded. PublishedRule holds what is best for both together.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import torch

from autotag_core.faces.embedder import FaceEmbedder
from autotag_core.faces.gallery import Gallery
from autotag_core.faces.looker import FaceLooker
from autotag_core.faces.persons import SeenFace
from autotag_core.faces.published_naming import PublishedRule, name_as_published
from autotag_core.frames.decode import KeptFrame
from autotag_core.sample.people import ENROLLED, FRAMES_OF_A_GIF, draw_gifs, pictures_of
from benchmarks.faces import OnceDetector, enrolled, every_face

SCALES = (5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 40.0, 60.0)
LIMITS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.88, 0.9, 0.92, 0.94)
Looked = list[tuple[Sequence[SeenFace], frozenset[str]]]
"""Each GIF's faces, and who of the enrolled is in it."""


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("people", type=Path)
    parser.add_argument("--gifs", type=int, default=60)
    parser.add_argument("--seed", type=int, default=11)
    options = parser.parse_args()
    torch.set_num_threads(1)
    embedder, detector = FaceEmbedder(), OnceDetector()
    gallery, shown = enrolled(pictures_of(options.people), ENROLLED, embedder, options.seed)
    looker, known = FaceLooker(FRAMES_OF_A_GIF[1], embedder, detector), {name for name, _ in gallery.people}
    followed: Looked = []
    every: Looked = []
    for gif in draw_gifs(shown, options.gifs, options.seed):
        kept = [KeptFrame(at, frame.shape[1], frame) for at, frame in enumerate(gif.frames)]
        followed.append((looker.read(kept), gif.people & known))
        every.append((every_face(gif.frames, detector, embedder), gif.people & known))
    rows = []
    for scale in SCALES:
        for limit in LIMITS:
            rule = PublishedRule(scale, limit)
            shares = exact_share(followed, gallery, rule), exact_share(every, gallery, rule)
            rows.append({"scale": scale, "limit": limit, "followed": shares[0], "every_face": shares[1]})
    for row in sorted(rows, key=lambda row: -row["followed"] - row["every_face"])[:12]:
        print(json.dumps(row))


def exact_share(looked: Looked, gallery: Gallery, rule: PublishedRule) -> float:
    """GIFs whose enrolled people are named exactly right."""
    right = [
        {one.name for one in name_as_published(faces, gallery, rule) if one.name} == truth for faces, truth in looked
    ]
    return round(sum(right) / len(right), 4)


if __name__ == "__main__":
    main()

"""Pictures of people in; chips of their faces with their owners out, split into what is learned and what is watched."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from autotag_core.config import FramesConfig
from autotag_core.errors import InputError
from autotag_core.faces.detector import FaceDetector
from autotag_core.faces.enrolling import PersonPicture
from autotag_core.faces.face_frames import face_frames
from autotag_core.faces.frame_keeper import FrameKeeper
from autotag_core.faces.network.face_record import FacePerson
from autotag_core.faces.network.trained_embedder import cut_out
from autotag_core.failures import ItemError
from autotag_core.frames import fetch_bytes

MARGIN = 0.2
"""By which share of its size a face's box is made larger, as published."""
VALIDATION = 0.2
"""Share of a person's pictures that is watched, at least one of those who have two."""


@dataclass(frozen=True, eq=False)
class FacePictures:
    """Chips (n, side, side, 3) uint8, and whose they are: owners (n,) are places in `people`."""

    people: tuple[FacePerson, ...]
    chips: np.ndarray
    owners: np.ndarray
    left_out: tuple[str, ...] = ()
    """`uri: why` of each picture that shows no face or can't be read."""


def read_pictures(pictures: Iterable[PersonPicture], side: int, config: FramesConfig) -> FacePictures:
    """The largest face of each picture. InputError where fewer than two people have one."""
    detector, first_frame = FaceDetector(), FrameKeeper(1)
    chips: list[np.ndarray] = []
    owners: list[FacePerson] = []
    left_out = []
    for picture in pictures:
        try:
            frame = face_frames(fetch_bytes(picture.uri, config), config, first_frame)[0].pixels
        except ItemError as error:
            left_out.append(f"{picture.uri}: {error.reason}: {error.message}")
            continue
        faces = detector.detect(frame[None])[0]
        if not faces:
            left_out.append(f"{picture.uri}: no face was found")
            continue
        chips.append(cut_out(frame, max(faces, key=lambda face: face.size).box, MARGIN, side))
        owners.append(FacePerson(person_id=picture.person_id, name=picture.name))
    people = tuple(sorted({one.person_id: one for one in owners}.values(), key=lambda one: one.person_id))
    if len(people) < 2:
        raise InputError(f"{len(people)} people with a face: a network learns to tell two or more apart")
    places = {one.person_id: at for at, one in enumerate(people)}
    return FacePictures(people, np.stack(chips), np.array([places[one.person_id] for one in owners]), tuple(left_out))


def split_pictures(owners: np.ndarray, seed: int) -> np.ndarray:
    """(n,) bool: which pictures are watched: VALIDATION of each person's. None of somebody with one picture.

    InputError where nothing can be watched.
    """
    chance = np.random.default_rng(seed)
    is_watched = np.zeros(len(owners), bool)
    for person in np.unique(owners):
        own = np.flatnonzero(owners == person)
        if len(own) > 1:
            is_watched[chance.permutation(own)[: max(1, round(VALIDATION * len(own)))]] = True
    if not is_watched.any():
        raise InputError("nobody has two pictures: one learns and one is watched, so give more pictures a person")
    return is_watched

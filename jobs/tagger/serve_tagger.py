"""A trained tagger in; a server until it is told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autotag_core.config import FacesConfig, FramesConfig
from autotag_core.config.file import recorded_config
from autotag_core.errors import InputError
from autotag_core.tagger.predictor import Predictor
from autotag_core.tagger.tagger_model import load_tagger

if TYPE_CHECKING:
    from mlserver import ModelSettings


@dataclass(frozen=True)
class ServeRequest:
    """What `autotag serve` was asked."""

    model: str
    """Run folder of a tagger, or its file."""
    warehouse: str | None
    """Gets the table choices. None: none are stored."""
    places: Sequence[str]
    """Whose files requests may name by URI."""
    top: int
    threads: int
    host: str
    http: int
    grpc: int
    metrics: int
    gallery: str | None = None
    """Whose people are named. None: the server has no model `faces`."""
    faces_model: str | None = None
    """The network that made the gallery. None: the default."""


def serve_tagger(request: ServeRequest) -> None:
    """Serve. InputError where the tagger, its backbone or the gallery is missing or damaged, before anything listens.

    A request may be twice as large as the largest file that the night would read: base64 takes a third more.
    """
    try:
        from autotag_core.tagger.serving.runtime import Served
        from autotag_core.tagger.serving.server import Ports, serve
    except ImportError:
        raise InputError(
            "serving needs the package mlserver: pip install 'autotag[serving]', on Python 3.11 or 3.12"
        ) from None
    model = load_tagger(request.model)
    num_tags = min(request.top, len(model.record.labels))
    frames = recorded_config(model.record.config).frames
    faces = [] if request.gallery is None else [_faces(request.gallery, frames, request)]
    served = Served(
        Predictor(model, request.threads), num_tags, request.warehouse, tuple(request.places), names_people=bool(faces)
    )
    ports = Ports(request.host, request.http, request.grpc, request.metrics)
    asyncio.run(serve(served, ports, 2 * frames.max_bytes, faces))


def _faces(gallery: str, frames: FramesConfig, request: ServeRequest) -> ModelSettings:
    """The model `faces`, with the tagger's limits and places."""
    from autotag_core.faces.finder import FaceFinder
    from autotag_core.faces.gallery import read_gallery
    from autotag_core.faces.looker import load_looker
    from autotag_core.faces.serving.runtime import ServedFaces, faces_settings
    from autotag_core.faces.thumbnails import read_thumbnails

    looker = load_looker(FacesConfig().max_frames, request.faces_model)
    finder = FaceFinder(read_gallery(gallery, looker.model_version), looker)
    pictures: dict[str, bytes] = {}
    for (person_id, _), picture in sorted(read_thumbnails(gallery).items()):
        pictures.setdefault(person_id, picture)
    config = frames.model_copy(update={"allowed_places": tuple(request.places)})
    return faces_settings(ServedFaces(finder, config, pictures))

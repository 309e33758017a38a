"""A trained tagger in; a server until it is told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from autotag_core.config.file import recorded_config
from autotag_core.errors import InputError
from autotag_core.tagger.predictor import Predictor
from autotag_core.tagger.tagger_model import load_tagger


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


def serve_tagger(request: ServeRequest) -> None:
    """Serve. InputError where the tagger or its backbone is missing or damaged, before anything listens.

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
    served = Served(Predictor(model, request.threads), num_tags, request.warehouse, tuple(request.places))
    max_bytes = 2 * recorded_config(model.record.config).frames.max_bytes
    asyncio.run(serve(served, Ports(request.host, request.http, request.grpc, request.metrics), max_bytes))

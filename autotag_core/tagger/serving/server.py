"""MLServer with a tagger: requests are checked before they are batched, and nobody can load or unload a model."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from mlserver import MLServer, ModelSettings, Settings
from mlserver.errors import MLServerError
from mlserver.handlers import DataPlane, ModelRepositoryHandlers
from mlserver.metrics.registry import REGISTRY as MODEL_METRICS
from mlserver.settings import ModelParameters
from mlserver.types import InferenceRequest, InferenceResponse
from prometheus_client import REGISTRY
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from autotag_core import storage
from autotag_core.tagger.serving.runtime import NAME, SERVED, Served, TaggerRuntime
from autotag_core.tagger.serving.tensors import INPUTS, MAX_GIFS, checked, outputs_metadata
from autotag_core.tagger.serving.token import TOKEN_HEADER, has_token

MAX_WAIT_S = 0.01
"""How long a request waits for others to make a batch with: little against what its frames cost."""


@dataclass(frozen=True)
class Ports:
    """Where the server listens."""

    host: str
    http: int
    grpc: int
    metrics: int


class _CheckedDataPlane:
    """A data plane that answers `checked` requests with the token alone."""

    def __init__(self, plane: DataPlane) -> None:
        self._plane = plane

    async def ready(self) -> bool:
        """Whether the tagger is there: without any model, MLServer calls itself ready."""
        return bool(await self._plane._model_registry.get_models()) and bool(await self._plane.ready())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._plane, name)

    async def infer(self, payload: InferenceRequest, name: str, version: str | None = None) -> InferenceResponse:
        headers = getattr(payload.parameters, "headers", None) or {}
        if not has_token(headers.get(TOKEN_HEADER)):
            raise MLServerError(f"a token is needed in {TOKEN_HEADER}", 401)
        return await self._plane.infer(checked(payload), name, version)

    async def infer_stream(
        self, payloads: AsyncIterator[InferenceRequest], name: str, version: str | None = None
    ) -> AsyncIterator[InferenceResponse]:
        raise MLServerError("this server answers no streams", 400)
        yield  # an async generator


class _NoRepository(ModelRepositoryHandlers):
    """The server has the models that it was started with."""

    async def load(self, name: str) -> bool:
        raise MLServerError("this server loads no other model", 403)

    async def unload(self, name: str) -> bool:
        raise MLServerError("this server unloads no model", 403)


class _LimitedBody:
    """Refuses a request whose body is larger than the limit, without reading the rest of it."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app, self._max_bytes = app, max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        num_bytes, is_large = 0, False
        declared = dict(scope["headers"]).get(b"content-length", b"0")

        async def limited() -> Message:
            nonlocal num_bytes, is_large
            message = await receive()
            num_bytes += len(message.get("body", b""))
            if num_bytes > self._max_bytes:
                is_large = True
                return {"type": "http.disconnect"}
            return message

        async def answer(message: Message) -> None:
            if not is_large:
                await send(message)

        if not declared.isdigit() or int(declared) <= self._max_bytes:
            try:
                await self._app(scope, limited, answer)
            except Exception:
                if not is_large:
                    raise
            if not is_large:
                return
        error = JSONResponse({"error": f"the request is larger than {self._max_bytes:,} bytes"}, 413)
        await error(scope, receive, send)


class TaggerServer(MLServer):
    """The server of one tagger and what stands beside it."""

    def __init__(self, settings: Settings, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        super().__init__(settings)

    def _create_servers(self) -> None:
        plane: DataPlane = self._data_plane  # type: ignore[has-type]
        self._data_plane = _CheckedDataPlane(plane)
        self._model_repository_handlers = _NoRepository(self._model_repository, self._model_registry)
        super()._create_servers()
        self._rest_server._app.add_middleware(_LimitedBody, max_bytes=self._max_bytes)


async def serve(served: Served, ports: Ports, max_bytes: int, further: Sequence[ModelSettings] = ()) -> None:
    """Serve until SIGINT or SIGTERM. `max_bytes` bounds a request. `further` models stand beside the tagger."""
    with tempfile.TemporaryDirectory(prefix=storage.SCRATCH) as empty:  # else it loads what lies in the current folder
        settings = Settings(
            debug=False,
            parallel_workers=0,
            host=ports.host,
            http_port=ports.http,
            grpc_port=ports.grpc,
            metrics_port=ports.metrics,
            grpc_max_message_length=max_bytes,
            server_name="autotag",
            model_repository_root=empty,
        )
        with suppress(ValueError):  # it is there already
            REGISTRY.register(MODEL_METRICS)  # with a process for all, MLServer does not show what a model logs
        server = TaggerServer(settings, max_bytes)
        model = ModelSettings(
            name=NAME,
            implementation=TaggerRuntime,
            max_batch_size=MAX_GIFS,
            max_batch_time=MAX_WAIT_S,
            inputs=INPUTS,
            outputs=outputs_metadata(served.num_tags),
            parameters=ModelParameters(extra={SERVED: served}),
        )
        await server.start([model, *further])

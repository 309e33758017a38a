"""The tagger as a model of MLServer, with the page for uploaders on the same port."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import mlserver
from fastapi import Request, Response
from fastapi.responses import JSONResponse
from mlserver import MLModel
from mlserver.context import model_context
from mlserver.handlers import custom_handler
from mlserver.types import InferenceRequest, InferenceResponse, RequestInput
from pydantic import ValidationError

from autotag_core import storage
from autotag_core.errors import AutotagError
from autotag_core.frames.load import version_of
from autotag_core.tagger.predictor import Prediction, Predictor
from autotag_core.tagger.serving.answers import READS_NO_URIS, as_json, page_file
from autotag_core.tagger.serving.choices import Choice, add_choice
from autotag_core.tagger.serving.tensors import GIF, encoded, items_of
from autotag_core.tagger.serving.token import TOKEN_HEADER, has_token, token

NAME, SERVED = "tagger", "served"
_PAGE = Path(__file__).with_name("page")


@dataclass(frozen=True, eq=False)
class Served:
    """What a server answers with, as `parameters.extra` of its model."""

    predictor: Predictor
    num_tags: int
    """Of a GIF."""
    warehouse: str | None = None
    """Where choices are written. None: they can't be stored."""
    places: tuple[str, ...] = ()
    """Whose files a request may name. Empty: requests must bring the bytes."""
    names_people: bool = False
    """Whether the model `faces`, which has a page of its own, stands beside the tagger."""


class TaggerRuntime(MLModel):
    """Answers batches of requests that were checked. Decoding and the network run in one thread of their own."""

    async def load(self) -> bool:
        """Start the threads. The tagger is loaded already."""
        assert self.settings.parameters is not None
        self._served: Served = self.settings.parameters.extra[SERVED]
        self._computing = ThreadPoolExecutor(1, thread_name_prefix="tagger")
        self._writing = ThreadPoolExecutor(1, thread_name_prefix="choices")
        return True

    async def unload(self) -> bool:
        """End the threads."""
        self._computing.shutdown(wait=False, cancel_futures=True)
        self._writing.shutdown(wait=True)
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """The tags of each GIF of the request, which may be several that MLServer made one."""
        items = items_of(payload)
        mlserver.log(tagger_batch_gifs=len(items))
        found = await asyncio.get_running_loop().run_in_executor(self._computing, self._predict, items)
        return InferenceResponse(id=payload.id, model_name=self.name, outputs=encoded(found, self._served.num_tags))

    def _predict(self, items: list[str | bytes]) -> list[Prediction]:
        known = [item for item in items if isinstance(item, bytes) or self._served.places]
        found = self._served.predictor.predict(known, self._served.num_tags, self._served.places)
        return [
            next(found) if isinstance(item, bytes) or self._served.places else Prediction(item, error=READS_NO_URIS)
            for item in items
        ]

    @custom_handler(rest_path="/", rest_method="GET")
    async def page(self) -> Response:
        """The page for uploaders."""
        return page_file(_PAGE / "index.html")

    @custom_handler(rest_path="/page.css", rest_method="GET")
    async def style(self) -> Response:
        """Its style."""
        return page_file(_PAGE / "page.css")

    @custom_handler(rest_path="/page.js", rest_method="GET")
    async def script(self) -> Response:
        """Its script."""
        return page_file(_PAGE / "page.js")

    @custom_handler(rest_path="/page/about", rest_method="GET")
    async def about(self) -> JSONResponse:
        """What the page must know: the tagger, its vocabulary, and what this server keeps, names and asks for."""
        model = self._served.predictor.model
        return as_json(
            {
                "model": model.name,
                "vocabulary": list(model.record.labels),
                "keeps_choices": self._served.warehouse is not None,
                "token_header": TOKEN_HEADER if token() else None,
                "names_people": self._served.names_people,
            }
        )

    @custom_handler(rest_path="/page/suggest")
    async def suggest(self, request: Request) -> JSONResponse:
        """The tags of the file in the body, and what its choice shall call it."""
        if not has_token(request.headers.get(TOKEN_HEADER)):
            return as_json({"error": "a token is needed"}, 401)
        data = await request.body()
        tensor = RequestInput(name=GIF, datatype="BYTES", shape=[1], data=[data])
        with model_context(self.settings):
            answer = await self.predict(InferenceRequest(inputs=[tensor]))
        said = {one.name: getattr(one.data, "root", one.data) for one in answer.outputs}
        if said["error"][0]:
            return as_json({"error": said["error"][0].decode()}, 422)
        rows = zip(said["tags"], said["probabilities"], said["accepted"], strict=True)
        tags = [{"tag": tag.decode(), "probability": chance, "accepted": yes} for tag, chance, yes in rows]
        return as_json({"gif": version_of(data), "tags": tags})

    @custom_handler(rest_path="/page/choices")
    async def choose(self, request: Request) -> JSONResponse:
        """Store what a person chose."""
        if not has_token(request.headers.get(TOKEN_HEADER)):
            return as_json({"error": "a token is needed"}, 401)
        warehouse = self._served.warehouse
        if warehouse is None:
            return as_json({"error": "this server keeps no choices: start it with --warehouse"}, 409)
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            return as_json({"error": "the content type must be application/json"}, 415)
        try:
            choice = Choice.model_validate_json(await request.body())
        except ValidationError as error:
            first = error.errors()[0]
            return as_json({"error": f"{'.'.join(map(str, first['loc']))} {first['msg']}".strip()}, 422)
        model = self._served.predictor.model.name
        try:
            await asyncio.get_running_loop().run_in_executor(self._writing, add_choice, warehouse, choice, model)
        except AutotagError as error:
            return as_json({"error": f"not stored: {storage.one_line(error)}"}, 503)
        return as_json({"stored": True})

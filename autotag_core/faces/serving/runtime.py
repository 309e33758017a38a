"""The people detector as a model of MLServer, with the page `whom do I look like` on the same port."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import mlserver
from fastapi import Request, Response
from fastapi.responses import JSONResponse
from mlserver import MLModel, ModelSettings
from mlserver.handlers import custom_handler
from mlserver.settings import ModelParameters
from mlserver.types import InferenceRequest, InferenceResponse

from autotag_core.config import FramesConfig
from autotag_core.faces.finder import FaceFinder, FoundPeople
from autotag_core.faces.gallery import Named
from autotag_core.faces.serving.tensors import OUTPUTS, encoded
from autotag_core.failures import ItemError
from autotag_core.tagger.serving.answers import READS_NO_URIS, as_json, page_file
from autotag_core.tagger.serving.tensors import INPUTS, MAX_GIFS, items_of
from autotag_core.tagger.serving.token import TOKEN_HEADER, has_token, token

NAME, _SERVED = "faces", "served"
NUM_ALIKE = 5
"""People who are shown as look-alikes."""
_MAX_WAIT_S = 0.01
"""How long a request waits for others: little against what faces cost."""
_PAGE = Path(__file__).with_name("page")


@dataclass(frozen=True, eq=False)
class ServedFaces:
    """What the model answers with, as `parameters.extra` of its settings."""

    finder: FaceFinder
    config: FramesConfig
    """Limits of files. `allowed_places` are whose files a request may name; empty: it must bring the bytes."""
    pictures: Mapping[str, bytes]
    """By person_id, a JPEG of an enrolled face."""


def faces_settings(served: ServedFaces) -> ModelSettings:
    """The model beside a tagger."""
    return ModelSettings(
        name=NAME,
        implementation=FacesRuntime,
        max_batch_size=MAX_GIFS,
        max_batch_time=_MAX_WAIT_S,
        inputs=INPUTS,
        outputs=OUTPUTS,
        parameters=ModelParameters(extra={_SERVED: served}),
    )


class FacesRuntime(MLModel):
    """Answers batches of requests that were checked, in one thread of its own."""

    async def load(self) -> bool:
        """Start the thread. The networks are loaded already."""
        assert self.settings.parameters is not None
        self._served: ServedFaces = self.settings.parameters.extra[_SERVED]
        self._computing = ThreadPoolExecutor(1, thread_name_prefix="faces")
        return True

    async def unload(self) -> bool:
        """End the thread."""
        self._computing.shutdown(wait=False, cancel_futures=True)
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """The people of each GIF of the request, which may be several that MLServer made one."""
        items = items_of(payload)
        mlserver.log(faces_batch_gifs=len(items))
        found = await asyncio.get_running_loop().run_in_executor(self._computing, self._find, items)
        return InferenceResponse(id=payload.id, model_name=self.name, outputs=encoded(found))

    def _find(self, items: list[str | bytes]) -> list[FoundPeople]:
        """Without allowed places no URI is opened: FramesConfig would take that for all places."""
        reads_uris, finder = bool(self._served.config.allowed_places), self._served.finder
        return [
            next(finder.find_files([item], self._served.config))
            if reads_uris or isinstance(item, bytes)
            else FoundPeople(item, error=READS_NO_URIS)
            for item in items
        ]

    @custom_handler(rest_path="/faces", rest_method="GET")
    async def page(self) -> Response:
        """The page `whom do I look like`."""
        return page_file(_PAGE / "faces.html")

    @custom_handler(rest_path="/faces/faces.js", rest_method="GET")
    async def script(self) -> Response:
        """Its script."""
        return page_file(_PAGE / "faces.js")

    @custom_handler(rest_path="/faces/about", rest_method="GET")
    async def about(self) -> JSONResponse:
        """What the page must know: whether a token is needed."""
        return as_json({"token_header": TOKEN_HEADER if token() else None})

    @custom_handler(rest_path="/faces/alike")
    async def alike(self, request: Request) -> JSONResponse:
        """The enrolled people whom the largest face in the body's picture looks most like. Nothing of it is kept."""
        if not has_token(request.headers.get(TOKEN_HEADER)):
            return as_json({"error": "a token is needed"}, 401)
        data = await request.body()
        try:
            found = await asyncio.get_running_loop().run_in_executor(
                self._computing, self._served.finder.look_alikes, data, self._served.config, NUM_ALIKE
            )
        except ItemError as error:
            return as_json({"error": f"{error.reason}: {error.message}"}, 422)
        return as_json({"people": [self._as_row(one) for one in found]})

    def _as_row(self, one: Named) -> dict[str, object]:
        picture = self._served.pictures.get(one.person_id)
        return {
            "person_id": one.person_id,
            "name": one.name,
            "distance": round(one.distance, 4),
            "probability": round(one.probability, 4),
            "picture": base64.b64encode(picture).decode() if picture else None,
        }

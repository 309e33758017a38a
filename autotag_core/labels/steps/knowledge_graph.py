"""Names from the Google Knowledge Graph Search API over HTTP, slowly enough. Each tag is asked once and remembered."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import urlencode

import urllib3

from autotag_core import storage
from autotag_core.errors import AutotagError, InputError
from autotag_core.labels.steps.entities import Entity, kind_of
from autotag_core.labels.words.normalise import normalise

KEY_VARIABLE = "GOOGLE_KNOWLEDGE_GRAPH_API_KEY"
ENDPOINT_VARIABLE = "GOOGLE_KNOWLEDGE_GRAPH_ENDPOINT"
ENDPOINT = "https://kgsearch.googleapis.com/v1/entities:search"
_RETRIED = (429, 500, 502, 503, 504)
_SAVE_EVERY = 200
_log = logging.getLogger(__name__)


@dataclass
class KnowledgeGraph:
    """An EntitySource. `cache_uri` is a JSON file of all answers so far, read at first use and kept up to date.

    A tag is a name if it equals an answer's normalised name, and the answer is a person, film or show. The answer's
    score must be at least `min_score` (the API's resultScore: hundreds for what is well known). One request a tag, at
    most `per_second`; 429 and 5xx are tried again with backoff. The key goes into the request and nowhere else.
    """

    key: str = field(repr=False)
    cache_uri: str
    endpoint: str = ENDPOINT
    per_second: float = 5.0
    min_score: float = 100.0
    attempts: int = 5
    timeout_s: float = 10.0
    backoff_s: float = 1.0
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)

    def __post_init__(self) -> None:
        self._http = urllib3.PoolManager(num_pools=1, retries=False)
        self._next = 0.0

    @classmethod
    def from_environment(cls, cache_uri: str) -> KnowledgeGraph | None:
        """The source with the key from the environment. None where the environment has no key."""
        key = os.environ.get(KEY_VARIABLE, "").strip()
        return cls(key, cache_uri, os.environ.get(ENDPOINT_VARIABLE) or ENDPOINT) if key else None

    def look_up(self, tags: Sequence[str]) -> Mapping[str, Entity]:
        """See EntitySource. Answers that came before an error are remembered."""
        known = self._read_cache()
        new = [tag for tag in dict.fromkeys(tags) if tag not in known]
        try:
            for done, tag in enumerate(new, start=1):
                known[tag] = self._ask(tag)
                if done % _SAVE_EVERY == 0:
                    self._write_cache(known)
        finally:
            if new:
                self._write_cache(known)
        _log.info("entities: %d tags asked, %d known from before", len(new), len(tags) - len(new))
        return {tag: entity for tag in tags for entity in [known[tag]] if entity is not None}

    def _ask(self, tag: str) -> Entity | None:
        for item in self._search(tag).get("itemListElement", []):
            result = item.get("result", {})
            kind = kind_of([str(name).removeprefix("kg:") for name in result.get("@type", [])])
            name = str(result.get("name", ""))
            if kind and normalise(name) == tag and float(item.get("resultScore", 0)) >= self.min_score:
                return Entity(name, kind)
        return None

    def _search(self, tag: str) -> dict[str, Any]:
        query = urlencode({"query": tag, "key": self.key, "limit": 5, "languages": "en"})
        wait, said = self.backoff_s, ""
        for attempt in range(self.attempts):
            if attempt:
                self.sleep(wait)
                wait *= 2
            self._keep_pace()
            try:
                answer = self._http.request("GET", f"{self.endpoint}?{query}", timeout=self.timeout_s)
            except urllib3.exceptions.HTTPError as error:
                said = type(error).__name__  # the error's text holds the URL, and so the key
                continue
            if answer.status == 200:
                return _parsed(answer.data)
            said = f"HTTP {answer.status}"
            if answer.status not in _RETRIED:
                raise InputError(f"{self.endpoint}: {said}: check {KEY_VARIABLE} and whether the API is enabled for it")
        raise AutotagError(f"{self.endpoint}: {said} after {self.attempts} tries for the tag {tag!r}")

    def _keep_pace(self) -> None:
        now = time.monotonic()
        if now < self._next:
            self.sleep(self._next - now)
        self._next = max(now, self._next) + 1 / self.per_second

    def _read_cache(self) -> dict[str, Entity | None]:
        if not storage.is_file(self.cache_uri):
            return {}
        try:
            found = json.loads(storage.read_bytes(self.cache_uri))
            return {tag: Entity(**entity) if entity else None for tag, entity in found.items()}
        except (ValueError, TypeError, AttributeError):
            raise InputError(f"{self.cache_uri}: not a cache of names: delete it, and all are asked again") from None

    def _write_cache(self, known: Mapping[str, Entity | None]) -> None:
        content = {tag: asdict(entity) if entity else None for tag, entity in sorted(known.items())}
        storage.write_bytes(self.cache_uri, json.dumps(content, ensure_ascii=False).encode())


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise AutotagError("the Knowledge Graph answered something that is no JSON object")
    return found

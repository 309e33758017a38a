"""What phrases and tags mean, remembered: a tag comes up again and again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from autotag_core.config import TextConfig
from autotag_core.experts.text.sentences import load_sentences

MAX_KEPT = 20_000
"""Vectors: 30 MB."""


class Meanings:
    """MiniLM with a memory of the texts that it was asked last. Threads may share it."""

    def __init__(self, config: TextConfig) -> None:
        self._model = load_sentences(config)
        self._kept: OrderedDict[str, np.ndarray] = OrderedDict()
        self._lock = threading.Lock()

    def of_phrase(self, phrase: str) -> np.ndarray:
        """A vector of length 1, (384,), that is not remembered: few phrases come twice."""
        return self._model.embed_one(phrase)

    def of(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors of length 1, (n, 384); zero for a text without a token."""
        with self._lock:
            new = list(dict.fromkeys(text for text in texts if text not in self._kept))
        found = dict(zip(new, self._model.embed(new), strict=True)) if new else {}
        with self._lock:
            for text in texts:
                if text in self._kept:
                    self._kept.move_to_end(text)
                elif text in found:
                    self._kept[text] = found[text]
            vectors = [found[text] if text in found else self._kept[text] for text in texts]
            while len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        return np.stack(vectors) if vectors else np.zeros((0, self._model.dimension), np.float32)

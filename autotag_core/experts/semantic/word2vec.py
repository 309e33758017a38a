"""Vectors of numbered tokens from the sentences they stand in: Word2Vec, by gensim."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from autotag_core import storage
from autotag_core.config import SemanticConfig

_LAST_STEP = 1e-4
"""The learning rate falls to this part of its first value."""


@dataclass(frozen=True)
class _Sentences:
    """A file of lines of tokens, read anew in each pass. gensim's own reader depends on the timing of its threads."""

    path: Path

    def __iter__(self) -> Iterator[list[str]]:
        with self.path.open(encoding="ascii") as file:
            for line in file:
                yield line.split()


def fit_vectors(
    sentences: Iterable[npt.NDArray[np.integer]], counts: npt.NDArray[np.int64], config: SemanticConfig, seed: int
) -> npt.NDArray[np.float32]:
    """Vectors (V, d) of the tokens 0..V-1. `sentences` hold them `counts` (V,) times; they are read once, to a file.

    Skip-gram with hierarchical softmax (Mikolov et al. 2013). With one thread the same sentences in the same order give
    the same bits on one kind of CPU. Memory: 1.4 KB a token at 64 dimensions.
    """
    from gensim.models import Word2Vec

    model = Word2Vec(
        vector_size=config.vector_size,
        window=config.window,
        alpha=config.step_size,
        min_alpha=config.step_size * _LAST_STEP,
        workers=config.threads,
        seed=seed,
        sg=1,
        hs=1,
        negative=0,
        sample=0,
        min_count=1,
    )
    frequencies = {str(number): count for number, count in enumerate(counts.tolist())}
    model.build_vocab_from_freq(frequencies)
    with tempfile.TemporaryDirectory(prefix=storage.SCRATCH) as folder:
        path = Path(folder, "sentences.txt")
        with path.open("w", encoding="ascii") as file:
            file.writelines(" ".join(map(str, sentence.tolist())) + "\n" for sentence in sentences)
        if len(counts) > 1:
            total = int(counts.sum())
            model.train(_Sentences(path), total_words=total, epochs=config.num_iterations)
    order = [model.wv.key_to_index[number] for number in frequencies]
    return np.ascontiguousarray(model.wv.vectors[order], np.float32)

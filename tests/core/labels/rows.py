"""Tag counts of GIFs written out: [uploader's tags, editor's tags]."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from autotag_core.labels import TagCounts


def counts_of(gifs: Sequence[tuple[Sequence[str], Sequence[str]]]) -> TagCounts:
    tags = sorted({tag for own, edited in gifs for tag in (*own, *edited)})
    row = {tag: number for number, tag in enumerate(tags)}
    uploaded = np.array([[tag in own for tag in tags] for own, _ in gifs], np.int32)
    edited = np.array([[tag in words for tag in tags] for _, words in gifs], np.int32)
    has_editor = np.array([bool(words) for _, words in gifs])
    contexts = uploaded.T @ uploaded
    np.fill_diagonal(contexts, 0)
    assert list(row.values()) == list(range(len(tags)))
    return TagCounts(
        tuple(tags),
        uploaded.sum(axis=0).astype(np.int64),
        edited.sum(axis=0).astype(np.int64),
        uploaded[has_editor].sum(axis=0).astype(np.int64),
        uploaded.sum(axis=0).astype(np.int64),
        sparse.csr_matrix(contexts),
        sparse.csr_matrix(uploaded.T @ edited),
        len(gifs),
        int(has_editor.sum()),
    )


def times(number: int, *tags: str, editor: Sequence[str] = ()) -> list[tuple[Sequence[str], Sequence[str]]]:
    """So many GIFs with these tags."""
    return [(tags, editor)] * number

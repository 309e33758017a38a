"""What the catalog knows of its tags: how many GIFs have each, and with which other tags."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class TagCounts:
    """Columns by tag, V normalised tags in alphabetical order, held by one process.

    num_gifs (V,) int64: GIFs whose uploaders gave the tag. num_editorial (V,) int64: GIFs whose editors did.
    num_edited (V,) int64: those of num_gifs that an editor has also tagged; edited_gifs is their number in all.
    popularity (V,) int64: searches, or GIFs.
    contexts (V, V) csr int32, columns ascending: GIFs of the row's tag that also have the column's, for the most
    frequent columns of each row. translations (V, V) csr int32: GIFs for which an uploader gave the row's tag and an
    editor the column's. A million tags with 20 contexts take 0.25 GB: 80 bytes a tag for strings, 160 for the matrix.
    """

    tags: tuple[str, ...]
    num_gifs: np.ndarray
    num_editorial: np.ndarray
    num_edited: np.ndarray
    popularity: np.ndarray
    contexts: Any
    translations: Any
    catalog_gifs: int
    edited_gifs: int

    @functools.cached_property
    def rows(self) -> dict[str, int]:
        """Row of each tag."""
        return {tag: row for row, tag in enumerate(self.tags)}

    def together(self, left: int, right: int) -> int:
        """GIFs that have both tags, by the row of the rarer. 0 where the other is not among its frequent contexts."""
        rare, other = (left, right) if self.num_gifs[left] <= self.num_gifs[right] else (right, left)
        return int(self._counts_of(rare, np.array([other]))[0])

    def support(self, rare: int, common: int) -> float:
        """How much more the contexts of `rare` speak for its being `common` than for its being any tag, in nats.

        The sum of log((n(common, c) + 1) / (n(common) P(c) + 1)) over the tags c on the GIFs of `rare`, each as often
        as it occurs there. P(c) is the share of GIFs with c. This is a Gamma-Poisson estimate: a tag that is missing
        where it could not be expected says nothing. Above 0 they share tags, below they don't.
        """
        others, counts = self._row(rare)
        usable = (others != common) & (others != rare)
        others, counts = others[usable], counts[usable]
        if len(others) == 0:
            return 0.0
        seen = self._counts_of(common, others)
        expected = self.num_gifs[common] * self.num_gifs[others] / max(self.catalog_gifs, 1)
        return float(counts @ np.log((seen + 1) / (expected + 1)))

    def _row(self, row: int) -> tuple[np.ndarray, np.ndarray]:
        start, end = self.contexts.indptr[row : row + 2]
        return self.contexts.indices[start:end], self.contexts.data[start:end]

    def _counts_of(self, row: int, others: np.ndarray) -> np.ndarray:
        """Number of GIFs that have the row's tag and each of the others."""
        columns, counts = self._row(row)
        if len(columns) == 0:
            return np.zeros(len(others))
        at = np.minimum(np.searchsorted(columns, others), len(columns) - 1)
        return np.where(columns[at] == others, counts[at], 0)

    def merged(self, targets: np.ndarray) -> TagCounts:
        """The same counts after every tag has become the tag of row targets[row]; -1 drops it.

        A GIF with two tags that become one counts twice, since only numbers are known here. Such GIFs are at most those
        for which uploaders gave both. Rows of tags that became others are empty.
        """
        from scipy import sparse  # every night imports this module, few ask this of it

        kept = np.flatnonzero(targets >= 0)
        size = len(self.tags)
        move = sparse.csr_matrix((np.ones(len(kept), np.int32), (targets[kept], kept)), shape=(size, size))
        contexts = move @ self.contexts @ move.T
        contexts = (contexts - sparse.diags(contexts.diagonal(), dtype=contexts.dtype)).tocsr()
        contexts.eliminate_zeros()
        contexts.sort_indices()
        num_gifs, num_editorial, num_edited, popularity = (
            move @ column for column in (self.num_gifs, self.num_editorial, self.num_edited, self.popularity)
        )
        return TagCounts(
            self.tags,
            num_gifs,
            num_editorial,
            num_edited,
            popularity,
            contexts,
            (move @ self.translations @ move.T).tocsr(),
            self.catalog_gifs,
            self.edited_gifs,
        )

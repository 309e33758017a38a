"""GIFs and their tags as sorted whole numbers, so that sets of them compare in one numpy call."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class TagPairs:
    """(GIF, tag) pairs as sorted, distinct keys gif * num_tags + tag. A tag's number is its place in the alphabet."""

    num_tags: int
    truth: Ints
    original: Ints
    voted: Ints
    scores: Floats  # of voted
    confidences: Floats  # of voted, NaN where unknown
    probabilities: Floats  # of voted, NaN where unknown


class Numbers:
    """Numbers of the measured GIFs (their row) and of all tags (their place in the alphabet)."""

    def __init__(self, known: pa.Table, truth: pa.Table, voted_tags: pa.Table) -> None:
        self.gif_ids = _strings(known["gif_id"])
        columns = (_flat(truth["tags"])[1], _flat(known["tags"])[1], _strings(voted_tags["tag"]))
        tags = pc.unique(pa.concat_arrays([pc.utf8_trim_whitespace(column) for column in columns])).drop_null()
        self.tags = tags.take(pc.sort_indices(tags))

    def pairs(self, truth: pa.Table, known: pa.Table, voted_tags: pa.Table) -> TagPairs:
        """All pairs of the measured GIFs."""
        voted = self.keys(voted_tags["gif_id"], voted_tags["tag"])
        kept = voted >= 0
        voted, first = np.unique(voted[kept], return_index=True)
        return TagPairs(
            num_tags=len(self.tags),
            truth=self.listed_keys(truth["gif_id"], truth["tags"]),
            original=self.listed_keys(known["gif_id"], known["tags"]),
            voted=voted,
            scores=_floats(voted_tags["score"])[kept][first],
            confidences=_known(voted_tags, "confidence")[kept][first],
            probabilities=_known(voted_tags, "probability")[kept][first],
        )

    def keys(self, gif_ids: Any, tags: Any) -> Ints:
        """Keys of rows (gif_id, tag); -1 for a GIF that is not measured."""
        gifs = _positions(_strings(gif_ids), self.gif_ids)
        numbers = _positions(pc.utf8_trim_whitespace(_strings(tags)), self.tags)
        return np.where((gifs >= 0) & (numbers >= 0), gifs * len(self.tags) + numbers, -1)

    def listed_keys(self, gif_ids: Any, tags: Any) -> Ints:
        """Keys of rows (gif_id, list of tags): sorted, distinct, of measured GIFs only."""
        rows, flat = _flat(tags)
        keys = np.unique(self.keys(_strings(gif_ids).take(rows), flat))
        return keys[keys >= 0]

    def factors(self, truth: pa.Table) -> Iterator[tuple[str, Ints, Ints]]:
        """Each factor that the truth names, in its order: the keys of true tags, and the numbers of all its tags."""
        lists = _array(truth["factors"])
        gif_ids = _strings(truth["gif_id"]).take(pc.list_parent_indices(lists))
        entries = pc.list_flatten(lists)
        names, tags = pc.struct_field(entries, "factor"), pc.struct_field(entries, "tags")
        for name in pc.unique(names).to_pylist():
            chosen = pc.equal(names, name)
            _, flat = _flat(tags.filter(chosen))
            vocabulary = np.unique(_positions(pc.utf8_trim_whitespace(flat), self.tags))
            yield name, self.listed_keys(gif_ids.filter(chosen), tags.filter(chosen)), vocabulary


def of_factor(pairs: TagPairs, true_keys: Ints, vocabulary: Ints) -> TagPairs:
    """The pairs whose tags are in the vocabulary."""
    voted = np.isin(pairs.voted % pairs.num_tags, vocabulary)
    return TagPairs(
        num_tags=pairs.num_tags,
        truth=true_keys,
        original=pairs.original[np.isin(pairs.original % pairs.num_tags, vocabulary)],
        voted=pairs.voted[voted],
        scores=pairs.scores[voted],
        confidences=pairs.confidences[voted],
        probabilities=pairs.probabilities[voted],
    )


def among(keys: Ints, sorted_keys: Ints) -> Bools:
    """Whether each key is one of the sorted ones."""
    if not len(sorted_keys):
        return np.zeros(len(keys), bool)
    at = np.minimum(np.searchsorted(sorted_keys, keys), len(sorted_keys) - 1)
    return np.asarray(sorted_keys[at] == keys)


def count_each(values: Ints, sorted_values: Ints) -> Ints:
    """How often each of the sorted, distinct values occurs among `values`; others are not counted."""
    inside = values[among(values, sorted_values)]
    return np.bincount(np.searchsorted(sorted_values, inside), minlength=len(sorted_values))


def _array(column: Any) -> Any:
    """The column as one array, whatever its chunks."""
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _strings(column: Any) -> Any:
    return _array(column).cast(pa.string())


def _flat(column: Any) -> tuple[Any, Any]:
    """Each item's row in a column of lists, and the items as strings."""
    lists = _array(column)
    return pc.list_parent_indices(lists), _strings(pc.list_flatten(lists))


def _positions(values: Any, distinct: Any) -> Ints:
    """Each value's place among distinct values; -1 where it is none of them."""
    return pc.index_in(values, value_set=distinct).fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)


def _known(table: pa.Table, name: str) -> Floats:
    """A column's values; NaN where a value is null or the column is missing."""
    if name not in table.column_names:
        return np.full(table.num_rows, np.nan)
    return _floats(table[name].cast(pa.float64()))


def _floats(column: Any) -> Floats:
    return np.asarray(_array(column).to_numpy(zero_copy_only=False), dtype=np.float64)

"""Cuts a stream of rows, sorted by GIF, into blocks of whole GIFs that the vote's inner loops take at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from autotag_core.errors import AutotagError
from autotag_core.votes.discriminant.axes import unpacked

if TYPE_CHECKING:
    from autotag_core.votes.tally.string_loops import Int64s
    from autotag_core.votes.tally.tag_table import OpenTagTable
    from autotag_core.votes.tally.tally_loops import Abouts, Floats, Lists

ABOUT = pa.schema(
    [
        pa.field("gif_id", pa.string()),
        pa.field("items", pa.list_(pa.string())),
        pa.field("first_own", pa.int32()),
        pa.field("num_editorial", pa.int32()),
        pa.field("first_copied", pa.int32()),
        pa.field("is_train", pa.bool_()),
    ]
)
"""A row about a GIF; tally_loops.Abouts says what it holds."""
PUBLISHED = pa.schema(
    [
        pa.field("gif_id", pa.string()),
        pa.field("tag", pa.string()),
        pa.field("confidence", pa.float32()),
        pa.field("source", pa.string()),
        pa.field("published_score", pa.float32()),
        pa.field("votes", pa.map_(pa.string(), pa.int32())),
        pa.field("evidence", pa.list_(pa.string())),
    ]
)


@dataclass(frozen=True)
class GifBlock:
    """Rows of whole GIFs. `items` are all rows' items one after the other; `lists` says whose each one is."""

    rows: pa.Table
    items: pa.StringArray
    lists: Lists

    @property
    def is_neighbor(self) -> npt.NDArray[np.bool_]:
        """Whether each item (items,) is a neighbor, and not a tag of the GIF itself."""
        return np.repeat(self.lists.experts >= 0, np.diff(self.lists.starts))

    def abouts(self, table: OpenTagTable) -> Abouts:
        """What the rows about GIFs say, with the table's numbers of their tags."""
        from autotag_core.votes.tally.tally_loops import Abouts

        numbers = np.full(len(self.items), -1, np.int32)
        is_tag = ~self.is_neighbor
        numbers[is_tag] = table.numbers_of(self.items.filter(pa.array(is_tag)))
        first_own, num_editorial, first_copied = (
            pc.fill_null(self.rows[name], 0).to_numpy() for name in ("first_own", "num_editorial", "first_copied")
        )
        is_train = pc.fill_null(self.rows["is_train"], False).to_numpy()
        return Abouts(numbers, first_own, num_editorial, first_copied, is_train)

    def looks(self) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.bool_]]:
        """The look (GIFs, axes) of each GIF, and whether it has one (GIFs,)."""
        num_gifs = len(self.lists.gif_starts) - 1
        column = self.rows["look"].chunk(0) if "look" in self.rows.column_names else pa.nulls(len(self.rows))
        rows = np.flatnonzero(column.is_valid().to_numpy(zero_copy_only=False))
        if not len(rows):
            return np.zeros((num_gifs, 0), np.int8), np.zeros(num_gifs, bool)
        known = unpacked(column.take(pa.array(rows)), np.int8)
        gifs = np.searchsorted(self.lists.gif_starts, rows, side="right") - 1
        looks, has_look = np.zeros((num_gifs, known.shape[1]), np.int8), np.zeros(num_gifs, bool)
        looks[gifs], has_look[gifs] = known, True
        return looks, has_look

    def weights(self, similarity: float) -> tuple[Int64s, Floats]:
        """The weight (items,) of each neighbor, in SHARE_UNITs of its list, and their effective number (rows,).

        Rows have `distances` beside their neighbors; AutotagError where there are not as many.
        """
        from autotag_core.votes.tally.neighbor_weights import list_weights

        lists = self.rows["distances"].chunk(0)
        num_items = np.diff(self.lists.starts)
        is_list = self.lists.experts >= 0
        odd = np.flatnonzero(is_list & (num_items != pc.fill_null(pc.list_value_length(lists), 0).to_numpy()))
        if len(odd):
            raise AutotagError(f"{self.rows['gif_id'][odd[0]]}: a list of its neighbors has not as many distances")
        distances = np.zeros(len(self.items), np.float32)
        distances[self.is_neighbor] = lists.flatten().to_numpy()
        return list_weights(self.lists, distances, similarity)


def gif_blocks(batches: Iterable[pa.RecordBatch], experts: Sequence[str], num_rows: int) -> Iterator[GifBlock]:
    """Blocks of about num_rows rows (gif_id, expert, items, ...) that come sorted by gif_id.

    A row of one of the experts lists its neighbors. A row whose expert is null is about the GIF itself. There must be
    no other experts.
    """
    for rows in _whole_gifs(batches, num_rows):
        yield block_of(rows, experts)


def block_of(rows: pa.Table, experts: Sequence[str]) -> GifBlock:
    """The block of rows (gif_id, expert, items, ...) of one chunk, at least one row."""
    from autotag_core.votes.tally.tally_loops import Lists

    column = {name: rows[name].chunk(0) for name in ("gif_id", "expert", "items")}
    starts = np.concatenate([[0], _changes(column["gif_id"]), [len(rows)]]).astype(np.int64)
    numbers = pc.fill_null(pc.index_in(column["expert"], pa.array(experts, pa.string())), -1).to_numpy()
    offsets = column["items"].offsets.to_numpy().astype(np.int64)
    return GifBlock(rows, column["items"].flatten(), Lists(starts, numbers.astype(np.int32), offsets - offsets[0]))


def _whole_gifs(batches: Iterable[pa.RecordBatch], num_rows: int) -> Iterator[pa.Table]:
    """The rows in tables of one chunk. No table ends within a GIF, and none is empty."""
    waiting: list[pa.RecordBatch] = []
    num_waiting = 0
    for batch in batches:
        waiting.append(batch)
        num_waiting += batch.num_rows
        if num_waiting >= num_rows:
            table = pa.Table.from_batches(waiting).combine_chunks()
            changes = _changes(table["gif_id"].chunk(0))
            end = int(changes[-1]) if len(changes) else 0
            waiting, num_waiting = table.slice(end).to_batches(), len(table) - end
            if end:
                yield table.slice(0, end)
    if num_waiting:
        yield pa.Table.from_batches(waiting).combine_chunks()


def _changes(values: pa.StringArray) -> npt.NDArray[np.int64]:
    """Where a value differs from the one before it."""
    found = pc.indices_nonzero(pc.not_equal(values[1:], values[:-1])).to_numpy()
    return np.asarray(found, np.int64) + 1

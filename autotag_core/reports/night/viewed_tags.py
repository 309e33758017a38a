"""Tags of the GIFs that most people see: those that an editor should look at first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from autotag_core.reports.night.catalog_gifs import CatalogGifs
from autotag_core.reports.night.tag_counts import LIKELY

MAX_OF_A_GIF = 3
"""Tags of one GIF: an editor sees the more GIFs."""


@dataclass(frozen=True)
class ViewedTag:
    """A tag of a GIF. `probability` is None where none is known."""

    gif_id: str
    tag: str
    popularity: int
    probability: float | None


def is_suspicious(rows: pa.RecordBatch) -> pa.Array:
    """Own tags that evidence speaks against: the vote demoted them, and they are improbable or nobody voted for them.

    `rows` has source, probability and published_score.
    """
    improbable = pc.less(rows["probability"], LIKELY)
    unvoted = pc.equal(rows["published_score"], 0)
    return pc.and_(pc.equal(rows["source"], "unconfirmed"), pc.coalesce(improbable, unvoted, False))


def is_added(rows: pa.RecordBatch) -> pa.Array:
    """Tags that the vote added, without improbable ones: the published rule adds every tag that some neighbors have."""
    return pc.and_(pc.equal(rows["source"], "voted"), pc.coalesce(pc.greater_equal(rows["probability"], LIKELY), True))


class MostViewed:
    """Keeps tags of the most viewed GIFs out of many batches, at most MAX_OF_A_GIF of each; ties by gif_id."""

    def __init__(self, gifs: CatalogGifs, limit: int, least_probable_first: bool) -> None:
        self._gifs, self._limit = gifs, limit
        self._kept: pa.Table | None = None
        direction = "ascending" if least_probable_first else "descending"
        self._order = [("popularity", "descending"), ("gif_id", "ascending"), ("probability", direction)]
        self._order += [("tag", "ascending")]

    def add(self, batch: pa.RecordBatch, is_wanted: pa.Array) -> None:
        """Consider the wanted rows of a batch, which has gif_id, tag and probability."""
        rows = pa.table({name: batch[name] for name in ("gif_id", "tag", "probability")}).filter(is_wanted)
        popularity = self._gifs.popularity_of(rows["gif_id"].combine_chunks())
        rows = rows.append_column("popularity", pa.array(popularity))
        if self._kept is not None and self._kept.num_rows == self._limit:
            least = self._kept["popularity"][-1].as_py()
            rows = rows.filter(pa.array(popularity >= least))
        together = rows if self._kept is None else pa.concat_tables([self._kept, rows])
        ordered = together.sort_by(self._order).combine_chunks()
        self._kept = ordered.filter(_is_among_first(ordered["gif_id"])).slice(0, self._limit)

    def tags(self) -> list[ViewedTag]:
        """The best so far, best first."""
        rows = self._kept.to_pylist() if self._kept is not None else []
        return [ViewedTag(row["gif_id"], row["tag"], row["popularity"], row["probability"]) for row in rows]


def _is_among_first(gif_ids: pa.ChunkedArray) -> pa.Array:
    """Whether a row is one of the first MAX_OF_A_GIF of its GIF, whose rows stand together."""
    names = gif_ids.to_numpy(zero_copy_only=False)
    begins = np.concatenate([[True], names[1:] != names[:-1]])[: len(names)]
    places = np.arange(len(names))
    return pa.array(places - np.maximum.accumulate(np.where(begins, places, 0)) < MAX_OF_A_GIF)

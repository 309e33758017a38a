"""The queue: tags of a release that an editor should look at first, read without Spark."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from autotag_core.reports.night.catalog_gifs import CatalogGifs, read_gifs
from autotag_core.review.decisions import last_words, read_decisions
from autotag_core.review.expected_gain import (
    Questions,
    evidence_features,
    gain,
    order_by_gain,
    uncertainty,
    unsure_score,
)
from autotag_core.tables import CATALOG, TAG_THRESHOLDS, VOTED_TAGS
from autotag_core.warehouse import RunRecord, current_release, read_table, scan_table

OWN, NEW = "own", "new"
MOST_OF_A_GIF = 3
"""Tags of one GIF: an editor sees the more GIFs."""
_SOURCES = {"confirmed": OWN, "unconfirmed": OWN, "voted": NEW, "proposed": NEW}
_OWN_SOURCES = pa.array([source for source, kind in _SOURCES.items() if kind == OWN])
_NEW_SOURCES = pa.array([source for source, kind in _SOURCES.items() if kind == NEW])
_LIKELY = 0.5
"""The threshold of a tag that has none of its own: likelier right than wrong."""
_BINS = 10_000
_POOL = 10_000
"""Rows of each kind that are held. The order is found among them: for 200 of 2,000 and of 8,000 it taught the same."""
_COLUMNS = ["gif_id", "tag", "source", "probability", "score", "votes"]


@dataclass(frozen=True)
class QueuedTag:
    """A tag to decide on. `kind` is own (its uploader gave it) or new; probability is None where none is known."""

    gif_id: str
    tag: str
    kind: str
    probability: float | None
    popularity: int
    uri: str
    caption: str | None
    other_tags: tuple[str, ...]
    """What else its uploader gave."""


@dataclass(frozen=True)
class ReviewQueue:
    """The tags in order, and of how many undecided ones they were chosen."""

    release: RunRecord
    tags: list[QueuedTag]
    num_undecided: int
    num_decided: int


def read_queue(warehouse: str, run_id: str | None, limit: int) -> ReviewQueue:
    """The `limit` tags of the release with the greatest expected gain, without those that were decided.

    Cost: one pass over six columns of voted_tags and over the catalog's ids and popularity, and without probabilities
    one more over scores; 16 bytes a GIF and the pool. InputError where nothing
    was published.
    """
    release = current_release(warehouse, run_id)
    decided = last_words(read_decisions(warehouse)[0])
    gifs = read_gifs(scan_table(warehouse, CATALOG.name, release, ["gif_id", "popularity"]))
    asked: dict[str, int] = {}
    for _, tag in decided:
        asked[tag] = asked.get(tag, 0) + 1
    unsure = _unsure_score(warehouse, release)
    pool = _Pool(gifs, _thresholds(warehouse, release), unsure, set(decided), _POOL)
    for batch in scan_table(warehouse, VOTED_TAGS.name, release, _COLUMNS):
        pool.add(batch)
    rows = pool.first(limit, asked)
    return ReviewQueue(release, _described(warehouse, release, rows), pool.num_undecided, len(decided))


def _thresholds(warehouse: str, release: RunRecord) -> dict[str | None, float]:
    """By tag, from which chance on it is accepted; None has that of every other tag."""
    if TAG_THRESHOLDS.name not in release.table_versions:
        return {}
    rows = read_table(warehouse, TAG_THRESHOLDS.name, release, ["tag", "threshold"]).to_pylist()
    return {row["tag"]: row["threshold"] for row in rows if row["threshold"] <= 1}


def _unsure_score(warehouse: str, release: RunRecord) -> float:
    """The score at which new tags without a probability are unsure. Without any this costs nothing."""
    if (json.loads(release.calibration or "{}").get("proposed") or {}).get("method"):
        return _LIKELY
    counts = np.zeros(_BINS, np.int64)
    for batch in scan_table(warehouse, VOTED_TAGS.name, release, ["source", "probability", "score"]):
        is_new = pc.is_in(batch["source"], _NEW_SOURCES)
        scores = batch.filter(pc.and_(is_new, pc.is_null(batch["probability"])))["score"]
        found, _ = np.histogram(scores.to_numpy(zero_copy_only=False), _BINS, (0.0, 1.0))
        counts += found
    if not counts.any():
        return _LIKELY
    return unsure_score(np.repeat((np.arange(_BINS) + 0.5) / _BINS, -(-counts // max(1, counts.sum() // 100_000))))


def _is_asked(rows: pa.Table) -> pa.ChunkedArray:
    """Whether an editor may be asked: an own tag, or a new one to which the scoring rule gives a chance.

    It gives none to new tags that it takes for slips of other ones.
    """
    is_hopeless = pc.and_(pc.is_null(rows["probability"]), pc.equal(rows["score"], 0))
    is_new = pc.is_in(rows["source"], _NEW_SOURCES)
    return pc.or_(pc.is_in(rows["source"], _OWN_SOURCES), pc.and_(is_new, pc.invert(is_hopeless)))


class _Pool:
    """The undecided rows of each kind with the greatest gains alone, out of many batches."""

    def __init__(
        self,
        gifs: CatalogGifs,
        thresholds: Mapping[str | None, float],
        unsure: float,
        decided: set[tuple[str, str]],
        size: int,
    ) -> None:
        self._gifs, self._thresholds, self._unsure, self._decided = gifs, thresholds, unsure, decided
        self._of_decided = pa.array(sorted({gif_id for gif_id, _ in decided}), pa.string())
        self._size = size
        self._kept: dict[str, pa.Table] = {}
        self.num_undecided = 0

    def add(self, batch: pa.RecordBatch) -> None:
        """Consider a batch with _COLUMNS."""
        rows = pa.Table.from_batches([batch])
        rows = self._undecided(rows.filter(_is_asked(rows)))
        self.num_undecided += rows.num_rows
        popularity, is_own = self._gifs.popularity_of(rows["gif_id"].combine_chunks()), _is_own(rows)
        values = gain(_chances(rows), self._limits(rows), popularity)
        rows = rows.append_column("popularity", pa.array(popularity)).append_column("gain", pa.array(values))
        for kind, chosen in ((OWN, is_own), (NEW, ~is_own)):
            some = rows.filter(pa.array(chosen))
            together = pa.concat_tables([self._kept[kind], some]) if kind in self._kept else some
            order = [("gain", "descending"), ("gif_id", "ascending"), ("tag", "ascending")]
            self._kept[kind] = together.sort_by(order).slice(0, self._size).combine_chunks()

    def _limits(self, rows: pa.Table) -> np.ndarray:
        """Where each row is unsure: at its tag's threshold, or where nothing is calibrated at the usual score."""
        limits = np.full(rows.num_rows, self._thresholds.get(None, _LIKELY))
        if self._thresholds:
            tags = rows["tag"].combine_chunks().dictionary_encode()
            by_tag = [self._thresholds.get(tag, limits[0]) for tag in tags.dictionary.to_pylist()]
            limits = np.array(by_tag, np.float64)[tags.indices.to_numpy()]
        is_plain = np.asarray(rows["probability"].is_null().to_numpy(), bool) & ~_is_own(rows)
        return np.where(is_plain, self._unsure, limits)

    def _undecided(self, rows: pa.Table) -> pa.Table:
        may_be = pc.is_in(rows["gif_id"], self._of_decided)
        if not pc.any(may_be).as_py():
            return rows
        pairs = zip(rows["gif_id"].to_pylist(), rows["tag"].to_pylist(), strict=True)
        return rows.filter(pa.array([pair not in self._decided for pair in pairs]))

    def first(self, limit: int, asked: Mapping[str, int]) -> list[dict[str, Any]]:
        """The rows to ask first."""
        kept = pa.concat_tables(self._kept.values()) if self._kept else None
        if kept is None or not kept.num_rows:
            return []
        gifs, tags = (kept[name].combine_chunks().dictionary_encode() for name in ("gif_id", "tag"))
        questions = Questions(
            unsure=uncertainty(_chances(kept), self._limits(kept)),
            features=evidence_features(_votes(kept["votes"].combine_chunks()), _chances(kept)),
            views=kept["popularity"].to_numpy(),
            gifs=gifs.indices.to_numpy(),
            tags=tags.indices.to_numpy(),
            is_own=_is_own(kept),
        )
        before = np.array([asked.get(tag, 0) for tag in tags.dictionary.to_pylist()], np.int64)
        order = order_by_gain(questions, before, limit, MOST_OF_A_GIF)
        return list(kept.drop_columns(["votes"]).take(pa.array(order)).to_pylist())


def _is_own(rows: pa.Table) -> np.ndarray:
    return np.asarray(pc.is_in(rows["source"], _OWN_SOURCES).to_numpy(), bool)


def _chances(rows: pa.Table) -> np.ndarray:
    """(n,) each row's probability, else its score; NaN where neither is known."""
    return _floats(pc.coalesce(rows["probability"], pc.if_else(pc.greater(rows["score"], 0), rows["score"], None)))


def _votes(maps: pa.MapArray) -> np.ndarray:
    """(n, experts) of maps from expert to votes; an expert that is not in a map has none."""
    experts, offsets = maps.keys.dictionary_encode(), maps.offsets.to_numpy()
    votes, here = np.zeros((len(maps), len(experts.dictionary))), slice(offsets[0], offsets[-1])
    rows = np.repeat(np.arange(len(maps)), np.diff(offsets))
    votes[rows, experts.indices.to_numpy()[here]] = maps.items.to_numpy()[here]
    return votes


def _floats(values: pa.ChunkedArray) -> np.ndarray:
    return np.asarray(values.to_numpy(), np.float64)


def _described(warehouse: str, release: RunRecord, rows: Sequence[Mapping[str, Any]]) -> list[QueuedTag]:
    """The rows with what an editor needs to know of their GIFs. GIFs that are not in the catalog are left out."""
    known = read_catalog_rows(warehouse, release, [row["gif_id"] for row in rows], ["uri", "caption", "tags"])
    return [
        QueuedTag(
            gif_id=row["gif_id"],
            tag=row["tag"],
            kind=_SOURCES[row["source"]],
            probability=row["probability"],
            popularity=row["popularity"],
            uri=known[row["gif_id"]]["uri"],
            caption=known[row["gif_id"]]["caption"],
            other_tags=tuple(tag for tag in known[row["gif_id"]]["tags"] if tag != row["tag"]),
        )
        for row in rows
        if row["gif_id"] in known
    ]


def read_catalog_rows(
    warehouse: str, release: RunRecord, gif_ids: Iterable[str], columns: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Columns of these GIFs' rows of the catalog, by gif_id."""
    ids = pa.array(sorted(set(gif_ids)), pa.string())
    found = read_table(warehouse, CATALOG.name, release, ["gif_id", *columns], pc.field("gif_id").isin(ids))
    return {row["gif_id"]: row for row in found.to_pylist()}

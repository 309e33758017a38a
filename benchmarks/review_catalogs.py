"""Drawn catalogs with drawn experts, and the evidence on their tags by the vote's own loops: no Spark, no networks."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from autotag_core.config import VoteConfig
from autotag_core.drawing.factors import Recipe, recipe_of
from autotag_core.sample import UploaderRates
from autotag_core.sample.tagging.uploaders import Upload, upload_of
from autotag_core.votes import (
    ABOUT,
    Evidence,
    ExpertWeight,
    TagStatistics,
    block_of,
    count_tags,
    evidence_of,
    open_statistics,
    open_tag_table,
    see_own_tags,
    write_counts,
    write_lifts,
    write_tag_table,
)

CONFIG = VoteConfig()
EXPERTS = ("imagenet", "semantic", "temporal", "text")
NUM_NEIGHBORS = 40
NOISE = {"imagenet": 1.0, "semantic": 0.8, "temporal": 1.2, "text": 0.9}
"""Length of the noise in an expert's vectors, where what it sees has length 1: own tags then have the AUC that the
catalogs of benchmarks/quality.py have."""
_DIMENSION = 14


@dataclass(frozen=True, eq=False)
class Drawn:
    """The pairs (n,) of a catalog: the table of their evidence, whether they are right, and the views of their GIF."""

    pairs: pa.Table
    evidence: Evidence
    is_right: np.ndarray
    views: np.ndarray
    weights: dict[str, ExpertWeight]


def drawn_catalog(seed: int, num_gifs: int) -> Drawn:
    """A catalog that no editor has seen, as `autotag sample` draws tags, wrong tags and views."""
    rates = UploaderRates(misspelled=0.0, editorial=0.0, reviewed=0.0, wrong=0.5, wrong_kind="mixed")
    recipes = [recipe_of(seed, index) for index in range(num_gifs)]
    uploads = [upload_of(recipe, rates) for recipe in recipes]
    rng = np.random.default_rng(seed)
    vectors = {name: _vectors(name, recipes, uploads, rng) for name in EXPERTS}
    pairs = _evidence([recipe.gif_id for recipe in recipes], [one.tags for one in uploads], vectors)
    truth = {recipe.gif_id: set(rates.vocabulary.tags(recipe)) for recipe in recipes}
    views = {recipe.gif_id: one.popularity for recipe, one in zip(recipes, uploads, strict=True)}
    gif_ids, tags = pairs["gif_id"].to_pylist(), pairs["tag"].to_pylist()
    evidence = evidence_of(pairs, list(EXPERTS))
    return Drawn(
        pairs,
        evidence,
        np.array([tag in truth[gif_id] for gif_id, tag in zip(gif_ids, tags, strict=True)]),
        np.array([views[gif_id] for gif_id in gif_ids], np.int64),
        _weights(evidence),
    )


def _seen(name: str, recipe: Recipe, upload: Upload) -> list[str]:
    """What an expert sees of a GIF; nothing where it abstains."""
    factors = recipe.factor_tags()
    by_expert = {"imagenet": factors["shown"], "temporal": factors["motion"], "text": factors["written"]}
    return by_expert.get(name, upload.tags)


def _vectors(name: str, recipes: list[Recipe], uploads: list[Upload], rng: np.random.Generator) -> np.ndarray:
    """(GIFs, d) of length 1; NaN where the expert abstains."""
    known: dict[str, np.ndarray] = {}
    found = np.full((len(recipes), _DIMENSION), np.nan)
    for row, (recipe, upload) in enumerate(zip(recipes, uploads, strict=True)):
        noise = rng.normal(size=_DIMENSION)
        seen = _seen(name, recipe, upload)
        for tag in seen:
            known.setdefault(tag, _unit(rng.normal(size=_DIMENSION)))
        if seen:
            found[row] = _unit(_unit(sum(known[tag] for tag in seen)) + NOISE[name] * _unit(noise))
    return found


def _unit(vector: np.ndarray) -> np.ndarray:
    return np.asarray(vector / np.linalg.norm(vector))


def _neighbors(vectors: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Of each GIF the places of its nearest ones, and their distances (1 - cosine); empty where the expert abstains."""
    known = np.flatnonzero(~np.isnan(vectors[:, 0]))
    near = vectors[known] @ vectors[known].T
    np.fill_diagonal(near, -np.inf)
    order = np.argsort(-near, axis=1, kind="stable")[:, :NUM_NEIGHBORS]
    found = [(np.zeros(0, np.int64), np.zeros(0, np.float32))] * len(vectors)
    for row, place in enumerate(known):
        found[place] = known[order[row]], (1 - near[row, order[row]]).astype(np.float32)
    return found


def _evidence(gif_ids: list[str], tags: list[list[str]], vectors: dict[str, np.ndarray]) -> pa.Table:
    """The rows of evidence_schema of all GIFs, each a train GIF."""
    from autotag_core.votes.evidence.gather import evidence_rows

    about = [
        {
            "gif_id": gif_id,
            "items": said,
            "first_own": 0,
            "num_editorial": 0,
            "first_copied": len(said),
            "is_train": True,
        }
        for gif_id, said in zip(gif_ids, tags, strict=True)
    ]
    lists = []
    for name in EXPERTS:
        for gif_id, (places, distances) in zip(gif_ids, _neighbors(vectors[name]), strict=True):
            if len(places):
                near = [gif_ids[place] for place in places]
                lists.append({"gif_id": gif_id, "expert": name, "items": near, "distances": distances.tolist()})
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        table = write_tag_table([pa.RecordBatch.from_pylist(about, schema=ABOUT)], f"{folder}/tags", work / "a")
        opened = open_tag_table(table, work / "b")
        counts = write_counts([count_tags(block_of(_rows(about), []), opened)], table, f"{folder}/counts", work / "c")
        seen = [see_own_tags(block_of(_rows(lists), EXPERTS), opened, CONFIG.similarity)]
        prior, num = CONFIG.lift_prior, len(EXPERTS)
        lifts = write_lifts(seen, counts, len(gif_ids), num, prior, f"{folder}/lifts", work / "d")
        known = open_statistics(TagStatistics(table, EXPERTS, counts, lifts), work / "e")
        block = block_of(_rows([*about, *lists]), EXPERTS)
        return pa.Table.from_batches([evidence_rows(block, known, list(EXPERTS), CONFIG)])


def _rows(rows: Iterable[dict[str, object]]) -> pa.Table:
    """Rows about GIFs and lists of neighbors, sorted by GIF, in one chunk."""
    more = [pa.field("expert", pa.string()), pa.field("distances", pa.list_(pa.float32()))]
    table = pa.Table.from_pylist(list(rows), schema=pa.schema([*ABOUT, *more]))
    return table.sort_by([("gif_id", "ascending"), ("expert", "ascending")]).combine_chunks()


def _weights(evidence: Evidence) -> dict[str, ExpertWeight]:
    """As a night without editors weighs experts: by own tags, and who knows these no more than the others' mean."""
    from autotag_core.votes.published.predictions import predictions

    is_seen = np.ones(int(evidence.gifs.max()) + 1, bool)
    found = predictions(evidence, evidence.is_own, np.zeros(len(evidence), bool), CONFIG.predicted_tags)
    shares = {name: one.weight(is_seen, ExpertWeight(1.0, 1.0)).published for name, one in found.items()}
    mean = float(np.mean([share for name, share in shares.items() if name not in CONFIG.from_own_tags]))
    return {
        name: ExpertWeight(share, min(share, mean) if name in CONFIG.from_own_tags else share)
        for name, share in shares.items()
    }

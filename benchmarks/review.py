"""What an hour of the editor's queue teaches the judge, against random order: `python -m benchmarks.review`.

On drawn catalogs that no editor has seen (benchmarks/review_catalogs.py). Half of the GIFs can be asked about. A
simulated editor answers by the known truth, in the order of `autotag review export` or in random order of the same
undecided tags. The judge learns from the answers as a night does, and judges the tags of the other half. AUC of right
against wrong ones is of all tags that a night would show (own ones and the ten best proposed ones), and of own ones.

The constants of the queue's order were chosen on seeds 21 to 84.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from autotag_core.evaluation.quality import area_under_curve
from autotag_core.review import expected_gain
from autotag_core.review.queue import MOST_OF_A_GIF
from autotag_core.votes import Judge, default_weights, fit_weights
from benchmarks.review_catalogs import CONFIG, Drawn, drawn_catalog

MEASURED_ON = range(101, 125)
NUMBERS = (0, 100, 200, 300, 400)
NUM_DRAWS = 4
"""Random orders a catalog; the figures are their means."""
Order = Callable[["Asked", np.random.Generator], np.ndarray]


@dataclass(frozen=True, eq=False)
class Asked:
    """A catalog before anybody was asked: rows of its pairs that may be asked (m,), their chances, GIFs, tags."""

    drawn: Drawn
    rows: np.ndarray
    chances: np.ndarray
    gifs: np.ndarray
    tags: np.ndarray
    held_out: np.ndarray
    """Rows that are judged afterwards."""


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gifs", type=int, default=1200)
    options = parser.parse_args()
    orders = {"queue": queue_order, "random": random_order}
    found: dict[tuple[str, int], list[tuple[float, float]]] = {}
    for seed in MEASURED_ON:
        asked = before_asking(drawn_catalog(seed, options.gifs))
        for name, order in orders.items():
            for number, figures in after_asking(asked, order, seed).items():
                found.setdefault((name, number), []).append(figures)
    print(table(found, list(orders)), flush=True)


def before_asking(drawn: Drawn) -> Asked:
    """Which tags may be asked: own ones and the best proposed ones of every second GIF."""
    evidence = drawn.evidence
    scores = Judge(CONFIG, default_weights(drawn.weights, CONFIG)).scores(evidence)
    new = np.flatnonzero(~evidence.is_own & (scores > 0))
    best = new[np.lexsort((new, -scores[new], evidence.gifs[new]))]
    rank = np.arange(len(best)) - np.searchsorted(evidence.gifs[best], evidence.gifs[best], side="left")
    shown = evidence.is_own.copy()
    shown[best[rank < CONFIG.max_proposed]] = True
    is_asked = evidence.gifs % 2 == 0
    rows = np.flatnonzero(shown & is_asked)
    tags = drawn.pairs["tag"].combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64)
    return Asked(drawn, rows, scores[rows], evidence.gifs[rows], tags[rows], np.flatnonzero(shown & ~is_asked))


def after_asking(asked: Asked, order: Order, seed: int) -> dict[int, tuple[float, float]]:
    """By number of decisions: AUC of all held-out tags and of own ones, means over NUM_DRAWS where order is random."""
    draws = NUM_DRAWS if order is random_order else 1
    orders = [order(asked, np.random.default_rng((seed, draw))) for draw in range(draws)]
    return {
        number: tuple(np.mean([judged(asked, asked.rows[one[:number]]) for one in orders], axis=0))
        for number in NUMBERS
    }  # type: ignore[misc]


def judged(asked: Asked, decided: np.ndarray) -> tuple[float, float]:
    """AUC of the held-out tags, all and own ones, by a judge that has learned from these rows."""
    drawn = asked.drawn
    weights = default_weights(drawn.weights, CONFIG)
    if len(decided) >= CONFIG.min_evaluation_gifs:
        pairs = drawn.pairs.take(pa.array(decided))
        pairs = pairs.append_column("is_right", pa.array(drawn.is_right[decided]))
        pairs = pairs.append_column("is_decided", pa.array(np.ones(len(decided), bool)))
        weights = fit_weights(pairs, drawn.weights, CONFIG)
    scores = Judge(CONFIG, weights).scores(drawn.evidence.where(asked.held_out))
    right, own = drawn.is_right[asked.held_out], drawn.evidence.is_own[asked.held_out]
    return area_under_curve(scores, right) or 0.0, area_under_curve(scores[own], right[own]) or 0.0


def queue_order(asked: Asked, _: np.random.Generator) -> np.ndarray:
    """The order of `autotag review export`."""
    evidence, views = asked.drawn.evidence.where(asked.rows), asked.drawn.views[asked.rows]
    limits = np.where(evidence.is_own, 0.5, expected_gain.unsure_score(asked.chances[~evidence.is_own]))
    votes = np.column_stack([expert.votes for expert in evidence.experts.values()]).astype(np.float64)
    questions = expected_gain.Questions(
        unsure=expected_gain.uncertainty(asked.chances, limits),
        features=expected_gain.evidence_features(votes, asked.chances),
        views=views,
        gifs=asked.gifs,
        tags=asked.tags,
        is_own=evidence.is_own,
    )
    before = np.zeros(int(asked.tags.max()) + 1, np.int64)
    return expected_gain.order_by_gain(questions, before, max(NUMBERS), MOST_OF_A_GIF)


def random_order(asked: Asked, rng: np.random.Generator) -> np.ndarray:
    """Any order."""
    return rng.permutation(len(asked.rows))


def table(found: dict[tuple[str, int], list[tuple[float, float]]], names: list[str]) -> str:
    """A line for each order and number of decisions: means over the catalogs, with the standard error of the mean."""
    lines = [f"{'order':<16} {'decisions':>9} {'AUC, all':>16} {'AUC, own':>16}"]
    for name in names:
        for number in NUMBERS:
            values = np.array(found[name, number])
            means, errors = values.mean(axis=0), values.std(axis=0, ddof=1) / np.sqrt(len(values))
            cells = (f"{mean:.3f} +- {error:.3f}" for mean, error in zip(means, errors, strict=True))
            lines.append(f"{name:<16} {number:>9} {'  '.join(cells):>34}")
    gap = np.array(found["queue", 200]) - np.array(found["random", 400])
    for kind, values in zip(("all", "own"), gap.T, strict=True):
        error = values.std(ddof=1) / np.sqrt(len(values))
        lines.append(f"queue 200 minus random 400, AUC of {kind}: {values.mean():+.4f} +- {error:.4f}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()

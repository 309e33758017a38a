"""How often an epoch draws each class: by each scheme, and as the first epoch really does."""

from __future__ import annotations

from typing import TypedDict, get_args

import numpy as np

from autotag_core.splits import TRAIN
from autotag_core.storage.uris import absolute
from autotag_core.terminal import shown_lines
from autotag_core.training.balance import Scheme, draw_rates, evenness
from autotag_core.training.index import read_index
from autotag_core.training.plan import plan_draws
from autotag_core.training.settings import LoaderSettings
from autotag_core.warehouse import current_release

_SHARES = (0, 10, 50, 90, 100)
_NUM_SHOWN = 10


class ClassDraws(TypedDict):
    """A class: its train examples, its expected draws by each scheme, and its draws in the first even epoch."""

    label: str
    num_examples: int
    natural: float
    repeat_factors: float
    even: float
    first_epoch: int


def class_histogram(
    warehouse: str, run_id: str | None = None, min_examples: int = 5, num_draws: int | None = None
) -> list[ClassDraws]:
    """Every class of a release, the one with the most examples first. Other settings are LoaderSettings' defaults."""
    warehouse, settings = absolute(warehouse), LoaderSettings()
    index = read_index(warehouse, current_release(warehouse, run_id), TRAIN, min_examples)
    labels, total = index.labels, num_draws or len(index)
    rates = {scheme: draw_rates(labels, scheme, total, settings.max_repeats) for scheme in get_args(Scheme)}
    draws = plan_draws(rates["even"], index.groups, settings.seed, 0)
    drawn = np.bincount(draws.examples, minlength=len(index)).astype(np.float64)
    counts = labels.count(np.ones(len(index)))
    expected = {scheme: labels.count(found) for scheme, found in rates.items()}
    order = np.lexsort((np.arange(len(counts)), -counts))
    return [
        ClassDraws(
            label=index.names[at],
            num_examples=int(counts[at]),
            natural=round(float(expected["natural"][at]), 2),
            repeat_factors=round(float(expected["repeat_factors"][at]), 2),
            even=round(float(expected["even"][at]), 2),
            first_epoch=int(labels.count(drawn)[at]),
        )
        for at in order
    ]


def as_text(rows: list[ClassDraws]) -> str:
    """The most and the least common classes, and how even each column is."""
    columns = ("num_examples", "natural", "repeat_factors", "even", "first_epoch")
    some = rows if len(rows) <= 2 * _NUM_SHOWN else [*rows[:_NUM_SHOWN], None, *rows[-_NUM_SHOWN:]]
    lines = [f"{'class':<28}" + "".join(f"{name:>16}" for name in columns)]
    for row in some:
        if row is None:
            lines.append(f"... {len(rows) - 2 * _NUM_SHOWN} more")
            continue
        values = (row["num_examples"], row["natural"], row["repeat_factors"], row["even"], row["first_epoch"])
        lines.append(f"{row['label'][:27]:<28}" + "".join(f"{value:>16,.0f}" for value in values))
    found = [np.array([row["num_examples"] for row in rows], float)]
    found += [np.array([row["natural"] for row in rows]), np.array([row["repeat_factors"] for row in rows])]
    found += [np.array([row["even"] for row in rows]), np.array([row["first_epoch"] for row in rows], float)]
    for share in _SHARES:
        name = {0: "least", 50: "median", 100: "most"}.get(share, f"{share}% have at most")
        lines.append(f"{name:<28}" + "".join(f"{np.percentile(column, share):>16,.1f}" for column in found))
    lines.append(f"{'evenness, 1 is even':<28}" + "".join(f"{evenness(column):>16.3f}" for column in found))
    return shown_lines(lines)

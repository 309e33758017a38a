"""Which tags are true of a sample GIF, in a vocabulary of the wanted size."""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass

from autotag_core.drawing.factors import (
    FACTORS,
    MOTIONS,
    SCENES,
    STILL_SHARE,
    SUBJECTS,
    USAGES,
    WORDS,
    WRITTEN_SHARE,
    Recipe,
    random_of,
)

_PAIRS = (
    ("shown", "scene", "subject"),
    ("motion", "motion", "subject"),
    ("motion", "motion", "scene"),
    ("usage", "usage", "subject"),
    ("usage", "usage", "motion"),
    ("written", "word", "subject"),
    ("written", "word", "usage"),
)
"""Factor of a compound tag, and what its two halves are, as in `night cat` and `rising cat`."""
MIN_TAGS = 20
"""With fewer tags, most GIFs have the same few general ones."""
MAX_TAGS_PER_GIF = 14
"""Plain tags and compounds that fit a GIF with every factor."""


@dataclass(frozen=True)
class Vocabulary:
    """How many tags there are, and how many are true of a GIF. None: the tags of factors.py, and all that fit."""

    num_tags: int | None = None
    """The most used tags. After the plain tags (86) come compounds of two of them; most compounds fit one GIF."""
    tags_per_gif: float | None = None
    """Mean number of tags drawn from what would be true of a GIF; all where there are fewer."""

    def factor_tags(self, recipe: Recipe) -> dict[str, list[str]]:
        """True tags of the GIF by factor, each specific one before its general one, compounds last."""
        by_factor = recipe.factor_tags()
        if self == Vocabulary():
            return by_factor
        if self.num_tags is not None:
            known = _most_used(self.num_tags)
            for factor, tag in _compounds(recipe):
                by_factor[factor].append(tag)
            by_factor = {factor: [tag for tag in tags if tag in known] for factor, tags in by_factor.items()}
        return by_factor if self.tags_per_gif is None else _drawn(recipe, by_factor, self.tags_per_gif)

    def tags(self, recipe: Recipe) -> list[str]:
        """All true tags of the GIF, by factor in the order of FACTORS."""
        by_factor = self.factor_tags(recipe)
        return [tag for factor in FACTORS for tag in by_factor[factor]]

    @functools.cached_property
    def uses(self) -> dict[str, float]:
        """Every tag with the share of GIFs that it fits, by name."""
        known = uses()
        return {tag: known[tag] for tag in sorted(_most_used(self.num_tags or len(_plain_uses())))}


def uses() -> dict[str, float]:
    """Every plain and compound tag with the share of GIFs that it fits."""
    plain = _plain_uses()
    values = _values()
    found = dict(plain)
    for _, first, second in _PAIRS:
        for one, other in itertools.product(values[first], values[second]):
            found[f"{one} {other}"] = plain[one] * plain[other]
    return found


def max_tags() -> int:
    """How many plain and compound tags there are: the largest vocabulary."""
    return len(uses())


@functools.cache
def _most_used(number: int) -> frozenset[str]:
    """This many tags: plain ones before compounds, the most used first, ties by name."""
    known, plain = uses(), _plain_uses()
    order = sorted(known, key=lambda tag: (tag not in plain, -known[tag], tag))
    return frozenset(order[:number])


@functools.cache
def _plain_uses() -> dict[str, float]:
    """The share of GIFs that each plain tag fits, from how recipes are drawn."""
    found = {tag: (1 - STILL_SHARE) / (3 * len(MOTIONS)) for tags in MOTIONS.values() for tag in tags}
    found |= {scene: 1 / len(SCENES) for scene in SCENES if scene}
    found |= {word: WRITTEN_SHARE / len(WORDS) for word in WORDS}
    for table in (SUBJECTS, USAGES):
        for tag, general in table.items():
            found[tag] = 1 / len(table)
            found[general] = found.get(general, 0.0) + 1 / len(table)
    return found


def _values() -> dict[str, list[str]]:
    """What each half of a compound can be."""
    return {
        "subject": list(SUBJECTS),
        "scene": [scene for scene in SCENES if scene],
        "motion": [tag for tags in MOTIONS.values() for tag in tags],
        "usage": list(USAGES),
        "word": list(WORDS),
    }


def _compounds(recipe: Recipe) -> list[tuple[str, str]]:
    """Factor and name of each compound that fits the GIF."""
    halves = {
        "subject": recipe.subject,
        "scene": recipe.scene,
        "motion": MOTIONS[recipe.change][recipe.order] if recipe.change else None,
        "usage": recipe.usage,
        "word": recipe.word,
    }
    return [
        (factor, f"{halves[first]} {halves[second]}")
        for factor, first, second in _PAIRS
        if halves[first] and halves[second]
    ]


def _drawn(recipe: Recipe, by_factor: dict[str, list[str]], mean: float) -> dict[str, list[str]]:
    """About `mean` of the tags in the same order: the next whole number below or above it."""
    rng = random_of(recipe.seed, recipe.index, "truth")
    places = [(factor, at) for factor, tags in by_factor.items() for at in range(len(tags))]
    number = int(mean) + (rng.random() < mean - int(mean))
    kept = set(rng.sample(places, min(number, len(places))))
    return {factor: [tag for at, tag in enumerate(tags) if (factor, at) in kept] for factor, tags in by_factor.items()}

"""What differs between two releases: settings, models, weights from their records, and tags with the evidence."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from autotag_core.errors import InputError
from autotag_core.tables import EXPERT_WEIGHTS
from autotag_core.warehouse import RunRecord, read_table

NEW_GIF = "the GIF is new"
GONE_GIF = "the GIF is gone"
DECIDED = "an editor's word"
OWN_CHANGED = "its own tags changed"
NEIGHBORS_CHANGED = "its neighbors changed"
VOTES_CHANGED = "its neighbors' tags changed"
JUDGED_ANEW = "judged anew: weights, thresholds or settings"
REASONS = (NEW_GIF, GONE_GIF, DECIDED, OWN_CHANGED, NEIGHBORS_CHANGED, VOTES_CHANGED, JUDGED_ANEW)
"""In the order in which they are asked: the first that holds is given."""
WORDS_OF_EDITORS = ("editorial", "refused")
"""Sources by which an editor has decided."""
MAX_TAGS = 20
MAX_EXAMPLES = 5
"""Of each reason."""


@dataclass(frozen=True)
class Changed:
    """A name whose value differs; None where one side has none."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class TagState:
    """A row of voted_tags on one side."""

    source: str
    probability: float | None
    votes: dict[str, int]


@dataclass(frozen=True)
class TagChange:
    """A tag that a GIF gained or lost. A side without a row is None."""

    gif_id: str
    tag: str
    change: str
    reason: str
    before: TagState | None
    after: TagState | None
    popularity: int = 0


@dataclass(frozen=True)
class TagCount:
    """A tag, and how many GIFs gained and lost it."""

    tag: str
    gained: int
    lost: int


@dataclass(frozen=True)
class CatalogChange:
    """How many GIFs each side has, and how many are new, gone, or have other tags of their own."""

    before: int
    after: int
    new: int
    gone: int
    retagged: int


@dataclass(frozen=True)
class ReleaseDiff:
    """All that differs. `asked` says which GIF or tag alone was compared; catalog is None where only a GIF was."""

    runs: tuple[str, str]
    asked: str
    settings: list[Changed]
    models: list[Changed]
    weights: list[Changed]
    catalog: CatalogChange | None
    num_gained: int = 0
    num_lost: int = 0
    tags: list[TagCount] = field(default_factory=list)
    reasons: dict[str, int] = field(default_factory=dict)
    examples: list[TagChange] = field(default_factory=list)

    def to_json(self) -> str:
        """One JSON object."""
        return json.dumps(asdict(self))


def changed_settings(before: RunRecord, after: RunRecord) -> list[Changed]:
    """Settings with another value, by their full names."""
    return _changed(_flat(json.loads(before.config)), _flat(json.loads(after.config)))


def changed_models(before: RunRecord, after: RunRecord) -> list[Changed]:
    """Models, the way frames are made, and the files of sessions."""
    return _changed(before.inputs.versions | before.inputs.stamps, after.inputs.versions | after.inputs.stamps)


def changed_weights(warehouse: str, before: RunRecord, after: RunRecord) -> list[Changed]:
    """Experts' weights that differ, to three digits."""
    return _changed(*(_weights(warehouse, run) for run in (before, after)))


def _weights(warehouse: str, run: RunRecord) -> dict[str, str]:
    try:
        rows = read_table(warehouse, EXPERT_WEIGHTS.name, run, ["expert", "weight"]).to_pylist()
    except InputError:  # warehouse.keep_releases has dropped it
        return {}
    return {row["expert"]: f"{row['weight']:.3f}" for row in rows}


def _changed(before: Mapping[str, str], after: Mapping[str, str]) -> list[Changed]:
    return [
        Changed(name, before.get(name), after.get(name))
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]


def _flat(config: Mapping[str, Any], start: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in config.items():
        found |= _flat(value, f"{start}{name}.") if isinstance(value, dict) else {f"{start}{name}": json.dumps(value)}
    return found


def counted(
    changes: Sequence[TagChange],
) -> tuple[list[TagCount], dict[str, int]]:
    """The tags with most changes, ties alphabetical, and how many changes have each reason."""
    gained: dict[str, int] = {}
    lost: dict[str, int] = {}
    for one in changes:
        side = gained if one.change == "gained" else lost
        side[one.tag] = side.get(one.tag, 0) + 1
    tags = [TagCount(tag, gained.get(tag, 0), lost.get(tag, 0)) for tag in {*gained, *lost}]
    tags.sort(key=lambda one: (-one.gained - one.lost, one.tag))
    reasons = {reason: sum(one.reason == reason for one in changes) for reason in REASONS}
    return tags[:MAX_TAGS], {reason: num for reason, num in reasons.items() if num}

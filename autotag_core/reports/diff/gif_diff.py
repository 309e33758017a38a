"""What differs for one GIF between two releases, read with a filter and without a JVM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow.compute as pc

from autotag_core.errors import InputError
from autotag_core.reports.diff import release_diff as diff
from autotag_core.reports.diff.release_diff import ReleaseDiff, TagChange, TagState
from autotag_core.reports.night.tag_counts import KEPT, LIKELY
from autotag_core.tables import CATALOG, NEIGHBORS, VOTED_TAGS
from autotag_core.warehouse import RunRecord, read_table


@dataclass(frozen=True)
class _Side:
    """A GIF in a release; `own` is None where it is not in the catalog."""

    own: tuple[list[str], list[str]] | None
    neighbors: dict[str, list[str]]
    tags: dict[str, TagState]


def diff_gif(warehouse: str, before: RunRecord, after: RunRecord, gif_id: str, tag: str | None) -> ReleaseDiff:
    """What differs between the releases, of this GIF alone; with `tag` of this tag of it."""
    changes = [one for one in gif_changes(warehouse, before, after, gif_id) if tag in (None, one.tag)]
    tags, reasons = diff.counted(changes)
    num_gained = sum(one.change == "gained" for one in changes)
    return ReleaseDiff(
        runs=(before.run_id, after.run_id),
        asked=f"GIF {gif_id}" + (f", tag {tag}" if tag is not None else ""),
        settings=diff.changed_settings(before, after),
        models=diff.changed_models(before, after),
        weights=diff.changed_weights(warehouse, before, after),
        catalog=None,
        num_gained=num_gained,
        num_lost=len(changes) - num_gained,
        tags=tags,
        reasons=reasons,
        examples=changes,
    )


def gif_changes(warehouse: str, before: RunRecord, after: RunRecord, gif_id: str) -> list[TagChange]:
    """The tags that the GIF gained or lost, alphabetical. InputError where neither release has the GIF."""
    sides = [_side(warehouse, run, gif_id) for run in (before, after)]
    if sides[0].own is None and sides[1].own is None:
        raise InputError(f"{gif_id}: neither in the catalog of run {before.run_id} nor of run {after.run_id}")
    found = []
    for tag in sorted({*sides[0].tags, *sides[1].tags}):
        was, now = (side.tags.get(tag) for side in sides)
        if _is_had(was) != _is_had(now):
            change = "gained" if _is_had(now) else "lost"
            found.append(TagChange(gif_id, tag, change, _reason(sides[0], sides[1], was, now), was, now))
    return found


def _side(warehouse: str, run: RunRecord, gif_id: str) -> _Side:
    is_gif = pc.field("gif_id") == gif_id
    gifs = read_table(warehouse, CATALOG.name, run, ["tags", "editorial_tags"], is_gif).to_pylist()
    lists: list[dict[str, Any]] = []
    if NEIGHBORS.name in run.table_versions:
        lists = read_table(warehouse, NEIGHBORS.name, run, ["expert", "neighbor_ids"], is_gif).to_pylist()
    columns = ["tag", "source", "probability", "votes"]
    voted = read_table(warehouse, VOTED_TAGS.name, run, columns, is_gif).to_pylist()
    return _Side(
        own=(sorted(gifs[0]["tags"] or []), sorted(gifs[0]["editorial_tags"] or [])) if gifs else None,
        neighbors={row["expert"]: row["neighbor_ids"] for row in lists},
        tags={row["tag"]: TagState(row["source"], row["probability"], dict(row["votes"] or [])) for row in voted},
    )


def _is_had(state: TagState | None) -> bool:
    if state is None:
        return False
    is_likely = state.source in KEPT if state.probability is None else state.probability >= LIKELY
    return state.source == "editorial" or is_likely


def _reason(before: _Side, after: _Side, was: TagState | None, now: TagState | None) -> str:
    """Why a tag is had on one side alone: the first of REASONS that holds, as udfs/reports/tag_changes.py says it."""
    decided = [state is not None and state.source in diff.WORDS_OF_EDITORS for state in (was, now)]
    holds = {
        diff.NEW_GIF: before.own is None,
        diff.GONE_GIF: after.own is None,
        diff.DECIDED: decided[0] != decided[1] or bool(was and now and all(decided) and was.source != now.source),
        diff.OWN_CHANGED: before.own != after.own,
        diff.NEIGHBORS_CHANGED: before.neighbors != after.neighbors,
        diff.VOTES_CHANGED: (was.votes if was else {}) != (now.votes if now else {}),
    }
    return next((reason for reason, is_so in holds.items() if is_so), diff.JUDGED_ANEW)

"""Why a GIF has its tags: votes, weights and neighbors, from the published tables and without a JVM."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from autotag_core.errors import InputError
from autotag_core.warehouse import RunRecord, current_release, read_table


@dataclass(frozen=True)
class Explanation:
    """The rows of one release that concern one GIF. `neighbor_tags` are the tags with which its neighbors voted.

    `groups` gives, by gif_id, the group of copies that the GIF or a neighbor is in. `copies` are the GIF's own copies.
    `people` are empty where nobody looked for faces.
    """

    release: RunRecord
    gif: dict[str, Any]
    voted_tags: list[dict[str, Any]]
    neighbors: list[dict[str, Any]]
    neighbor_tags: dict[str, list[str]]
    weights: list[dict[str, Any]]
    failures: list[dict[str, Any]]
    groups: dict[str, str]
    copies: list[str]
    people: list[dict[str, Any]]


def explain_gif(warehouse: str, gif_id: str, run_id: str | None = None) -> Explanation:
    """What a release holds about a GIF. InputError where the GIF is not in the catalog; it says why the GIF failed."""
    release = current_release(warehouse, run_id)
    is_gif = pc.field("gif_id") == gif_id
    failures = read_table(warehouse, "failures", release, where=is_gif).to_pylist()
    gifs = read_table(warehouse, "catalog", release, where=is_gif).to_pylist()
    if not gifs:
        reasons = ", ".join(f"{row['stage']}: {row['reason']} ({row['message']})" for row in failures)
        raise InputError(
            f"{gif_id}: not in the catalog of run {release.run_id}" + (f"; failed: {reasons}" if reasons else "")
        )
    neighbors = read_table(warehouse, "neighbors", release, where=is_gif).to_pylist()
    ids = sorted({neighbor for row in neighbors for neighbor in row["neighbor_ids"]})
    is_neighbor = pc.field("gif_id").isin(pa.array(ids, pa.string()))  # typed, since the list may be empty
    tagged = read_table(warehouse, "catalog", release, ["gif_id", "tags", "editorial_tags"], is_neighbor).to_pylist()
    voted = read_table(warehouse, "voted_tags", release, where=is_gif).to_pylist()
    groups, copies = _read_groups(warehouse, release, gif_id, ids)
    return Explanation(
        release=release,
        gif=gifs[0],
        voted_tags=sorted(voted, key=lambda row: (-row["confidence"], -row["score"], row["tag"])),
        neighbors=sorted(neighbors, key=lambda row: str(row["expert"])),
        neighbor_tags={row["gif_id"]: list(dict.fromkeys(row["tags"] + row["editorial_tags"])) for row in tagged},
        weights=sorted(
            read_table(warehouse, "expert_weights", release).to_pylist(), key=lambda row: str(row["expert"])
        ),
        failures=failures,
        groups=groups,
        copies=copies,
        people=_read_people(warehouse, release, gif_id),
    )


def _read_people(warehouse: str, release: RunRecord, gif_id: str) -> list[dict[str, Any]]:
    if "people" not in release.table_versions:
        return []
    rows = read_table(warehouse, "people", release, where=pc.field("gif_id") == gif_id).to_pylist()
    return sorted(rows, key=lambda row: row["person"])


def _read_groups(
    warehouse: str, release: RunRecord, gif_id: str, neighbor_ids: list[str]
) -> tuple[dict[str, str], list[str]]:
    """Explanation.groups and copies; empty for a release without the table."""
    if "duplicates" not in release.table_versions:
        return {}, []
    is_asked = pc.field("gif_id").isin(pa.array([gif_id, *neighbor_ids], pa.string()))
    rows = read_table(warehouse, "duplicates", release, ["gif_id", "group_id"], is_asked).to_pylist()
    groups = {row["gif_id"]: row["group_id"] for row in rows}
    if gif_id not in groups:
        return groups, []
    is_member = pc.field("group_id") == groups[gif_id]
    members = read_table(warehouse, "duplicates", release, ["gif_id"], is_member)["gif_id"].to_pylist()
    return groups, sorted(set(members) - {gif_id})


def setting_of(release: RunRecord, section: str, key: str, default: Any) -> Any:
    """A setting of the run; the default where the run's record lacks it."""
    return json.loads(release.config).get(section, {}).get(key, default)

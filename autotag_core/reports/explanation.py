"""Why a GIF has its tags: votes, weights and neighbors, from the published tables and without a JVM."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from autotag_core.errors import InputError
from autotag_core.terminal import shown_lines
from autotag_core.votes.judge.learned import START
from autotag_core.warehouse import RunRecord, current_release, read_table

_SHOWN_MEMBERS = 10
_LEAST_REASON = 0.1
"""Log odds below which a reason is not mentioned."""


@dataclass(frozen=True)
class Explanation:
    """The rows of one release that concern one GIF. `neighbor_tags` are the tags with which its neighbors voted.

    `groups` gives, by gif_id, the group of copies that the GIF or a neighbor is in. `copies` are the GIF's own copies.
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
    )


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


def as_text(found: Explanation) -> str:
    """The explanation as lines for people: the GIF, its tags with their votes, then each expert's neighbors."""
    return shown_lines([*_gif_lines(found), *_tag_lines(found), *_neighbor_lines(found)])


def _gif_lines(found: Explanation) -> list[str]:
    gif = found.gif
    lines = [
        f"{gif['gif_id']}  ({gif['split']}, {gif['uri']})",
        f"  caption    {gif['caption'] or '-'}",
        f"  uploader   {', '.join(gif['tags']) or '-'}",
        f"  editor     {', '.join(gif['editorial_tags']) or '-'}",
        f"  run        {found.release.run_id}, tables of {found.release.release_of}",
    ]
    if found.copies:
        shown = ", ".join(found.copies[:_SHOWN_MEMBERS])
        more = len(found.copies) - _SHOWN_MEMBERS
        lines.append(f"  copies     {shown}{f' and {more} more' if more > 0 else ''}")
    lines += [f"  failed     {row['stage']}: {row['reason']}: {row['message']}" for row in found.failures]
    return lines


def _tag_lines(found: Explanation) -> list[str]:
    heads = f"{'confidence':>10} {'source':<12} {'score':>6} {'probability':>11}"
    lines = ["", f"  {'tag':<24} {heads}  published vote: neighbors x weight by expert, over the largest possible"]
    weights = {row["expert"]: row["weight"] for row in found.weights}
    for row in found.voted_tags:
        votes = sorted(dict(row["votes"] or []).items())
        total = sum(weights.get(expert, 0.0) * count for expert, count in votes)
        counted = " + ".join(f"{count} x {weights.get(expert, 0.0):.3f} {expert}" for expert, count in votes)
        vote = f"{counted} = {total:.3f} -> {row['published_score']:.3f}" if votes else "none"
        chance = "-" if row["probability"] is None else f"{row['probability']:.3f}"
        mark = {True: " accepted", False: "", None: ""}[row["accepted"]]
        lines.append(
            f"  {row['tag']:<24} {row['confidence']:>10.3f} {row['source']:<12} {row['score']:>6.3f} {chance:>11}  "
            f"{vote}{mark}"
        )
        if row["evidence"]:
            lines.append(f"  {'':<24} evidence: {', '.join(row['evidence'])}")
        if said := _reasons_in_words(dict(row.get("reasons") or [])):
            lines.append(f"  {'':<24} {said}")
    rule = _setting(found.release, "vote", "rule", "published")
    lines.append(
        f"  confidence and source: the published rule; score and probability: vote.rule={rule}; "
        "proposed: by that rule alone"
    )
    return lines


def _reasons_in_words(reasons: dict[str, float]) -> str:
    """What moved the tag up and down, the strongest first, in log odds; empty where nothing is known."""
    moved = {name: value for name, value in reasons.items() if name != START}
    order = sorted(moved, key=lambda name: (-abs(moved[name]), name))
    up = [f"{name} {moved[name]:+.1f}" for name in order if moved[name] >= _LEAST_REASON]
    down = [f"{name} {moved[name]:+.1f}" for name in order if moved[name] <= -_LEAST_REASON]
    parts = [f"{word} by {', '.join(items)}" for word, items in (("up", up), ("down", down)) if items]
    if not reasons:
        return ""
    return f"log odds {sum(reasons.values()):+.1f}: {'; '.join([f'{reasons.get(START, 0.0):+.1f} {START}', *parts])}"


def _setting(release: RunRecord, section: str, key: str, default: Any) -> Any:
    """A setting of the run; the default where the run's record lacks it."""
    return json.loads(release.config).get(section, {}).get(key, default)


def _neighbor_lines(found: Explanation) -> list[str]:
    weights = {row["expert"]: row for row in found.weights}
    lines = []
    for row in found.neighbors:
        weight = weights.get(row["expert"])
        rests_on = (
            f"weight {weight['weight']:.3f}: right on {weight['num_correct']} of {weight['num_evaluated']} "
            f"{weight['evaluated_on']} GIFs"
            if weight
            else "no weight: nothing to judge it by"
        )
        lines += ["", f"  {row['expert']} ({rests_on})"]
        lines += _list_lines(found, row)
    absent = sorted(set(weights) - {row["expert"] for row in found.neighbors})
    for expert in absent:
        lines += ["", f"  {expert}: abstains, it has no embedding of this GIF"]
    return lines


def _list_lines(found: Explanation, row: dict[str, Any]) -> list[str]:
    """The neighbors that vote by the published rule, those between them, and further ones that are evidence.

    With duplicates.count_once the nearest of a group of copies votes; the others are marked.
    """
    num_voting = int(_setting(found.release, "vote", "neighbors", 10))
    groups = found.groups if _setting(found.release, "duplicates", "count_once", True) else {}
    evidence = {neighbor for tag in found.voted_tags for neighbor in tag["evidence"] or []}
    nearest: dict[str, str] = {}
    lines = []
    for neighbor, distance in zip(row["neighbor_ids"], row["distances"], strict=True):
        first = nearest.setdefault(groups.get(neighbor, neighbor), neighbor)
        if len(nearest) > num_voting and neighbor not in evidence:
            continue
        tags = ", ".join(found.neighbor_tags.get(neighbor, []))
        note = f"copy of {first}, which is counted" if first != neighbor else tags
        lines.append(f"    {distance:.4f}  {neighbor:<28} {note}")
    return lines

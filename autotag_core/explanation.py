"""Why a GIF has its tags: votes, weights and neighbors, from the published tables and without a JVM."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from autotag_core.errors import InputError
from autotag_core.warehouse import RunRecord, current_release, read_table

_SHOWN_NEIGHBORS = 10


@dataclass(frozen=True)
class Explanation:
    """The rows of one release that concern one GIF; `neighbor_tags` are the tags with which its neighbors voted."""

    release: RunRecord
    gif: dict[str, Any]
    voted_tags: list[dict[str, Any]]
    neighbors: list[dict[str, Any]]
    neighbor_tags: dict[str, list[str]]
    weights: list[dict[str, Any]]
    failures: list[dict[str, Any]]


def explain_gif(warehouse: str, gif_id: str, run_id: str | None = None) -> Explanation:
    """Collect what a release holds about a GIF; InputError where it is neither in the catalog nor in failures."""
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
    is_neighbor = pc.field("gif_id").isin(pa.array(ids, pa.string()))  # typed, since there may be none
    tagged = read_table(warehouse, "catalog", release, ["gif_id", "tags", "editorial_tags"], is_neighbor).to_pylist()
    voted = read_table(warehouse, "voted_tags", release, where=is_gif).to_pylist()
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
    )


def as_text(found: Explanation) -> str:
    """The explanation as lines a person reads: the GIF, its tags with their votes, then each expert's neighbors."""
    return "\n".join([*_gif_lines(found), *_tag_lines(found), *_neighbor_lines(found)])


def _gif_lines(found: Explanation) -> list[str]:
    gif = found.gif
    lines = [
        f"{gif['gif_id']}  ({gif['split']}, {gif['uri']})",
        f"  caption    {gif['caption'] or '-'}",
        f"  uploader   {', '.join(gif['tags']) or '-'}",
        f"  editor     {', '.join(gif['editorial_tags']) or '-'}",
        f"  run        {found.release.run_id}, tables of {found.release.release_of}",
    ]
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
    lines.append(
        f"  confidence and source: the published rule; score and probability: vote.rule={_rule(found.release)}; "
        "proposed: by that rule alone"
    )
    return lines


def _rule(release: RunRecord) -> str:
    return str(json.loads(release.config).get("vote", {}).get("rule", "published"))


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
        pairs = zip(row["neighbor_ids"], row["distances"], strict=True)
        for neighbor, distance in list(pairs)[:_SHOWN_NEIGHBORS]:
            lines.append(f"    {distance:.4f}  {neighbor:<28} {', '.join(found.neighbor_tags.get(neighbor, []))}")
    absent = sorted(set(weights) - {row["expert"] for row in found.neighbors})
    lines += [f"\n  {expert}: abstains, it has no embedding of this GIF" for expert in absent]
    return lines

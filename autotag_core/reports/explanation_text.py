"""Why a GIF has its tags, as lines for a terminal."""

from __future__ import annotations

from typing import Any

from autotag_core.reports.explanation import Explanation, setting_of
from autotag_core.reports.tag_reasons import LEAST_SAID, became, chance, is_worth_saying, likeliest_first, sentence
from autotag_core.terminal import shown_lines
from autotag_core.votes.judge.learned import START

_SHOWN_MEMBERS = 10
_LEAST_REASON = 0.1
"""Log odds below which a reason is not mentioned."""


def as_text(found: Explanation, details: bool = False) -> str:
    """The explanation as lines for people: the GIF, and for each tag how likely it is and why, in a sentence.

    Tags that are hardly likely are only counted. With `details` all are there, with votes, weights, and the neighbors
    of each expert.
    """
    more = [*_tag_lines(found), *_neighbor_lines(found)] if details else []
    return shown_lines([*_gif_lines(found), *_reason_lines(found, details), *more])


def _reason_lines(found: Explanation, details: bool) -> list[str]:
    """A line for each tag, the likeliest first."""
    tags = likeliest_first(found)
    said = tags if details else [row for row in tags if is_worth_saying(row)]
    width = min(30, max((len(row["tag"]) for row in said), default=0))
    lines = [
        "",
        *(f"  {chance(row):>4}  {row['tag']:<{width}}  {became(row):<9}  {sentence(found, row)}" for row in said),
    ]
    if len(said) < len(tags):
        lines.append(f"  {len(tags) - len(said)} more tags are less than {LEAST_SAID:.0%} likely; --details shows them")
    return lines


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
    lines += [f"  person     {_person(row)}" for row in found.people]
    lines += [f"  failed     {row['stage']}: {row['reason']}: {row['message']}" for row in found.failures]
    return lines


def _person(row: dict[str, Any]) -> str:
    sure = "" if row["probability"] is None or not row["known"] else f" {row['probability']:.2f}"
    box = ", ".join(f"{side:.0f}" for side in row["box"])
    return (
        f"{row['name'] or 'unknown'}{sure}, in {row['num_frames']} frames, best in frame {row['best_frame']} at {box}"
    )


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
    rule = setting_of(found.release, "vote", "rule", "published")
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
    num_voting = int(setting_of(found.release, "vote", "neighbors", 10))
    groups = found.groups if setting_of(found.release, "duplicates", "count_once", True) else {}
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

"""Why a query finds less than before, in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autotag_core.evaluation.search_quality.ranking_measures import DEPTH, FIRST
from autotag_core.search import SearchHit

_MOST_NAMED = 3

Weights = Mapping[str, float]
"""The weights of a document's tags."""


@dataclass(frozen=True)
class Answers:
    """What one query found on both indexes, best first, and which GIFs are right."""

    right: Mapping[str, int]
    before: Sequence[SearchHit]
    after: Sequence[SearchHit]


def sunk_gifs(answers: Answers) -> list[str]:
    """The right GIFs that the first ten lost, or that rank lower in them than before, in the order before."""
    after = {hit.gif_id: rank for rank, hit in enumerate(answers.after)}
    return [
        hit.gif_id
        for rank, hit in enumerate(answers.before)
        if hit.gif_id in answers.right
        and (after.get(hit.gif_id, DEPTH) > max(rank, FIRST - 1) or rank < after.get(hit.gif_id, DEPTH) < FIRST)
    ]


def why_lost(answers: Answers, documents: Mapping[str, Weights]) -> tuple[str, ...]:
    """Sentences: what became of the right GIFs that sank, then which wrong ones stand above.

    `documents` holds the weights of the tags of these GIFs in the index after; a GIF that is not there has no document.
    """
    sunk = sunk_gifs(answers)
    said = [_fate(gif_id, answers, documents.get(gif_id)) for gif_id in sunk[:_MOST_NAMED]]
    if len(sunk) > _MOST_NAMED:
        said.append(f"{len(sunk) - _MOST_NAMED} more right GIFs rank lower")
    if not answers.after:
        return (*said, "it finds nothing")
    wrong = [hit for hit in answers.after[:FIRST] if hit.gif_id not in answers.right]
    if wrong:
        named = ", ".join(f"{hit.gif_id} {_by(hit)}" for hit in wrong[:_MOST_NAMED])
        said.append(f"{len(wrong)} of its first {min(FIRST, len(answers.after))} are not right: {named}")
    return tuple(said)


def _fate(gif_id: str, answers: Answers, now: Weights | None) -> str:
    """What became of one GIF: its ranks, and what its best tag of the search weighs now."""
    before, hit = next((rank, hit) for rank, hit in enumerate(answers.before, 1) if hit.gif_id == gif_id)
    rank = next((rank for rank, one in enumerate(answers.after, 1) if one.gif_id == gif_id), None)
    moved = f"{gif_id} was {before} and is {rank or f'not among the first {DEPTH}'}"
    if now is None:
        return f"{moved}: it is not in the index"
    if not hit.tags:
        return f"{moved}: no tag found it, and others have one"
    tag, weight = hit.tags[0]
    if tag not in now:
        return f"{moved}: its tag {tag!r} is gone"
    if round(now[tag], 2) < round(weight, 2):  # as they are shown
        return f"{moved}: its tag {tag!r} weighs {now[tag]:.2f} and weighed {weight:.2f}"
    return f"{moved}: its tag {tag!r} weighs {now[tag]:.2f}, and others rank above it"


def _by(hit: SearchHit) -> str:
    """What found the GIF."""
    return f"by its tag {hit.tags[0][0]!r} {hit.tags[0][1]:.2f}" if hit.tags else "by its caption or text"

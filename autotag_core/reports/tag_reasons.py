"""Why a GIF has a tag, in one plain sentence."""

from __future__ import annotations

from typing import Any

from autotag_core.reports.explanation import Explanation, setting_of
from autotag_core.votes.judge.learned import LIKENESS, START

LEAST_SAID = 0.05
"""A new tag that is less likely is not worth a line."""
_LIKELY = 0.5
_WORDS = {
    "imagenet": "look-alikes",
    "temporal": "GIFs in which the same happens",
    "text": "GIFs that say the same",
    "semantic": "GIFs that people use like it",
}
_BECAME = {"unconfirmed": "demoted", "voted": "added", "editorial": "editor's"}
"""By source, where it is another word."""
_GIVEN = {"editorial": "An editor gave it", "refused": "An editor refused it"}
_OWN = ("confirmed", "unconfirmed", "original")


def likeliest_first(found: Explanation) -> list[dict[str, Any]]:
    """The GIF's tags by probability, ties as in Explanation.voted_tags; those without one come last."""
    return sorted(found.voted_tags, key=lambda row: 1.0 if row["probability"] is None else -row["probability"])


def is_worth_saying(row: dict[str, Any]) -> bool:
    """Whether a tag was given by a person, or is at least LEAST_SAID likely."""
    is_given = row["source"] in (*_OWN, "editorial", "refused")
    return is_given or row["probability"] is None or row["probability"] >= LEAST_SAID


def chance(row: dict[str, Any]) -> str:
    """How likely the tag is; a dash where that is not known."""
    return "-" if row["probability"] is None else f"{row['probability']:.0%}"


def became(row: dict[str, Any]) -> str:
    """What became of the tag, in a word."""
    return _BECAME.get(row["source"], row["source"])


def sentence(found: Explanation, row: dict[str, Any]) -> str:
    """Who gave the tag, which neighbors have it, and whether its GIFs look so; where it is doubted, what speaks most
    against it.
    """
    is_own = row["source"] in _OWN
    given = _GIVEN.get(row["source"], "Its uploader gave it" if is_own else "")
    is_doubted = row["probability"] is not None and row["probability"] < _LIKELY
    neighbors = _neighbors(found, row)
    link = ", but " if given and (is_doubted or not row["evidence"]) else ", and "
    said = f"{given}{link}{neighbors}" if given else neighbors[0].upper() + neighbors[1:]
    if _is_made_of_two(found, row):
        return (
            f"{said}; {'it may be a slip for another tag' if is_own else 'a tag that it came with may mean this one'}."
        )
    if not is_doubted:
        looks_so = dict(row.get("reasons") or []).get(LIKENESS, 0.0) > _LIKELY
        return f"{said}; it looks like the GIFs that have it." if looks_so else f"{said}."
    against = _strongest_against(row)
    return f"{said}; most against it: {against}." if against else f"{said}."


def _neighbors(found: Explanation, row: dict[str, Any]) -> str:
    """Which neighbors have the tag, most first."""
    votes, listed = dict(row["votes"] or []), num_counted(found)
    parts = [
        f"{votes[expert]} of {max(listed.get(expert, 0), votes[expert])} {_WORDS.get(expert, f'neighbors by {expert}')}"
        for expert in sorted(votes, key=lambda expert: (-votes[expert], expert))
    ]
    if not parts:
        return "only neighbors farther away have it" if row["evidence"] else "no neighbor has it"
    named = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    return f"{named} {'has' if list(votes.values()) == [1] else 'have'} it"


def _is_made_of_two(found: Explanation, row: dict[str, Any]) -> bool:
    """Whether the score of a tag is made of two tags, a slip and what it may mean: alone such tags have no reasons."""
    has_reasons = any(one.get("reasons") for one in found.voted_tags)
    return has_reasons and row["probability"] is not None and row["source"] != "editorial" and not row.get("reasons")


def num_counted(found: Explanation) -> dict[str, int]:
    """How many neighbors of each expert have a vote: at most vote.neighbors, copies counted once."""
    most = int(setting_of(found.release, "vote", "neighbors", 10))
    groups = found.groups if setting_of(found.release, "duplicates", "count_once", True) else {}
    return {
        row["expert"]: min(most, len({groups.get(gif_id, gif_id) for gif_id in row["neighbor_ids"]}))
        for row in found.neighbors
    }


def _strongest_against(row: dict[str, Any]) -> str:
    """The reason that lowers the tag's log odds most; empty where none does."""
    moved = {name: value for name, value in dict(row.get("reasons") or []).items() if name != START}
    name = min(moved, key=lambda one: (moved[one], one), default="")
    return _WORDS.get(name, name) if name and moved[name] < -_LIKELY else ""

"""Turns what each stage says into one row a tag, and these rows into the labels that are kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from autotag_core.labels.steps.decisions import Decision
from autotag_core.terminal import shown_lines

GROUPED, EDITORIAL = "grouped", "editorial"
_STAGES = ("language", "spelling", "entities", "grouping")


@dataclass(frozen=True)
class TagDecision:
    """A row of label_decisions. See tables.LABEL_DECISIONS for the meaning of each column."""

    tag: str
    num_gifs: int
    stage: str
    decision: str
    why: str
    spelled: str
    grouped: str | None
    label: str | None


@dataclass(frozen=True)
class Label:
    """A label of the vocabulary. `members` are normalised tags, alphabetical, with the label itself if it is a tag."""

    label: str
    members: tuple[str, ...]
    num_gifs: int
    origin: str
    popularity: int = 0


def combine(stages: Mapping[str, Iterable[Decision]], num_gifs: Mapping[str, int]) -> list[TagDecision]:
    """One row a tag, alphabetical, from the decisions by stage. The label is not decided yet.

    Entities and grouping only saw right spellings, so a misspelling follows its word.
    """
    said = {stage: {item.tag: item for item in stages.get(stage, ())} for stage in _STAGES}
    rows = []
    for tag, count in sorted(num_gifs.items()):
        spelled, found, grouped = tag, Decision(tag, "grouping", "founder", ""), None
        for stage in _STAGES:
            decision = said[stage].get(spelled if stage in ("entities", "grouping") else tag)
            if decision is None or decision.decision in ("kept", "founder"):
                continue
            if decision.decision == "out":
                found = decision
                break
            if decision.decision == "corrected":
                spelled, found = str(decision.target), decision
            elif found.decision != "corrected":
                found = decision
        if found.decision != "out":
            group = said["grouping"].get(spelled)
            grouped = (group.target if group else None) or spelled
        rows.append(TagDecision(tag, count, found.stage, found.decision, found.why, spelled, grouped, None))
    return rows


def apply_edits(rows: Iterable[TagDecision], edits: Mapping[str, str | None]) -> list[TagDecision]:
    """The rows in their order, with `label` as the editor has it (None: out), else as the stages have it.

    An editor's decision on a tag also holds for its misspellings. If the tag names a group, it holds for the rest of
    the group. A group whose naming word is out goes on under its most common other word. An editor's tag that no GIF
    has gets a row of its own.
    """
    rows = list(rows)
    known = {row.tag for row in rows}
    names = _names(rows, edits)
    found = []
    for row in rows:
        key = next((key for key in (row.tag, row.spelled) if key in edits), None)
        if key is not None:
            label = edits[key]
            decision = "out" if label is None else "grouped"
            row = replace(row, stage="editor", decision=decision, why="the editor's word", label=label)  # noqa: PLW2901
        elif row.grouped is not None:
            row = replace(row, label=names[row.grouped])  # noqa: PLW2901
        found.append(row)
    for tag in sorted(edits.keys() - known):
        label = edits[tag]
        decision = "out" if label is None else "grouped"
        found.append(TagDecision(tag, 0, "editor", decision, "the editor's word", tag, label, label))
    return found


def _names(rows: list[TagDecision], edits: Mapping[str, str | None]) -> dict[str, str]:
    """The label of each group, by its naming word."""
    names: dict[str, str] = {}
    left: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for row in rows:
        if row.grouped is None:
            continue
        names[row.grouped] = edits.get(row.grouped) or row.grouped
        if row.spelled not in edits and row.tag == row.spelled:
            left[row.grouped].append((-row.num_gifs, row.tag))
    for group in names:
        if group in edits and edits[group] is None and left[group]:
            names[group] = min(left[group])[1]
    return names


def choose_labels(
    rows: Iterable[TagDecision],
    num_gifs: Mapping[str, int],
    popularity: Mapping[str, int],
    edits: Mapping[str, str | None],
    max_labels: int,
    min_gifs: int,
) -> list[Label]:
    """The labels that are kept, most popular first (ties: more GIFs, then alphabetical).

    All of the editor's are kept, and then as many others, on at least min_gifs GIFs, as make max_labels.
    """
    members: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if row.label is not None:
            members[row.label].append(row.tag)
    of_editor = {label for label in edits.values() if label is not None}
    labels = [
        Label(
            label,
            tuple(sorted(tags)),
            num_gifs.get(label, 0),
            EDITORIAL if label in of_editor else GROUPED,
            popularity.get(label, 0),
        )
        for label, tags in members.items()
    ]
    labels.sort(key=lambda label: (-label.popularity, -label.num_gifs, label.label))
    kept = [label for label in labels if label.origin == EDITORIAL]
    others = [label for label in labels if label.origin == GROUPED and label.num_gifs >= min_gifs]
    chosen = {label.label for label in [*kept, *others[: max(max_labels - len(kept), 0)]]}
    return [label for label in labels if label.label in chosen]


def cut(rows: Iterable[TagDecision], labels: Iterable[Label]) -> list[TagDecision]:
    """The rows; those of labels that were not kept have no label."""
    kept = {label.label for label in labels}
    return [
        row
        if row.label is None or row.label in kept
        else replace(row, stage="vocabulary", decision="out", why="too few GIFs or searches", label=None)
        for row in rows
    ]


@dataclass(frozen=True)
class Changes:
    """How labels differ from those before: names, and (member, label before, label now), each None if it has none."""

    added: tuple[str, ...]
    gone: tuple[str, ...]
    moved: tuple[tuple[str, str | None, str | None], ...]

    def to_text(self, most: int = 20) -> str:
        """Lines for a terminal, the first `most` of each kind."""
        if not (self.added or self.gone or self.moved):
            return "no label differs from the labels before"
        lines = [f"{len(self.added)} labels added, {len(self.gone)} gone, {len(self.moved)} members moved"]
        for sign, names in (("+", self.added), ("-", self.gone)):
            lines += [f"  {sign} {name}" for name in names[:most]] + [f"  {sign} ..."] * (len(names) > most)
        lines += [f"  {tag}: {before or 'none'} -> {now or 'none'}" for tag, before, now in self.moved[:most]]
        return shown_lines(lines + ["  ..."] * (len(self.moved) > most))


def compare_labels(before: Mapping[str, Iterable[str]], now: Mapping[str, Iterable[str]]) -> Changes:
    """What differs between two vocabularies, label -> members.

    A member has not moved if its whole label is only new or gone.
    """
    old = {member: label for label, members in before.items() for member in members}
    new = {member: label for label, members in now.items() for member in members}
    moved = [
        (member, old.get(member), new.get(member))
        for member in sorted(old.keys() | new.keys())
        if old.get(member) != new.get(member)
        and (old.get(member) is None or old[member] in now or new.get(member) is not None)
        and (new.get(member) is None or new[member] in before or old.get(member) is not None)
    ]
    return Changes(tuple(sorted(now.keys() - before.keys())), tuple(sorted(before.keys() - now.keys())), tuple(moved))

"""How right the labels are, stage by stage, compared with a truth of what each raw tag means."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from autotag_core import storage
from autotag_core.errors import InputError
from autotag_core.labels.steps.vocabulary import TagDecision
from autotag_core.labels.words.normalise import normalise

_MAX_SHOWN_ERRORS = 5
_KINDS = ("word", "person", "title")


@dataclass(frozen=True)
class TagTruth:
    """What a raw tag means: `meant` is its right spelling, `label` the name of its group, None if it should be out."""

    tag: str
    language: str
    kind: str
    meant: str
    label: str | None


@dataclass(frozen=True)
class Measure:
    """How many decisions of a stage are right, of those it took (precision) and of those it should take (recall)."""

    stage: str
    num_decided: int
    num_true: int
    num_right: int

    @property
    def precision(self) -> float | None:
        """Share of right decisions among those taken. None where nothing was decided."""
        return self.num_right / self.num_decided if self.num_decided else None

    @property
    def recall(self) -> float | None:
        """Share of the wanted decisions that were taken. None where there was nothing to decide."""
        return self.num_right / self.num_true if self.num_true else None

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall."""
        total = self.num_decided + self.num_true
        return 2 * self.num_right / total if total else None


def read_tag_truth(uri: str) -> list[TagTruth]:
    """Rows of JSON lines {tag, language, kind, meant, label}. InputError names the first bad lines and why."""
    found, problems = [], []
    for number, line in enumerate(storage.read_bytes(uri).decode("utf-8", "replace").split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            truth = TagTruth(**row)
            texts = (truth.tag, truth.language, truth.meant)
            if truth.kind not in _KINDS or not all(isinstance(text, str) and text for text in texts):
                raise ValueError("tag, language and meant must be texts, kind word, person or title")
            found.append(truth)
        except (ValueError, TypeError) as error:
            problems.append(f"line {number}: {error}")
    if problems or not found:
        more = f"; and {len(problems) - _MAX_SHOWN_ERRORS:,} more" if len(problems) > _MAX_SHOWN_ERRORS else ""
        like = '{"tag": "Catz", "language": "en", "kind": "word", "meant": "cats", "label": "cat"}'
        raise InputError(f"{uri}: {'; '.join(problems[:_MAX_SHOWN_ERRORS]) or 'no rows'}{more}; a row is like {like}")
    return found


def measure_stages(decisions: Iterable[TagDecision], truths: Iterable[TagTruth]) -> list[Measure]:
    """Language, spelling, entities, grouping of words, and the final labels; one row each, in this order.

    The first four are over distinct normalised tags that the catalog has. Where several raw tags become one, the first
    counts. language: out as foreign. spelling: (tag, right spelling) pairs, of English tags. entities: out as names.
    grouping: pairs of correctly spelled words in one group, among words that belong to a group. final: pairs of raw
    tags with one label. Foreign tags and names are among the raw tags, but have no label in truth.
    """
    by_tag = {row.tag: row for row in decisions}
    raw = [(truth, by_tag.get(normalise(truth.tag) or "")) for truth in truths]
    known: dict[str, tuple[TagTruth, TagDecision]] = {}
    for truth, row in raw:
        if row is not None:
            known.setdefault(row.tag, (truth, row))
    meant = {tag: normalise(truth.meant) or tag for tag, (truth, _) in known.items()}
    words = {
        tag: (row.grouped, truth.label)
        for tag, (truth, row) in known.items()
        if truth.label is not None and meant[tag] == tag and row.grouped is not None
    }
    return [
        _overlap(
            "language",
            {tag for tag, (_, row) in known.items() if row.stage == "language"},
            {tag for tag, (truth, _) in known.items() if truth.language != "en"},
        ),
        _overlap(
            "spelling",
            {(tag, row.spelled) for tag, (_, row) in known.items() if row.spelled != tag},
            {(tag, meant[tag]) for tag, (truth, _) in known.items() if truth.language == "en" and meant[tag] != tag},
        ),
        _overlap(
            "entities",
            {tag for tag, (_, row) in known.items() if row.stage == "entities"},
            {tag for tag, (truth, _) in known.items() if truth.kind != "word"},
        ),
        _pairs("grouping", words),
        _pairs("final", {truth.tag: (row.label if row else None, truth.label) for truth, row in raw}),
    ]


def _overlap(stage: str, decided: set[Any], true: set[Any]) -> Measure:
    return Measure(stage, len(decided), len(true), len(decided & true))


def _pairs(stage: str, groups: Mapping[str, tuple[str | None, str | None]]) -> Measure:
    """Pairs of items in one group, decided and true. An item without a group is in no pair. Counted, not listed."""
    return Measure(
        stage,
        _num_pairs(decided for decided, _ in groups.values() if decided is not None),
        _num_pairs(true for _, true in groups.values() if true is not None),
        _num_pairs(pair for pair in groups.values() if None not in pair),
    )


def _num_pairs(groups: Iterable[Hashable]) -> int:
    return sum(count * (count - 1) // 2 for count in Counter(groups).values())


def as_text(measures: Iterable[Measure]) -> str:
    """A table for a terminal."""
    lines = [f"{'stage':<10} {'precision':>9} {'recall':>7} {'F1':>6}  {'decided':>8} {'true':>8} {'right':>8}"]
    for item in measures:
        numbers = [_share(value) for value in (item.precision, item.recall, item.f1)]
        counts = f"{item.num_decided:>8} {item.num_true:>8} {item.num_right:>8}"
        lines.append(f"{item.stage:<10} {numbers[0]:>9} {numbers[1]:>7} {numbers[2]:>6}  {counts}")
    return "\n".join(lines)


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def as_json(measures: Iterable[Measure]) -> str:
    """One JSON object by stage."""
    rows = {
        item.stage: asdict(item) | {"precision": item.precision, "recall": item.recall, "f1": item.f1}
        for item in measures
    }
    return json.dumps(rows)

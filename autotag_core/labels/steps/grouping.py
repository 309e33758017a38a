"""Which tags are one label: forms of a word, slang, and synonyms, each with the evidence for and against it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autotag_core.config import LabelsConfig
from autotag_core.labels.steps.counts import TagCounts
from autotag_core.labels.steps.decisions import Decision
from autotag_core.labels.steps.spelling import letters
from autotag_core.labels.words.lexicon import Lexicon
from autotag_core.labels.words.opposites import are_opposites
from autotag_core.labels.words.slang import SAYS
from autotag_core.labels.words.stems import stem

Meaning = Callable[[Sequence[str]], np.ndarray]
"""Texts in, L2-normalised vectors (n, d) out."""

_PRIOR = -4.5
"""Log odds that two words with something in common are one label, before any other evidence: one in 90."""
_NEEDED = 2.0
"""Log odds from which they are one label: seven to one, since a wrong merge costs more than a missed one."""
_NEAREST = 10
"""Candidates by meaning, and as many by tag space, that a tag is compared with."""
_MAX_MEANINGS = 20_000
"""The most frequent tags, whose meaning is compared: all pairs take 3e11 operations, some seconds."""
_BLOCK = 1024


@dataclass(frozen=True, eq=False)
class Knowledge:
    """What the grouping knows. `space` has the vectors (d,), L2-normalised, of the tags that the tag space knows.

    `meaning` is a language model, or None where there is none.
    """

    counts: TagCounts
    lexicon: Lexicon
    space: Mapping[str, np.ndarray]
    meaning: Meaning | None
    config: LabelsConfig


def group_tags(known: Knowledge) -> list[Decision]:
    """One decision a tag: founder of a group, or the founder (more frequent) whose group it joins, and why.

    First, forms of one word (equal lemmas without spaces) become one, unless their GIFs say otherwise. Then, most
    frequent first, each word either founds a group or joins the earlier founder with the best evidence. It is compared
    with founders only, so no chain of small steps joins words that are far apart. The order of rows does not matter.
    Evidence is a sum of log odds; Evidence.of says which. Cost: linear in tags and their candidates, and the products
    of meaning vectors (20,000 of 384: 30 MB, compared in blocks) and tag space vectors.
    """
    forms, why = _forms(known)
    heads = sorted(forms, key=lambda row: _rank(known.counts, row))
    evidence = Evidence(known, heads, forms)
    founders: set[int] = set()
    joined: dict[int, tuple[int, str]] = {}
    for head in heads:
        best: tuple[float, int, str] | None = None
        for other in sorted(evidence.candidates(head) & founders, key=lambda row: _rank(known.counts, row)):
            odds, reasons = evidence.of(head, other)
            if odds >= _NEEDED and (best is None or odds > best[0]):
                best = (odds, other, reasons)
        if best is None:
            founders.add(head)
        else:
            joined[head] = best[1:]
    return _decisions(known.counts.tags, forms, why, joined)


def _rank(counts: TagCounts, row: int) -> tuple[int, str]:
    return -int(counts.num_gifs[row]), counts.tags[row]


def _forms(known: Knowledge) -> tuple[dict[int, list[int]], dict[int, str]]:
    """Members of each word by its most frequent form, that form first; and why each other form is with it."""
    counts = known.counts
    by_lemma: dict[str, list[int]] = defaultdict(list)
    for row in np.flatnonzero(counts.num_gifs > 0).tolist():
        by_lemma[letters(known.lexicon.lemma(counts.tags[row]))].append(row)
    forms: dict[int, list[int]] = {}
    why: dict[int, str] = {}
    for lemma, rows in by_lemma.items():
        head, *others = sorted(rows, key=lambda row: _rank(counts, row))
        forms[head] = [head]
        for row in others:
            agreement = _agreement(known, row, head)
            if agreement is not None and agreement < -known.config.agreement:
                forms[row] = [row]  # such as glass and glasses
                continue
            forms[head].append(row)
            why[row] = f"form of {lemma}"
    return forms, why


def _agreement(known: Knowledge, left: int, right: int) -> float | None:
    """Cosine of the two tags in the tag space; None where one has no vector."""
    first, second = known.space.get(known.counts.tags[left]), known.space.get(known.counts.tags[right])
    return None if first is None or second is None else float(first @ second)


class Evidence:
    """Evidence, as log odds, that two words are one label."""

    def __init__(self, known: Knowledge, heads: Sequence[int], forms: Mapping[int, Sequence[int]]) -> None:
        self._known, self._forms = known, forms
        self._head_of = {member: head for head, members in forms.items() for member in members}
        self._by_key: dict[str, set[int]] = defaultdict(set)
        self._keys: dict[int, set[str]] = {}
        for head in heads:
            self._keys[head] = self._keys_of(head)
            for key in self._keys[head]:
                self._by_key[key].add(head)
        counts = known.counts
        self._editor_share = counts.num_editorial / max(counts.edited_gifs, 1)
        usual = list(heads)[:_MAX_MEANINGS]
        tags = [counts.tags[row] for row in usual]
        vectors = known.meaning(tags) if known.meaning and tags else np.empty((len(tags), 0), np.float32)
        self._meaning = dict(zip(usual, vectors, strict=True)) if known.meaning else {}
        self._near = _nearest(usual, vectors, 0.5) if known.meaning else {}
        placed = [row for row in usual if counts.tags[row] in known.space]
        if placed:
            space = np.stack([known.space[counts.tags[row]] for row in placed])
            for row, others in _nearest(placed, space, known.config.agreement).items():
                self._near.setdefault(row, set()).update(others)

    def candidates(self, head: int) -> set[int]:
        """Words that have something in common with this one: slang, stem, meaning, use, or an editor's word for it."""
        found = set(self._near.get(head, ()))
        for key in self._keys[head]:
            found |= self._by_key[key]
        row = self._known.counts.translations
        found |= {
            self._head_of[other]
            for other in row.indices[row.indptr[head] : row.indptr[head + 1]].tolist()
            if other in self._head_of
        }
        return found - {head}

    def of(self, head: int, other: int) -> tuple[float, str]:
        """Log odds that `head` and the more frequent `other` are one label, and the evidence in words.

        - slang: both say the same by the list of slang: +7
        - stem: +3
        - meaning, without slang: 16 (cosine - 0.62), from -1.5 to +5: all-MiniLM-L6-v2 has synonyms at 0.7 to 0.95
        - use: 2 (cosine in the tag space - config.agreement), from -2 to +1.5: second order, same neighbors
        - beside each other, first order: k of the n GIFs of the rarer word have both. One synonym replaces the other:
          k log(0.05 / 0.3) + (n - k) log(0.95 / 0.7), from -8 to +3; words that go together share 3 of 10 GIFs
        - editors: of m GIFs that an editor has tagged, k have `other` as the editor's word; p of all such GIFs have it:
          k log(0.85 / p) + (m - k) log(0.15 / (1 - p)), from -6 to +5
        - editors use both words themselves: -8
        - opposites: -20: nothing above can tell them from synonyms
        """
        known, counts = self._known, self._known.counts
        left, right = counts.tags[head], counts.tags[other]
        parts: list[tuple[str, float]] = []
        if self._is_slang(head, other):
            parts.append(("slang", 7.0))
        elif head in self._meaning and other in self._meaning:
            cosine = float(self._meaning[head] @ self._meaning[other])
            parts.append((f"meaning {cosine:.2f}", float(np.clip(16 * (cosine - 0.62), -1.5, 5))))
        if stem(left) == stem(right):
            parts.append(("same stem", 3.0))
        agreement = _agreement(known, head, other)
        if agreement is not None:
            use = float(np.clip(2 * (agreement - known.config.agreement), -2, 1.5))
            parts.append((f"use {agreement:.2f}", use))
        parts += self._beside(head, other)
        parts += self._editors(head, other)
        if are_opposites(left, right, known.lexicon.lemma(left), known.lexicon.lemma(right)):
            parts.append(("opposites", -20.0))
        reasons = ", ".join(f"{name} ({odds:+.1f})" for name, odds in parts)
        return _PRIOR + sum(odds for _, odds in parts), reasons

    def _beside(self, head: int, other: int) -> list[tuple[str, float]]:
        counts = self._known.counts
        num, both = int(counts.num_gifs[head]), counts.together(head, other)
        both = min(both, num)
        odds = float(np.clip(both * np.log(0.05 / 0.3) + (num - both) * np.log(0.95 / 0.7), -8, 3))
        return [(f"beside each other on {both} of {num} GIFs", odds)]

    def _editors(self, head: int, other: int) -> list[tuple[str, float]]:
        counts = self._known.counts
        num, same = int(counts.num_edited[head]), int(counts.translations[head, other])
        if counts.num_editorial[head] > 0 and counts.num_editorial[other] > 0:
            return [("editors use both", -8.0)]
        if num == 0 or counts.num_editorial[other] == 0:
            return []
        share = float(np.clip(self._editor_share[other], 0.001, 0.8))
        odds = same * np.log(0.85 / share) + (num - same) * np.log(0.15 / (1 - share))
        return [(f"editors say {counts.tags[other]} on {same} of {num}", float(np.clip(odds, -6, 5)))]

    def _keys_of(self, head: int) -> set[str]:
        stems = {f"stem:{stem(self._known.counts.tags[head])}"}
        return stems | {f"says:{said}" for said in self._slang(head)}

    def _is_slang(self, head: int, other: int) -> bool:
        """Whether the two say the same and at least one is slang."""
        tags = (self._known.counts.tags[row] for row in (*self._forms[head], *self._forms[other]))
        return bool(self._slang(head) & self._slang(other)) and any(tag in SAYS for tag in tags)

    def _slang(self, head: int) -> set[str]:
        """What the word says in plain words, as slang or by itself: lemmas without spaces."""
        tags = [self._known.counts.tags[row] for row in self._forms[head]]
        return {letters(self._known.lexicon.lemma(SAYS.get(tag, tag))) for tag in tags}


def _nearest(rows: Sequence[int], vectors: np.ndarray, least: float) -> dict[int, set[int]]:
    """For each row the _NEAREST others by cosine, if it is at least `least`."""
    found: dict[int, set[int]] = {}
    for start in range(0, len(rows), _BLOCK):
        cosines = vectors[start : start + _BLOCK] @ vectors.T
        most = min(_NEAREST + 1, len(rows))
        order: Any = np.argsort(-cosines, axis=1, kind="stable")[:, :most]
        for at, columns in enumerate(order):
            near = {rows[column] for column in columns if column != start + at and cosines[at, column] >= least}
            found[rows[start + at]] = near
    return found


def _decisions(
    tags: Sequence[str],
    forms: Mapping[int, Sequence[int]],
    why: Mapping[int, str],
    joined: Mapping[int, tuple[int, str]],
) -> list[Decision]:
    decisions = []
    for head, members in forms.items():
        founder, reasons = joined.get(head, (head, ""))
        for row in members:
            how = "; ".join(filter(None, (why.get(row, ""), reasons)))
            if row == founder:
                decisions.append(Decision(tags[row], "grouping", "founder", ""))
            else:
                decisions.append(Decision(tags[row], "grouping", "grouped", how, tags[founder]))
    return sorted(decisions, key=lambda decision: decision.tag)

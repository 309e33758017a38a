"""What became of held-out pictures of enrolled people in; rates of each group out, with what exceeds chance."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from autotag_core.errors import InputError
from autotag_core.faces.bias.attributes import Group
from autotag_core.faces.chance import LEVEL, holm, one_share, two_shares, wilson
from autotag_core.faces.packages import need

RATES = ("detected", "right", "wrong")
"""Of held-out pictures: a face was found; the right name; another enrolled person's name."""


@dataclass(frozen=True)
class HeldOutPicture:
    """A picture that is not enrolled, of a person who is."""

    person_id: str
    is_detected: bool
    named: str | None
    """person_id of the name; None for unknown."""


@dataclass(frozen=True)
class Rate:
    """A share `num` / `of` with its interval at LEVEL."""

    num: int
    of: int
    low: float
    high: float
    chance: float
    """Of such a difference if there is none, corrected for all tests of the report; 1 where nothing was compared."""

    @property
    def share(self) -> float | None:
        """None of none."""
        return self.num / self.of if self.of else None

    @property
    def differs(self) -> bool:
        """Whether the difference exceeds chance."""
        return self.chance < 1 - LEVEL


@dataclass(frozen=True)
class GroupReport:
    """A group. Rates are compared with those of everybody else whose value of the attribute is known."""

    group: Group
    people: Rate
    """Of the enrolled people whose value is known, compared with the reference share."""
    reference: float | None
    rates: Mapping[str, Rate]
    """By RATES, of the group's pictures."""


@dataclass(frozen=True)
class BiasReport:
    """All groups, by attribute and value."""

    groups: tuple[GroupReport, ...]
    gaps: Mapping[str, Mapping[str, float]]
    """By attribute and RATES, the largest difference between two groups."""
    num_people: int
    num_pictures: int
    num_left_out: int
    """Pictures that are enrolled, can't be read, or show somebody who is not enrolled."""

    def to_json(self) -> str:
        """One JSON object."""
        groups = [
            {
                **one.group._asdict(),
                "people": _as_row(one.people) | {"reference": one.reference},
                **{name: _as_row(rate) for name, rate in one.rates.items()},
            }
            for one in self.groups
        ]
        return json.dumps(asdict(replace(self, groups=())) | {"groups": groups}, ensure_ascii=False)


def _as_row(rate: Rate) -> dict[str, object]:
    return asdict(rate) | {"share": rate.share, "differs": rate.differs}


def report_bias(
    pictures: Sequence[HeldOutPicture],
    groups: Mapping[Group, frozenset[str]],
    reference: Mapping[Group, float],
    num_left_out: int = 0,
) -> BiasReport:
    """The report. A person of several values of an attribute is in each of these groups.

    `groups` are the enrolled people of each; a group that the reference alone has is nobody's. InputError where there
    is no picture of anybody in a group, and where the reference has an attribute that nobody has.
    """
    known = frozenset().union(*groups.values())
    for group in reference:
        if group.attribute not in {one.attribute for one in groups}:
            raise InputError(f"bias: the reference has {group.attribute[:100]!r}, the attributes have not")
    groups = {group: groups.get(group, frozenset()) for group in sorted({*groups, *reference})}
    if not any(one.person_id in known for one in pictures):
        raise InputError("bias: no picture that is not enrolled shows an enrolled person with an attribute")
    found: list[GroupReport] = []
    gaps: dict[str, dict[str, float]] = {}
    for attribute in sorted({group.attribute for group in groups}):
        members = {group.value: people for group, people in groups.items() if group.attribute == attribute}
        rates, gaps[attribute] = _rates(pictures, members)
        num_known = len(frozenset().union(*members.values()))
        for value, people in sorted(members.items()):
            group = Group(attribute, value)
            wanted = reference.get(group)
            chance = 1.0 if wanted is None else one_share(len(people), num_known, wanted)
            people_rate = Rate(len(people), num_known, *wilson(len(people), num_known), chance)
            found.append(GroupReport(group, people_rate, wanted, rates[value]))
    shown = [one for one in pictures if one.person_id in known]
    return BiasReport(tuple(_corrected(found)), gaps, len(known), len(shown), num_left_out)


def _rates(
    pictures: Sequence[HeldOutPicture], members: Mapping[str, frozenset[str]]
) -> tuple[dict[str, dict[str, Rate]], dict[str, float]]:
    """By value and RATES the rate, with the chance not yet corrected; and by RATES the largest difference."""
    everybody = [one for one in pictures if any(one.person_id in people for people in members.values())]
    rows = [(value, one) for value, people in members.items() for one in everybody if one.person_id in people]
    none = {name: Rate(0, 0, *wilson(0, 0), 1.0) for name in RATES}
    result = {value: dict(none) for value in members}
    if not rows:
        return result, dict.fromkeys(RATES, 0.0)
    values = [value for value, _ in rows]
    outcomes = {name: np.array([_has(name, one) for _, one in rows]) for name in RATES}
    gaps = {}
    for name, outcome in outcomes.items():
        counts = need("fairlearn.metrics").MetricFrame(
            metrics={"num": lambda _, seen: int(np.sum(seen)), "of": lambda _, seen: len(seen), "share": _mean},
            y_true=np.ones(len(rows)),
            y_pred=outcome,
            sensitive_features=values,
        )
        gaps[name] = float(counts.difference()["share"])
        for value, row in counts.by_group.iterrows():
            num, of = int(row["num"]), int(row["of"])
            others = [_has(name, one) for one in everybody if one.person_id not in members[str(value)]]
            chance = two_shares(num, of, sum(others), len(others))
            result[str(value)][name] = Rate(num, of, *wilson(num, of), chance)
    return result, gaps


def _mean(_: object, seen: np.ndarray) -> float:
    return float(np.mean(seen))


def _has(rate: str, one: HeldOutPicture) -> bool:
    if rate == "detected":
        return one.is_detected
    return one.named == one.person_id if rate == "right" else one.named not in (None, one.person_id)


def _corrected(found: Sequence[GroupReport]) -> list[GroupReport]:
    """The same groups; all chances of the report are corrected together. What compares nothing is no test."""
    rates = [rate for one in found for rate in (one.people, *(one.rates[name] for name in RATES))]
    is_test = [on for one in found for on in (one.reference is not None, *(one.rates[name].of > 0 for name in RATES))]
    tested = iter(holm([rate.chance for rate, is_one in zip(rates, is_test, strict=True) if is_one]))
    chances = iter([next(tested) if is_one else 1.0 for is_one in is_test])
    result = []
    for one in found:
        people = replace(one.people, chance=next(chances))
        result.append(
            replace(one, people=people, rates={name: replace(one.rates[name], chance=next(chances)) for name in RATES})
        )
    return result

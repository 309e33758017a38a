"""Reports of literal pictures."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from autotag_core.errors import InputError
from autotag_core.faces.bias.attributes import Group
from autotag_core.faces.bias.groups import BiasReport, HeldOutPicture, report_bias
from autotag_core.faces.bias.page import bias_page
from tests.browser import Chromium

FEMALE, MALE = Group("sex", "female"), Group("sex", "male")
GROUPS = {FEMALE: frozenset({"a", "b"}), MALE: frozenset({"c"})}


def seen(person: str, num: int, named: str | None, detected: bool = True) -> list[HeldOutPicture]:
    return [HeldOutPicture(person, detected, named)] * num


def uneven() -> BiasReport:
    pictures = (
        [*seen("a", 20, "a"), *seen("b", 8, "b"), *seen("b", 2, None), *seen("c", 5, "c"), *seen("c", 11, "a"),
         *seen("c", 4, None, detected=False), *seen("x", 3, "x")]
    )  # fmt: skip
    return report_bias(pictures, GROUPS, {FEMALE: 0.5, MALE: 0.4, Group("sex", "other"): 0.1}, 7)


def test_rates_of_each_group_are_counted_and_what_exceeds_chance_is_marked() -> None:
    report = uneven()
    found = {one.group.value: one for one in report.groups}
    assert {value: {name: (rate.num, rate.of) for name, rate in one.rates.items()} for value, one in found.items()} == {
        "female": {"detected": (30, 30), "right": (28, 30), "wrong": (0, 30)},
        "male": {"detected": (16, 20), "right": (5, 20), "wrong": (11, 20)},
        "other": {"detected": (0, 0), "right": (0, 0), "wrong": (0, 0)},
    }
    assert {name: rate.differs for name, rate in found["male"].rates.items()} == {
        "detected": False, "right": True, "wrong": True,
    }  # fmt: skip
    assert found["male"].rates["right"].low == pytest.approx(0.1119, abs=1e-4)
    assert report.gaps["sex"] == pytest.approx({"detected": 0.2, "right": 28 / 30 - 0.25, "wrong": 0.55})
    assert (report.num_people, report.num_pictures, report.num_left_out) == (3, 50, 7)


def test_people_are_compared_with_the_reference_also_where_a_group_has_nobody() -> None:
    found = {one.group.value: (one.people.num, one.people.of, one.reference) for one in uneven().groups}
    assert found == {"female": (2, 3, 0.5), "male": (1, 3, 0.4), "other": (0, 3, 0.1)}
    many = {FEMALE: frozenset(f"f{at}" for at in range(5)), MALE: frozenset(f"m{at}" for at in range(95))}
    female, male = report_bias(seen("f1", 3, "f1"), many, {FEMALE: 0.5}).groups
    assert (female.people.differs, male.people.differs, male.people.chance) == (True, False, 1.0)


def test_groups_that_fare_alike_are_not_marked() -> None:
    pictures = [*seen("a", 9, "a"), *seen("b", 1, None), *seen("c", 8, "c"), *seen("c", 2, "a")]
    report = report_bias(pictures, GROUPS, {})
    assert not any(rate.differs for one in report.groups for rate in (one.people, *one.rates.values()))


def test_a_report_about_nobody_and_a_reference_to_nothing_are_refused() -> None:
    with pytest.raises(InputError, match="no picture that is not enrolled shows"):
        report_bias(seen("x", 3, "x"), GROUPS, {})
    with pytest.raises(InputError, match="the reference has 'Sex', the attributes have not"):
        report_bias(seen("a", 3, "a"), GROUPS, {Group("Sex", "female"): 0.5})


def test_the_page_shows_marks_and_keeps_hostile_values_text() -> None:
    page = "".join(bias_page(uneven()))
    assert page.count('class="differs"') == 4
    assert "28 of 30, 78.7 to 98.2%" in page
    assert "default-src 'none'" in page
    evil = Group("<script>a", "<img src=x onerror=alert(1)>\x1b")
    page = "".join(bias_page(report_bias(seen("a", 3, "a"), {evil: frozenset("a")}, {})))
    assert "<script" not in page and "<img" not in page and "\x1b" not in page
    assert "&lt;script&gt;a" in page


def test_the_json_has_every_rate() -> None:
    found = json.loads(uneven().to_json())
    assert [one["value"] for one in found["groups"]] == ["female", "male", "other"]
    assert found["groups"][1]["wrong"]["num"] == 11
    assert found["groups"][1]["wrong"]["differs"] is True
    assert found["groups"][2]["people"]["reference"] == 0.1


def test_without_fairlearn_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fairlearn.metrics", None)
    with pytest.raises(InputError, match=r"fairlearn.metrics is not installed: pip install 'autotag\[faces\]'"):
        report_bias(seen("a", 3, "a"), GROUPS, {})


def test_a_group_has_room_for_its_name_on_a_phone(browser: Chromium, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("".join(bias_page(uneven())))
    browser.ask("Emulation.setDeviceMetricsOverride", width=390, height=800, deviceScaleFactor=1, mobile=False)
    browser.open((tmp_path / "page.html").as_uri())
    width, height = browser.run(
        "(r => [r.width, r.height])(document.querySelector('thead th').getBoundingClientRect())"
    )
    assert width > 90 and height < 70  # `Group` on one line, beside a heading of two
    assert browser.run("document.documentElement.scrollWidth <= innerWidth")

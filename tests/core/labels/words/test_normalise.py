"""Spellings that differ in dress alone are one tag."""

from __future__ import annotations

import pytest

from autotag_core.labels import normalise


@pytest.mark.parametrize(
    ("raw", "tag"),
    [
        ("cat", "cat"),
        ("  Happy   BIRTHDAY!! ", "happy birthday"),
        ("#HappyBirthday", "happy birthday"),
        ("#happybirthday", "happybirthday"),
        ("#TBT", "tbt"),
        ("ＣＡＴ", "cat"),
        ("teddy-bear_toy", "teddy bear toy"),
        ("Valentine’s day", "valentines day"),
        ("rock & roll", "rock and roll"),
        ("Café", "café"),
        ("Cafe\u0301", "café"),
        ("cat 😂", "cat"),
        ("🐱", "cat"),
        ("👍🏽", "thumbs up"),
        ("❤️", "heart"),
        ("日本", "日本"),
        ("हिन्दी", "हिन्दी"),
        ("2020", "2020"),
        ("!!!", None),
        ("", None),
        ("x" * 101, None),
    ],
)
def test_a_raw_tag_becomes(raw: str, tag: str | None) -> None:
    assert normalise(raw) == tag
    assert tag is None or normalise(tag) == tag

"""English tags stay, foreign ones go; measured on a list of tags, alone and with the tags beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from autotag_core.config import LabelsConfig
from autotag_core.errors import InputError
from autotag_core.labels import Lexicon, decide_languages, normalise
from tests.core.labels.rows import counts_of, times

LIST = Path(__file__).parents[3] / "data" / "language_tags.txt"
CONFIG = LabelsConfig()


def labelled() -> dict[str, str]:
    languages = {}
    for line in LIST.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            language, _, tags = line.partition(": ")
            languages |= {str(normalise(tag)): language for tag in tags.split(", ")}
    return languages


def test_precision_and_recall_on_a_list_of_tags_without_anything_beside_them(lexicon: Lexicon) -> None:
    languages = labelled()
    decisions = decide_languages(counts_of([((tag,), ()) for tag in languages]), lexicon, CONFIG)
    out = {decision.tag for decision in decisions if decision.decision == "out"}
    foreign = {tag for tag, language in languages.items() if language not in ("en", "slang")}
    slang = {tag for tag, language in languages.items() if language == "slang"}
    precision, recall = len(out & foreign) / len(out), len(out & foreign) / len(foreign)
    print(f"\nlanguage, {len(languages)} tags: precision {precision:.3f}, recall {recall:.3f}")
    print(f"wrongly out: {sorted(out - foreign)}; kept: {sorted(foreign - out)}")
    assert len(languages) > 300
    assert precision >= 0.95 and recall >= 0.7
    assert not out & slang


def test_the_tags_beside_a_tag_decide_where_both_languages_have_the_word(lexicon: Lexicon) -> None:
    english = times(30, "cake", "happy birthday", "balloons") + times(30, "beach", "holiday")
    at_home = english + times(8, "triste", "sad", "crying", "rainy day")
    abroad = english + times(8, "triste", "lloviendo", "llorando", "corazón")
    kept = {
        name: next(item.decision for item in decide_languages(counts_of(gifs), lexicon, CONFIG) if item.tag == "triste")
        for name, gifs in (("at home", at_home), ("abroad", abroad))
    }
    assert kept == {"at home": "kept", "abroad": "out"}


def test_a_slip_of_a_frequent_english_tag_is_not_taken_for_a_foreign_word(lexicon: Lexicon) -> None:
    alone = decide_languages(counts_of(times(2, "burge")), lexicon, CONFIG)
    beside = decide_languages(counts_of(times(2, "burge", "food") + times(40, "burger", "food")), lexicon, CONFIG)
    assert [item.decision for item in alone] == ["out"]
    assert next(item.decision for item in beside if item.tag == "burge") == "kept"


def test_names_that_a_source_knows_have_no_language(lexicon: Lexicon) -> None:
    counts = counts_of(times(1, "penélope cruz"))
    assert [item.decision for item in decide_languages(counts, lexicon, CONFIG, frozenset(["penélope cruz"]))] == [
        "kept"
    ]


def test_a_language_without_a_dictionary_is_refused() -> None:
    with pytest.raises(InputError, match=r"labels\.languages: zz: no dictionary"):
        Lexicon(["es", "zz"])

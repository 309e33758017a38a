"""A phrase to one GIF, on a real Elasticsearch and by the real MiniLM."""

from __future__ import annotations

import pytest

from autotag_core.errors import InputError
from autotag_core.search import elasticsearch_client
from autotag_core.search.never import Never
from autotag_core.search.translation.translator import Translator


@pytest.fixture
def translate(elasticsearch, config, index, meanings):
    """gif_ids of a phrase, first choice first."""
    with elasticsearch_client(elasticsearch, config) as client:

        def asked(phrase, weirdness=0, seed=0, never=Never()):  # noqa: B008
            found = Translator(client, index, meanings, never).translate(phrase, weirdness, seed)
            return [one.document["gif_id"] for one in found.candidates]

        yield asked


def test_a_phrase_whose_words_are_no_tag_finds_what_it_means(fill, translate):
    fill(cat=("cat", "window"), car=("car", "street"), sad=("crying", "tears"), pizza=("pizza", "food"))
    assert translate("furry feline")[0] == "cat"
    assert translate("an automobile on the road")[0] == "car"
    assert translate("weeping")[0] == "sad"


def test_words_that_are_tags_find_them_first(fill, translate):
    fill(a=("happy dog",), b=("sad dog",), c=("happy cat",))
    assert translate("happy cat")[0] == "c"


def test_popularity_and_trend_order_equals_and_a_heavier_tag_is_before_a_lighter_one(fill, translate):
    cat = {"tags": ("cat",)}
    fill(
        plain=cat,
        popular=cat | {"popularity": 1_000_000},
        rising=cat | {"popularity": 1_000_000, "trend": 3.0},
        doubted={"tags": (("cat", 0.2),)},
    )
    assert translate("cat") == ["rising", "popular", "plain", "doubted"]


def test_a_name_finds_the_person_who_is_seen(fill, translate):
    fill(tagged=("grace hopper",), seen={"tags": ("navy",), "people": ["Grace Hopper"]})
    assert translate("grace hopper salutes")[0] == "seen"


def test_what_never_comes_up_does_not_at_any_weirdness(fill, translate):
    fill(
        cat=("cat",),
        tag=("cat", "Scary Clown"),
        caption={"tags": ("cat",), "caption": "a clown with a cat"},
        written={"tags": ("cat",), "written_tags": ["clown!"]},
        text={"tags": ("cat",), "text": "CLOWN TIME"},
        person={"tags": ("cat",), "people": ["Ann Smith"]},
        named=("cat", "ann smith"),
    )
    never = Never(("clown",), ("ann smith",))
    assert translate("clown cat", never=never) == ["cat"]
    assert {one for seed in range(5) for one in translate("ann smith", 10, seed, never)} == {"cat"}
    assert len(translate("cat")) == 7


def test_the_same_seed_gives_the_same_order_and_at_weirdness_0_every_seed_does(fill, translate):
    fill(**{f"gif{number}": ("cat", f"thing {number}") for number in range(30)})
    assert translate("cat", 5, 7) == translate("cat", 5, 7)
    assert len({translate("cat", 5, seed)[0] for seed in range(10)}) > 3
    assert len({translate("cat", 0, seed)[0] for seed in range(5)}) == 1


@pytest.mark.parametrize("text", ['"', "{}[]\\ AND (", "<script>", "\x00", "🦄", "cat\n\tcat", "a" * 300])
def test_hostile_phrases_are_words_like_any_other(fill, translate, text):
    fill(cat=("cat",))
    assert translate(text) in (["cat"], [])


@pytest.mark.parametrize(
    ("phrase", "weirdness", "message"),
    [
        ("  ", 0, "translate: no words"),
        ("a" * 301, 0, "a phrase of 301 characters, at most 300"),
        ("cat", 11, "weirdness 11, it must be 0 to 10"),
        ("cat", float("nan"), "weirdness nan"),
    ],
)
def test_what_can_not_be_translated_is_said_in_a_line(translate, phrase, weirdness, message):
    with pytest.raises(InputError, match=message):
        translate(phrase, weirdness)


def test_an_index_without_meanings_has_nothing(fill, translate):
    fill(cat={"tags": ("cat",), "meaning": None})
    assert translate("cat") == []

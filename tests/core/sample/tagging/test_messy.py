import hashlib
import json
import unicodedata
from collections import Counter
from math import sqrt
from pathlib import Path

import pytest

from autotag_core.drawing.factors import recipe_of, vocabulary
from autotag_core.errors import InputError
from autotag_core.sample import UploaderRates, write_rows, write_sample
from autotag_core.sample.chunks import catalog_row
from autotag_core.sample.sessions import draw_searches
from autotag_core.sample.tagging.entities import ENTITIES, NAMED_LIKE_WORDS
from autotag_core.sample.tagging.messy import Meaning, reworded, tag_truth
from autotag_core.sample.tagging.translations import LANGUAGES, TRANSLATIONS
from autotag_core.sample.tagging.uploaders import MEANINGLESS, upload_of
from autotag_core.sample.tagging.wordings import INFLECTIONS, OTHER_WORDS, SYNONYMS

NUM_GIFS = 4000
SHARE = 0.3
ONE_SLIP_APART = (
    "bear/beer, bird/beard, boat/coat, boat/goat, car/card, clock/clown, coffee/toffee, desert/dessert, "
    "flour/flower, heart/hearth, horse/house, house/mouse, knight/night, plant/planet, show/snow, star/stare, "
    "wedding/weeding"
)
OPPOSITES = (
    "agree/disagree, big/small, clockwise/counterclockwise, cold/hot, day/night, down/up, fading in/fading out, "
    "falling/rising, good morning/good night, goodbye/hello, growing/shrinking, happy/sad, hate you/love you, left "
    "to right/right to left, no/yes, weekday/weekend"
)
TRUE_TAGS = {tag for tags in vocabulary().values() for tag in tags}


def words_of(*tables):
    return {word for table in tables for words in table.values() for word in words}


@pytest.fixture(scope="module")
def pairs():
    """Each GIF's upload as it is and as it is with messy tags."""
    recipes = [recipe_of(7, index) for index in range(NUM_GIFS)]
    rates = UploaderRates(messy=SHARE)
    return [(upload_of(recipe), upload_of(recipe, rates)) for recipe in recipes]


def test_without_messy_tags_the_catalog_is_what_it_was_before_there_were_any():
    recipes = [recipe_of(7, index) for index in range(500)]
    rows = "\n".join(json.dumps(catalog_row(recipe, upload_of(recipe))) for recipe in recipes)
    assert hashlib.sha256(rows.encode()).hexdigest().startswith("738116152950a254")


def test_only_the_words_of_a_messy_upload_are_others(pairs):
    for plain, messy in pairs:
        assert plain.meanings == {}
        assert list(messy.meanings) == messy.tags
        for name in ("editorial_tags", "caption", "popularity", "reviewed", "missing", "too_general", "wrong"):
            assert getattr(messy, name) == getattr(plain, name)


def test_about_the_stated_share_of_tags_is_written_in_another_way(pairs):
    kept = [set(plain.tags) & set(messy.tags) for plain, messy in pairs]
    total = sum(len(plain.tags) for plain, _ in pairs)
    assert 1 - sum(map(len, kept)) / total == pytest.approx(SHARE, abs=0.02)


def test_a_form_a_synonym_and_a_slip_belong_to_the_group_of_their_tag():
    wanted = {
        "cats": ("cats", "cat"),
        "kitty": ("kitty", "cat"),
        "lmao": ("lmao", "lol"),
        "happy birthdayyy": ("happy birthday", "happy birthday"),
        "happy birthda": ("happy birthday", "happy birthday"),
        "#HappyBirthday": ("happy birthday", "happy birthday"),
    }
    found = {}
    for index in range(6000):
        for tag in ("cat", "lol", "happy birthday"):
            found |= reworded(recipe_of(7, index), {tag: tag}, 1.0)
    for word, (meant, label) in wanted.items():
        assert found[word] == Meaning("en", "word", meant, label), word


def test_foreign_words_and_names_are_out_and_a_foreign_upload_speaks_one_language(pairs):
    foreign = Counter()
    named = 0
    for _, messy in pairs:
        languages = {meaning.language for meaning in messy.meanings.values()} - {"en"}
        assert len(languages) <= 1
        foreign.update(languages)
        for meaning in messy.meanings.values():
            if meaning.language != "en" or meaning.kind != "word":
                assert meaning.label is None
        named += any(meaning.kind != "word" for meaning in messy.meanings.values())
    assert set(foreign) == set(LANGUAGES)
    assert abs(named - NUM_GIFS * SHARE / 2) <= 4 * sqrt(NUM_GIFS * SHARE / 2)


def test_what_is_meant_is_the_tag_in_normal_form_where_only_its_dress_differs(pairs):
    names = {name.lower() for entity in ENTITIES for name in (entity.label, *entity.aliases)}
    correct = TRUE_TAGS | set(MEANINGLESS) | words_of(INFLECTIONS, SYNONYMS, OTHER_WORDS) | names
    correct |= {word for words in TRANSLATIONS.values() for word in words.values()}
    for _, messy in pairs:
        for tag, meaning in messy.meanings.items():
            assert meaning.meant in correct
            normal = unicodedata.normalize("NFKC", tag).lower().strip(' #"')
            if (
                normal in correct and meaning.language == "en"
            ):  # Spanish edificio is Portuguese edifício without its accent
                assert normal == meaning.meant, tag


def test_no_slip_is_another_word_and_few_tags_have_two_meanings(pairs):
    counts = Counter(pair for _, messy in pairs for pair in messy.meanings.items())
    labels = {}
    for tag, meaning in counts:
        labels.setdefault(tag, set()).add(meaning.label)
    assert [tag for tag, found in labels.items() if len(found) > 1] in ([], ["ca"])
    english = TRUE_TAGS | words_of(INFLECTIONS, SYNONYMS, OTHER_WORDS)
    assert all(tag == meaning.meant for tag, meaning in counts if tag in english)


def test_no_word_is_in_two_groups():
    names = [entity.label.lower() for entity in ENTITIES]
    foreign = {word for words in TRANSLATIONS.values() for word in words.values()}
    listed = [word for table in (INFLECTIONS, SYNONYMS, OTHER_WORDS) for words in table.values() for word in words]
    english = [*TRUE_TAGS, *MEANINGLESS, *listed, *names]
    assert [word for word, count in Counter(english).items() if count > 1] == []
    assert foreign.isdisjoint(english)
    assert set(TRANSLATIONS) | set(INFLECTIONS) | set(SYNONYMS) <= TRUE_TAGS | set(MEANINGLESS)


@pytest.mark.parametrize("pairs", [ONE_SLIP_APART, OPPOSITES])
def test_words_that_grouping_must_keep_apart_are_written(pairs):
    written = {*TRUE_TAGS, *(word for words in OTHER_WORDS.values() for word in words)}
    assert {word for pair in pairs.split(", ") for word in pair.split("/")} <= written


def test_the_more_common_of_two_meanings_is_the_truth():
    cat, car = Meaning("en", "word", "cat", "cat"), Meaning("en", "word", "car", "car")
    rows = tag_truth(Counter({("ca", cat): 5, ("ca", car): 4, ("CAR", car): 1}))
    assert rows == [
        {"tag": "CAR", "language": "en", "kind": "word", "meant": "car", "label": "car"},
        {"tag": "ca", "language": "en", "kind": "word", "meant": "cat", "label": "cat"},
    ]


def test_the_files_of_a_messy_sample_say_what_each_of_its_tags_means(tmp_path):
    once, twice, plain, alone = (str(tmp_path / name) for name in ("once", "twice", "plain", "alone"))
    rates = UploaderRates(messy=0.5, copied=0.1)
    write_sample(once, 60, seed=7, workers=1, rates=rates)
    write_sample(twice, 60, seed=7, workers=2, rates=rates)
    write_sample(plain, 60, seed=7, workers=1, rates=UploaderRates(copied=0.1))
    write_rows(alone, 60, 7, rates)

    def rows(folder, name):
        return [json.loads(line) for line in Path(folder, f"{name}.jsonl").read_text().splitlines()]

    assert sorted(path.name for path in Path(alone).iterdir()) == sorted(
        path.name for path in Path(once).iterdir() if path.name != "gifs"
    )
    for path in Path(alone).iterdir():
        assert path.read_bytes() == Path(once, path.name).read_bytes()
    for name in ("catalog", "tag_truth", "entities"):
        assert rows(once, name) == rows(twice, name)
    assert {row["tag"] for row in rows(once, "tag_truth")} == {
        tag for row in rows(once, "catalog") for tag in row["tags"]
    }
    assert rows(once, "truth") == rows(plain, "truth")
    assert rows(once, "sessions") == rows(plain, "sessions")
    listed = rows(once, "entities")
    assert listed[1] == {"id": "sample-2", "label": "Taylor Swift", "type": "human", "aliases": ["tswift"]}
    assert len(listed) == len(ENTITIES) + len(NAMED_LIKE_WORDS)


def test_a_sample_that_is_not_messy_leaves_no_truth_of_tags_behind(tmp_path):
    for share in (0.5, 0.0):
        write_sample(str(tmp_path), 2, seed=7, workers=1, rates=UploaderRates(messy=share))
        for name in ("tag_truth", "entities", "searches"):
            assert (tmp_path / f"{name}.jsonl").exists() == bool(share)


def test_a_search_session_is_mostly_about_one_usage():
    sessions = dict(draw_searches(7, 200))
    assert len(sessions) == 400 and sessions == dict(draw_searches(7, 200))
    monday = {"monday", "mondays", "occasion"}
    about = [queries for queries in sessions.values() if {"monday", "mondays"} & set(queries)]
    assert len(about) >= 20
    assert sum(query in monday for queries in about for query in queries) > sum(map(len, about)) / 2


def test_a_share_above_one_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"a share of 1\.5 messy tags: it must be 0 to 1"):
        write_sample(str(tmp_path), 2, seed=7, rates=UploaderRates(messy=1.5))

import json
from collections import Counter

import pytest

from autotag_core.drawing.factors import recipe_of
from autotag_core.errors import InputError
from autotag_core.sample import DEFAULT_RATES, WRONG_KINDS, UploaderRates, Vocabulary, vocabulary, write_rows
from autotag_core.sample.tagging.uploaders import MEANINGLESS, upload_of
from autotag_core.sample.truths import max_tags

NUM_GIFS = 1000
PLAIN = {tag for tags in vocabulary().values() for tag in tags}


@pytest.fixture(scope="module")
def recipes():
    return [recipe_of(7, index) for index in range(NUM_GIFS)]


def truths(recipes, known):
    return [known.tags(recipe) for recipe in recipes]


def test_without_a_number_of_tags_all_plain_ones_are_true(recipes):
    assert truths(recipes, Vocabulary()) == [recipe.tags() for recipe in recipes]


@pytest.mark.parametrize(("num_tags", "per_gif"), [(57, 3.0), (68, 5.2), (40, 2.5)])
def test_a_small_vocabulary_has_so_many_tags_and_so_many_a_gif(recipes, num_tags, per_gif):
    found = truths(recipes, Vocabulary(num_tags, per_gif))
    used = {tag for tags in found for tag in tags}
    assert len(used) == num_tags
    assert used <= PLAIN
    assert sum(map(len, found)) / NUM_GIFS == pytest.approx(per_gif, abs=0.3)
    assert {len(tags) for tags in found} <= set(range(int(per_gif) + 2))


def test_a_small_vocabulary_holds_the_most_used_tags(recipes):
    uses = Counter(tag for recipe in recipes for tag in recipe.tags())
    used = {tag for tags in truths(recipes, Vocabulary(30)) for tag in tags}
    assert {tag for tag, _ in uses.most_common(15)} <= used
    assert min(uses[tag] for tag in used) > NUM_GIFS / 25


def test_a_large_vocabulary_has_tags_that_few_gifs_have_and_that_fit_them(recipes):
    known = Vocabulary(1600)
    counts = Counter(tag for tags in truths(recipes, known) for tag in tags)
    assert len(counts) > 1200
    assert sum(count == 1 for count in counts.values()) > 200
    subject = recipes[0].subject
    compounds = [tag for tag in known.tags(recipes[0]) if tag not in PLAIN]
    assert f"{recipes[0].usage} {subject}" in compounds
    assert set(recipes[0].tags()) <= set(known.tags(recipes[0]))


def test_uses_are_the_shares_of_gifs_that_have_the_tags(recipes):
    known = Vocabulary(120)
    counts = Counter(tag for tags in truths(recipes, known) for tag in tags)
    assert len(known.uses) == 120
    for tag, share in known.uses.items():
        assert counts[tag] == pytest.approx(share * NUM_GIFS, abs=4 * (share * NUM_GIFS) ** 0.5 + 1)


@pytest.mark.parametrize("kind", WRONG_KINDS)
def test_wrong_tags_are_of_the_kind_asked_for(recipes, kind):
    rates = UploaderRates(wrong_kind=kind, wrong=1.0, meaningless=1.0)
    uploads = [upload_of(recipe, rates) for recipe in recipes]
    wrong = Counter(upload.wrong for upload in uploads)
    assert (wrong[None] == NUM_GIFS) == (kind == "meaningless")
    assert all((upload.meaningless in MEANINGLESS) == (kind == "meaningless") for upload in uploads)
    for recipe, upload in zip(recipes, uploads, strict=True):
        assert upload.wrong is None or (upload.wrong in PLAIN and upload.wrong not in recipe.tags())


def test_wrong_tags_by_use_are_the_common_ones(recipes):
    def share_of_general(kind):
        uploads = [upload_of(recipe, UploaderRates(wrong_kind=kind, wrong=1.0)) for recipe in recipes]
        return sum(upload.wrong in ("reaction", "occasion", "everyday") for upload in uploads) / NUM_GIFS

    assert share_of_general("uniform") < 0.05 < share_of_general("mixed") < 0.11 < share_of_general("by-use")


def test_editors_leave_out_the_share_asked_for_and_reviewers_nothing(recipes):
    rates = UploaderRates(editors_leave_out=0.3, editorial=1.0)
    given = [(set(upload_of(recipe, rates).editorial_tags), set(recipe.tags())) for recipe in recipes]
    assert all(tags and tags <= truth for tags, truth in given)
    kept = sum(len(tags) for tags, _ in given) / sum(len(truth) for _, truth in given)
    assert kept == pytest.approx(0.7, abs=0.02)
    reviewed = UploaderRates(editors_leave_out=0.3, editorial=0.0, reviewed=1.0)
    assert all(upload_of(recipe, reviewed).editorial_tags == recipe.tags() for recipe in recipes[:100])


def test_a_rate_that_is_not_asked_for_changes_nothing_else(recipes):
    for recipe in recipes[:200]:
        plain, other = upload_of(recipe), upload_of(recipe, UploaderRates(editors_leave_out=0.5))
        assert (plain.tags, plain.caption, plain.popularity) == (other.tags, other.caption, other.popularity)
    assert UploaderRates() == DEFAULT_RATES


@pytest.mark.parametrize(
    ("rates", "message"),
    [
        (UploaderRates(vocabulary=Vocabulary(10)), f"a vocabulary of 10 tags: 20 to {max_tags()} can be drawn"),
        (UploaderRates(vocabulary=Vocabulary(5000)), f"a vocabulary of 5000 tags: 20 to {max_tags()} can be drawn"),
        (UploaderRates(vocabulary=Vocabulary(None, 0.5)), "0.5 tags a GIF: 1 to 14 can be true of one"),
        (UploaderRates(editors_leave_out=2), "a share of 2 tags that editors leave out: it must be 0 to 1"),
        (UploaderRates(messy=0.5, vocabulary=Vocabulary(57)), "no number of tags beside them"),
    ],
)
def test_what_cannot_be_drawn_is_said(tmp_path, rates, message):
    with pytest.raises(InputError, match=message):
        write_rows(str(tmp_path), 3, 7, rates)


def test_truth_and_catalog_use_the_same_vocabulary(tmp_path):
    write_rows(str(tmp_path), 60, 7, UploaderRates(vocabulary=Vocabulary(57, 3), wrong_kind="uniform", misspelled=0))
    truth = [json.loads(line) for line in (tmp_path / "truth.jsonl").open()]
    catalog = [json.loads(line) for line in (tmp_path / "catalog.jsonl").open()]
    known = Vocabulary(57).uses
    assert all(set(row["tags"]) <= set(known) for row in [*truth, *catalog])
    assert all(sum(map(len, row["factors"].values())) == len(row["tags"]) for row in truth)

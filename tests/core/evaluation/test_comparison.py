import json

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import roc_auc_score

from autotag_core.errors import InputError
from autotag_core.evaluation import ablation_json, ablation_text, area_under_curve, compare, evaluate
from autotag_core.evaluation.bootstrap import MEASURES, ScoreLevels, resampled_measures
from autotag_core.evaluation.quality import measure, measured_gifs
from autotag_core.evaluation.truth import TRUTH

WORDS = [f"tag{i:02}" for i in range(20)]
CATALOG = pa.schema([("gif_id", pa.string()), ("tags", pa.list_(pa.string())), ("split", pa.string())])


def drawn_catalog(num_gifs, seed=5):
    """Catalog and truth: half of the original tags are right, every GIF lacks a true tag."""
    rng = np.random.default_rng(seed)
    gifs, truths = [], []
    for i in range(num_gifs):
        words = [WORDS[place] for place in rng.choice(20, 6, replace=False)]
        gifs.append({"gif_id": f"g{i}", "tags": words[2:6], "split": "train"})
        factors = [{"factor": "low", "tags": [w for w in words[:4] if w < "tag10"]}]
        truths.append({"gif_id": f"g{i}", "tags": words[:4], "factors": factors})
    return pa.Table.from_pylist(gifs, CATALOG), pa.Table.from_pylist(truths, TRUTH)


def drawn_votes(catalog, truth, lift, seed):
    """All tags of the vocabulary, each with a score that is higher by `lift` where the tag is right."""
    rng = np.random.default_rng(seed)
    right = [set(tags) for tags in truth["tags"].to_pylist()]
    rows = [(gif, word, word in right[i]) for i, gif in enumerate(catalog["gif_id"].to_pylist()) for word in WORDS]
    gif_ids, tags, is_right = zip(*rows, strict=True)
    scores = (0.01 + 0.5 * rng.random(len(rows)) + lift * np.array(is_right)).round(2)
    return pa.table({"gif_id": gif_ids, "tag": tags, "score": scores, "confidence": np.ones(len(rows))})


@pytest.fixture(scope="module")
def measured():
    catalog, truth = drawn_catalog(300)
    return catalog, truth


@pytest.fixture(scope="module")
def comparison(measured):
    votes = {name: drawn_votes(*measured, lift, seed) for name, lift, seed in [("weak", 0.1, 1), ("same", 0.1, 2)]}
    variants = votes | {"perfect": drawn_votes(*measured, 0.6, 3), "twin": votes["weak"]}
    return compare(variants, *measured, baseline="weak", num_resamples=300, seed=7)


def test_each_variant_has_the_quality_that_evaluate_gives(measured, comparison):
    assert list(comparison.evaluations) == ["weak", "same", "perfect", "twin"]
    assert comparison.evaluations["same"] == evaluate(drawn_votes(*measured, 0.1, 2), *measured)
    assert list(comparison.differences) == ["same", "perfect", "twin"]


def test_an_identical_variant_differs_by_exactly_nothing(comparison):
    for found in comparison.differences["twin"].values():
        assert (found.difference, found.low, found.high, found.excludes_zero) == (0.0, 0.0, 0.0, False)


def test_a_variant_that_is_right_everywhere_lies_above_0_and_a_like_one_around_0(comparison):
    for name in MEASURES:
        perfect, same = comparison.differences["perfect"][name], comparison.differences["same"][name]
        assert 0 < perfect.low < perfect.difference < perfect.high
        assert perfect.excludes_zero
        assert same.low < 0 < same.high
        assert same.low < same.difference < same.high
        assert not same.excludes_zero
    assert comparison.evaluations["perfect"].overall.precision_at_1 == 1.0


def test_a_variant_better_by_the_same_on_every_gif_has_no_spread(measured):
    catalog, truth = measured
    gif_ids, tags = catalog["gif_id"].to_pylist(), truth["tags"].to_pylist()

    def always(pick):
        rows = [(gif_id, pick(words), 1.0, 1.0) for gif_id, words in zip(gif_ids, tags, strict=True)]
        return pa.table(dict(zip(("gif_id", "tag", "score", "confidence"), zip(*rows, strict=True), strict=True)))

    variants = {"right": always(lambda words: words[0]), "wrong": always(lambda words: "nothing")}
    found = compare(variants, catalog, truth, "wrong", num_resamples=50).differences["right"]["precision_at_1"]
    assert (found.difference, found.low, found.high) == (1.0, 1.0, 1.0)
    found = compare(variants, catalog, truth, "right", num_resamples=50).differences["wrong"]["precision_at_1"]
    assert (found.difference, found.low, found.high, found.excludes_zero) == (-1.0, -1.0, -1.0, True)


def test_the_interval_of_a_share_is_as_wide_as_its_standard_error_says(measured):
    catalog, truth = measured
    variants = {"votes": drawn_votes(*measured, 0.1, 1), "none": drawn_votes(*measured, 0.1, 1).slice(0, 0)}
    found = compare(variants, catalog, truth, "none", num_resamples=1000).differences["votes"]["precision_at_1"]
    expected = 1.96 * np.sqrt(found.difference * (1 - found.difference) / 300)
    assert (found.high - found.low) / 2 == pytest.approx(expected, rel=0.1)


def test_a_resample_is_what_evaluate_says_of_the_drawn_gifs(measured):
    catalog, truth = measured
    votes = drawn_votes(catalog, truth, 0.1, 1)
    _, gifs = measure(votes, measured_gifs(catalog, truth), truth)
    (found,) = resampled_measures([gifs], 300, 1, seed=11)[0]
    copies = np.random.default_rng(11).integers(300, size=300)
    names = pa.array([f"copy{i}" for i in range(300)])
    copied = [table.take(copies).set_column(0, "gif_id", names) for table in (catalog, truth)]
    rows = np.concatenate([np.arange(20) + 20 * copy for copy in copies])
    copied_votes = votes.take(rows).set_column(0, "gif_id", pa.array(np.repeat(names.to_pylist(), 20)))
    overall = evaluate(copied_votes, *copied).overall
    assert found.tolist() == pytest.approx([getattr(overall, name) for name in MEASURES], abs=1e-12)


def test_a_weighted_auc_is_the_plain_one_of_repeated_tags_and_that_of_scikit_learn():
    rng = np.random.default_rng(7)
    scores = rng.integers(0, 12, 400) / 11
    is_right = rng.random(400) < 0.3 + 0.4 * scores
    weights = rng.integers(0, 4, 400)
    levels = ScoreLevels.of(scores, is_right, np.arange(400))
    repeated = area_under_curve(np.repeat(scores, weights), np.repeat(is_right, weights))
    assert levels.area_under_curve(weights) == pytest.approx(repeated, abs=1e-12)
    expected = roc_auc_score(is_right, scores, sample_weight=weights)
    assert levels.area_under_curve(weights) == pytest.approx(expected, abs=1e-12)
    assert levels.area_under_curve(np.ones(400, int)) == pytest.approx(area_under_curve(scores, is_right), abs=1e-12)
    assert np.isnan(levels.area_under_curve(is_right.astype(int)))


def test_a_gif_without_true_tags_counts_for_the_auc_alone():
    catalog = pa.Table.from_pylist(
        [{"gif_id": "a", "tags": ["cat"], "split": "train"}, {"gif_id": "b", "tags": ["dog"], "split": "train"}],
        CATALOG,
    )
    truth = pa.Table.from_pylist([{"gif_id": "a", "tags": ["cat"]}, {"gif_id": "b", "tags": []}], TRUTH)
    votes = pa.table({"gif_id": ["a", "b"], "tag": ["cat", "dog"], "score": [0.4, 0.6], "confidence": [1.0, 1.0]})
    other = votes.set_column(2, "score", pa.array([0.6, 0.4]))
    found = compare({"base": votes, "other": other}, catalog, truth, "base", num_resamples=100)
    differences = found.differences["other"]
    # only a resample of a and b has an AUC; one of b alone has no precision either
    assert (differences["auc"].difference, differences["auc"].low, differences["auc"].high) == (1.0, 1.0, 1.0)
    assert differences["precision_at_1"].difference == 0.0
    assert (differences["added_at_1"], differences["missing_recall_at_5"]) == (None, None)
    line = found.to_text().splitlines()[2].split()
    assert line[:8] == ["other", "1.000", "+0.000", "[+0.000,", "+0.000]", "-", "-", "1.000"]


def test_text_and_json_hold_every_variant_and_mark_what_is_not_chance(comparison):
    lines = comparison.to_text().splitlines()
    assert lines[0].split() == ["precision@1", "added@1", "missing@5", "AUC", "AUC", "of", "confidence"]
    assert [line.split()[0] for line in lines[1:5]] == ["weak", "same", "perfect", "twin"]
    assert [line.count("*") for line in lines[1:5]] == [0, 0, 4, 0]
    assert "[" not in lines[1]
    assert lines[5].startswith("Differences to 'weak' [95% interval], 300 paired resamples of 300 GIFs")
    found = json.loads(comparison.to_json())
    assert (found["baseline"], found["num_resamples"], found["level"]) == ("weak", 300, 0.95)
    assert found["variants"]["weak"]["differences"] == {}
    perfect = found["variants"]["perfect"]
    assert perfect["quality"]["precision_at_1"] == 1.0
    assert perfect["differences"]["auc"]["excludes_zero"] is True


def test_a_variant_can_be_held_against_another_than_the_baseline(measured):
    variants = {name: drawn_votes(*measured, lift, seed) for name, lift, seed in [("a", 0.1, 1), ("b", 0.4, 2)]}
    found = compare(variants | {"twin of b": variants["b"]}, *measured, "a", 50, against={"twin of b": "b"})
    assert found.baselines == {"b": "a", "twin of b": "b"}
    assert found.differences["b"]["auc"].low > 0
    twin = found.differences["twin of b"]["auc"]
    assert (twin.difference, twin.low, twin.high) == (0.0, 0.0, 0.0)
    assert found.to_text().splitlines()[-1].startswith("Differences to 'a', of 'twin of b' to 'b' [95% interval]")
    assert json.loads(found.to_json())["variants"]["twin of b"]["baseline"] == "b"


def test_what_a_variant_does_not_say_is_unknown_and_not_a_confidence_of_one(measured):
    votes = drawn_votes(*measured, 0.3, 1)
    halves = np.where(np.asarray(votes["score"]) < 0.45, 0.7, 1.0)
    variants = {"said": votes.set_column(3, "confidence", pa.array(halves)), "unsaid": votes.drop_columns("confidence")}
    found = compare(variants, *measured, "said", 20)
    said, unsaid = found.evaluations["said"].overall, found.evaluations["unsaid"].overall
    assert 0 < said.right_demoted < said.wrong_demoted < 1
    assert 0.5 < said.confidence_auc < said.auc == unsaid.auc  # two steps tell less than the score they are made of
    assert (unsaid.right_demoted, unsaid.wrong_demoted, unsaid.confidence_auc) == (None, None, None)
    assert [line.split()[-1] for line in found.to_text().splitlines()[1:3]] == [f"{said.confidence_auc:.3f}", "-"]


def test_the_seed_decides_the_intervals_and_nothing_else(measured):
    variants = {name: drawn_votes(*measured, 0.1, seed) for name, seed in [("a", 1), ("b", 2)]}
    first, again, other = (compare(variants, *measured, "a", num_resamples=50, seed=seed) for seed in (1, 1, 2))
    assert first == again
    ours, theirs = first.differences["b"]["auc"], other.differences["b"]["auc"]
    assert ours.difference == theirs.difference
    assert (ours.low, ours.high) != (theirs.low, theirs.high)


def test_an_ablation_shows_all_then_without_then_alone_with_each_factor(measured):
    votes = {
        name: drawn_votes(*measured, lift, 1) for name, lift in [("x alone", 0.1), ("all", 0.3), ("without x", 0.2)]
    }
    found = compare(votes, *measured, "all", num_resamples=50)
    lines = ablation_text(found).splitlines()
    names = ("all", "without x", "x alone")
    low = {name: found.evaluations[name].factors["low"] for name in names}
    measures = {name: (one.precision_at_1, one.added_at_1, one.missing_recall_at_5) for name, one in low.items()}
    assert lines[5:7] == ["", f"{'':<11}low @1  low added@1  low missing@5"]
    assert [line.split()[-3:] for line in lines[7:]] == [[f"{one:.3f}" for one in measures[name]] for name in names]
    variants = json.loads(ablation_json(found))["variants"]
    assert list(variants) == list(names)
    assert tuple(variants["x alone"]["factors"]["low"].values()) == measures["x alone"]
    assert variants["x alone"]["differences"]["precision_at_1"]["difference"] < 0


def test_what_cannot_be_compared_is_named(measured, comparison):
    votes = {"a": drawn_votes(*measured, 0.1, 1)}
    with pytest.raises(InputError, match="the baseline 'b' is none of the variants: a"):
        compare(votes, *measured, "b")
    with pytest.raises(InputError, match="num_resamples is 0"):
        compare(votes, *measured, "a", num_resamples=0)
    with pytest.raises(InputError, match="the baseline 'c' is none of the variants: a"):
        compare(votes, *measured, "a", against={"a": "c"})
    with pytest.raises(InputError, match="variant 'a' lacks score"):
        compare({"a": votes["a"].select(["gif_id", "tag"])}, *measured, "a")
    with pytest.raises(InputError, match="it has variant 'weak'"):
        ablation_text(comparison)
    with pytest.raises(InputError, match="it has baseline 'x alone'"):
        ablation_json(compare({"x alone": votes["a"], "all": votes["a"]}, *measured, "x alone", num_resamples=1))

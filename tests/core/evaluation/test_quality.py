import json
import random

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import roc_auc_score

from autotag_core.errors import InputError
from autotag_core.evaluation import area_under_curve, evaluate, read_truth

CATALOG = [
    # gif_id, tags, split
    ("a", ["cat", "dgo"], "train"),
    ("b", ["dog", "cat"], "train"),
    ("c", ["sun"], "train"),
    ("d", [], "train"),
    ("e", ["cat"], "validation"),
    ("f", ["cat"], "train"),  # not in the truth
]
TRUTH = [
    {"gif_id": "a", "tags": ["cat", "animal", "lol"], "factors": {"shown": ["cat", "animal"], "written": ["lol"]}},
    {"gif_id": "b", "tags": ["dog", "animal"], "factors": {"shown": ["dog", "animal"], "written": []}},
    {"gif_id": "c", "tags": ["sun"], "factors": {"shown": ["sun"], "written": []}},
    {"gif_id": "d", "tags": ["cat", "lol"], "factors": {"shown": ["cat"], "written": ["lol"]}},
    {"gif_id": "e", "tags": ["sun"], "factors": {"shown": ["sun"], "written": []}},
]
VOTED = [
    # gif_id, tag, score, confidence
    ("a", "cat", 0.5, 1.0),
    ("a", "dgo", 0.0, 0.7),
    ("a", "animal", 0.5, 0.5),  # ties with cat, and comes first by the alphabet
    ("a", "sun", 0.9, 0.9),
    ("b", "dog", 0.0, 0.7),  # right, and demoted by mistake
    ("b", "cat", 0.4, 1.0),  # wrong, and not demoted
    ("b", "animal", 0.3, 0.3),
    ("c", "sun", 0.8, 1.0),
    ("c", "lol", 0.2, 0.2),
    ("e", "cat", 1.0, 1.0),
    ("f", "sun", 1.0, 1.0),
]


def table(rows, *names):
    return pa.table({name: [row[i] for row in rows] for i, name in enumerate(names)})


def catalog(rows=CATALOG):
    schema = pa.schema([("gif_id", pa.string()), ("tags", pa.list_(pa.string())), ("split", pa.string())])
    return pa.Table.from_pylist([dict(zip(schema.names, row, strict=True)) for row in rows], schema=schema)


def voted_tags(rows=VOTED):
    return table(rows, "gif_id", "tag", "score", "confidence")


@pytest.fixture
def truth(tmp_path):
    return write_truth(tmp_path, TRUTH)


def write_truth(tmp_path, rows):
    path = tmp_path / "truth.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return read_truth(str(path))


def test_four_gifs_worked_by_hand(truth):
    overall = evaluate(voted_tags(), catalog(), truth).overall

    # train GIFs in the truth: a, b, c, d. Ranked: a sun, animal, cat; b cat, animal; c sun, lol; d nothing
    assert overall.num_gifs == 4
    assert overall.precision_at_1 == (0 + 0 + 1 + 0) / 4
    assert overall.precision_at_3 == pytest.approx((2 / 3 + 1 / 3 + 1 / 3 + 0) / 4)
    # lacking a true tag: a (animal, lol), b (animal), d (cat, lol). Added: a sun, animal; b animal; d nothing
    assert overall.num_gifs_lacking == 3
    assert overall.added_at_1 == (0 + 1 + 0) / 3
    assert overall.added_at_3 == pytest.approx((1 / 3 + 1 / 3 + 0) / 3)
    assert overall.missing_recall_at_5 == (1 + 1 + 0) / (2 + 1 + 2)
    # original tags: right a cat .5, b dog 0, c sun .8; wrong a dgo 0, b cat .4
    assert (overall.num_right_original, overall.num_wrong_original) == (3, 2)
    assert overall.auc == pytest.approx((2 + 0.5 + 2) / 6)
    assert overall.wrong_demoted == 1 / 2
    assert overall.right_demoted == pytest.approx(1 / 3)


def test_the_auc_of_confidence_and_of_probability_beside_that_of_the_score(truth):
    # original tags: right a cat 1.0, b dog 0.7, c sun 1.0; wrong a dgo 0.7, b cat 1.0
    assert evaluate(voted_tags(), catalog(), truth).overall.confidence_auc == pytest.approx((1.5 + 0.5 + 1.5) / 6)
    assert evaluate(voted_tags(), catalog(), truth).overall.probability_auc is None
    probabilities = [0.9, 0.1, 0.5, 0.5, 0.2, 0.3, 0.5, 0.8, 0.5, 0.5, 0.5]
    voted = voted_tags().append_column("probability", pa.array(probabilities))
    assert evaluate(voted, catalog(), truth).overall.probability_auc == pytest.approx((2 + 1 + 2) / 6)
    unknown = voted_tags().append_column("probability", pa.array([None, *probabilities[1:]]))
    assert evaluate(unknown, catalog(), truth).overall.probability_auc is None


def test_another_split_is_measured_where_that_is_asked(truth):
    overall = evaluate(voted_tags(), catalog(), truth, "validation").overall
    assert (overall.num_gifs, overall.precision_at_1) == (1, 0.0)  # e, cat instead of sun
    with pytest.raises(InputError, match=r"a test GIF of this catalog \(0 test GIFs\): see catalog.test_list"):
        evaluate(voted_tags(), catalog(), truth, "test")


def test_a_factor_counts_only_its_own_tags_and_gifs(truth):
    factors = evaluate(voted_tags(), catalog(), truth).factors

    assert list(factors) == ["shown", "written"]
    # written: the only tag is lol, true of a and d, voted for c alone
    assert (factors["written"].num_gifs, factors["written"].precision_at_1) == (2, 0.0)
    assert (factors["written"].num_right_original, factors["written"].auc) == (0, None)
    # shown: everything but lol and dgo; d lacks cat
    assert factors["shown"].num_gifs == 4
    assert factors["shown"].precision_at_3 == pytest.approx((2 / 3 + 1 / 3 + 1 / 3 + 0) / 4)
    assert (factors["shown"].num_right_original, factors["shown"].num_wrong_original) == (3, 1)


def test_no_more_than_five_added_tags_count_as_found(tmp_path):
    tags = ["t1", "t2", "t3", "t4", "t5", "t6"]
    truth = write_truth(tmp_path, [{"gif_id": "a", "tags": tags}])
    voted = voted_tags([("a", tag, 0.9 - 0.1 * i, 0.5) for i, tag in enumerate(tags)])
    evaluation = evaluate(voted, catalog([("a", [], "train")]), truth)
    assert evaluation.overall.missing_recall_at_5 == pytest.approx(5 / 6)
    assert evaluation.factors == {}


def test_measures_without_a_ground_are_none_and_shown_as_such(tmp_path):
    truth = write_truth(tmp_path, [{"gif_id": "a", "tags": ["cat"]}])
    evaluation = evaluate(voted_tags([("a", "cat", 1.0, 1.0)]), catalog([("a", ["cat"], "train")]), truth)
    overall = evaluation.overall
    assert (overall.precision_at_1, overall.precision_at_3) == (1.0, pytest.approx(1 / 3))
    assert (overall.added_at_1, overall.missing_recall_at_5, overall.auc, overall.wrong_demoted) == (None,) * 4
    assert overall.right_demoted == 0.0
    assert json.loads(evaluation.to_json())["overall"]["auc"] is None
    assert "AUC of score, right or wrong         -" in evaluation.to_text()


def test_no_voted_tags_at_all_count_as_wrong_and_as_demoted(truth):
    overall = evaluate(voted_tags().slice(0, 0), catalog(), truth).overall
    assert (overall.precision_at_1, overall.added_at_1, overall.auc) == (0.0, 0.0, 0.5)
    assert (overall.wrong_demoted, overall.right_demoted) == (1.0, 1.0)


def test_tags_match_after_trimming_but_not_across_cases(tmp_path):
    truth = write_truth(tmp_path, [{"gif_id": "a", "tags": [" cat "]}, {"gif_id": "b", "tags": ["Cat"]}])
    rows = catalog([("a", [], "train"), ("b", [], "train")])
    voted = voted_tags([("a", "cat", 1.0, 1.0), ("b", "cat", 1.0, 1.0)])
    assert evaluate(voted, rows, truth).overall.precision_at_1 == 0.5


def test_columns_in_chunks_and_of_large_types_give_the_same(truth):
    chunked = pa.concat_tables([voted_tags(VOTED[:3]), voted_tags(VOTED[3:])])
    large = catalog().set_column(1, "tags", catalog()["tags"].cast(pa.large_list(pa.large_string())))
    large = large.set_column(0, "gif_id", large["gif_id"].cast(pa.large_string()))
    assert evaluate(chunked, large, truth) == evaluate(voted_tags(), catalog(), truth)


def test_auc_is_that_of_scikit_learn_with_ties():
    rng = np.random.default_rng(7)
    scores = rng.integers(0, 6, 500) / 5
    is_right = rng.random(500) < 0.3 + 0.1 * scores
    assert area_under_curve(scores, is_right) == pytest.approx(roc_auc_score(is_right, scores), abs=1e-12)


def test_random_tables_agree_with_plain_loops(tmp_path):
    rng = random.Random(7)
    words = [f"tag{i}" for i in range(12)]
    some = lambda: rng.sample(words, rng.randint(0, 6))  # noqa: E731
    rows = [(f"g{i}", some(), rng.choice(["train", "train", "test"])) for i in range(60)]
    truths = [{"gif_id": f"g{i}", "tags": some()} for i in range(70)]
    voted = [
        (gif_id, tag, rng.randint(0, 4) / 4, rng.choice([0.7, 1.0]))
        for gif_id, tags, _ in rows
        for tag in {*tags, *some()}
    ]
    overall = evaluate(voted_tags(voted), catalog(rows), write_truth(tmp_path, truths)).overall
    true = {row["gif_id"]: set(row["tags"]) for row in truths}
    at_1, added_at_3, num_found, num_missing = [], [], 0, 0
    for gif_id, tags, split in rows:
        if split != "train" or not true[gif_id]:
            continue
        ranked = [tag for gif, tag, score, _ in sorted(voted, key=lambda v: (-v[2], v[1])) if gif == gif_id and score]
        at_1.append(len(true[gif_id].intersection(ranked[:1])))
        missing, added = true[gif_id].difference(tags), [tag for tag in ranked if tag not in tags]
        if missing:
            added_at_3.append(len(missing.intersection(added[:3])) / 3)
            num_found += len(missing.intersection(added[:5]))
            num_missing += len(missing)
    assert (overall.num_gifs, overall.num_gifs_lacking) == (len(at_1), len(added_at_3))
    assert overall.precision_at_1 == pytest.approx(np.mean(at_1))
    assert overall.added_at_3 == pytest.approx(np.mean(added_at_3))
    assert overall.missing_recall_at_5 == num_found / num_missing


def test_the_truth_of_another_catalog_is_refused(tmp_path):
    truth = write_truth(tmp_path, [{"gif_id": "x", "tags": ["cat"]}])
    with pytest.raises(InputError, match="none of the 1 GIFs in the truth is a train GIF of this catalog"):
        evaluate(voted_tags(), catalog(), truth)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{oops", "line 2: not JSON"),
        ("[1]", "line 2: a list, not an object"),
        ('{"tags": []}', "line 2: gif_id is None, it must be a string"),
        ('{"gif_id": "b", "tags": "cat"}', "line 2: tags are 'cat', they must be a list of strings"),
        ('{"gif_id": "b", "tags": [], "factors": ["cat"]}', "line 2: factors are"),
        ('{"gif_id": "a", "tags": []}', "line 2: gif_id 'a' is on line 1 too"),
    ],
)
def test_a_bad_line_of_the_truth_is_named_with_its_number(tmp_path, line, problem):
    path = tmp_path / "truth.jsonl"
    path.write_text('{"gif_id": "a", "tags": ["cat"]}\n' + line + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=problem):
        read_truth(str(path))


def test_an_empty_or_missing_truth_is_an_input_error(tmp_path):
    (tmp_path / "empty.jsonl").write_text("\n")
    with pytest.raises(InputError, match="no rows"):
        read_truth(str(tmp_path / "empty.jsonl"))
    with pytest.raises(InputError, match="no such file"):
        read_truth(str(tmp_path / "none.jsonl"))

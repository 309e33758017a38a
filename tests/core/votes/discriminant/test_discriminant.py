"""Looks, their sums by tag, and the likeness of a GIF to those with a tag, against the formulas in plain numpy."""

import numpy as np
import pyarrow as pa
import pytest

from autotag_core.splits import TRAIN, VALIDATION
from autotag_core.votes import ABOUT, write_tag_table
from autotag_core.votes.discriminant.axes import FEWEST_GIFS, NUM_AXES, RIDGE, STEPS, looks_of, packed, write_axes
from autotag_core.votes.discriminant.look_loops import MEAN_GIFS, likeness
from autotag_core.votes.discriminant.mean_looks import open_means
from autotag_core.votes.discriminant.sums import LOOKS, add_sums, sum_looks, write_means

NUM_GIFS, WIDTH = 400, 300
VECTORS = np.random.default_rng(3).normal(size=(NUM_GIFS, WIDTH)) * np.linspace(2, 0.1, WIDTH) + 0.3


def batch_of(vectors, names=None):
    names = names or [f"g{number:03}" for number in range(len(vectors))]
    embedding = pa.array(np.asarray(vectors, np.float32).tolist(), pa.list_(pa.float32()))
    return pa.RecordBatch.from_pydict({"gif_id": pa.array(names, pa.string()), "embedding": embedding})


@pytest.fixture
def axes(tmp_path):
    return write_axes([batch_of(VECTORS)], str(tmp_path), tmp_path)


def test_looks_vary_alike_in_all_directions_but_for_the_ridge(axes, tmp_path):
    looks = looks_of(batch_of(VECTORS)["embedding"], axes, tmp_path) / STEPS
    unit = VECTORS / np.linalg.norm(VECTORS, axis=1, keepdims=True)
    variances = np.linalg.eigvalsh(np.cov(unit.T, bias=True))[-NUM_AXES:]
    expected = variances / (variances + RIDGE * variances.mean())
    assert looks.shape == (NUM_GIFS, NUM_AXES)
    assert np.cov(looks.T, bias=True) == pytest.approx(np.diag(expected), abs=2e-3)
    assert looks.mean(axis=0) == pytest.approx(0, abs=2e-3)


def test_axes_do_not_depend_on_the_order_or_the_lengths_of_vectors(axes, tmp_path):
    turned = np.random.default_rng(1).permutation(NUM_GIFS)
    other = write_axes([batch_of(4 * VECTORS[turned], [f"g{number:03}" for number in turned])], str(tmp_path), tmp_path)
    asked = batch_of(VECTORS)["embedding"]
    assert (looks_of(asked, axes, tmp_path) == looks_of(asked, other, tmp_path)).all()


def test_too_few_vectors_or_equal_ones_have_no_axes(tmp_path):
    assert write_axes([], str(tmp_path), tmp_path) == ""
    assert write_axes([batch_of(VECTORS[: FEWEST_GIFS - 1])], str(tmp_path), tmp_path) == ""
    assert write_axes([batch_of(np.ones((200, 8)))], str(tmp_path), tmp_path) == ""
    assert write_axes([batch_of(np.zeros((200, 8)))], str(tmp_path), tmp_path) == ""


def test_few_vectors_have_as_many_axes_as_they_span(tmp_path):
    axes = write_axes([batch_of(VECTORS[:120])], str(tmp_path), tmp_path)
    assert looks_of(batch_of(np.zeros((2, WIDTH)))["embedding"], axes, tmp_path).shape == (2, 119)


def table_of(gifs, folder):
    """The table of GIFs (id, split, tags); of the slip `catt`, which was meant as `cat`."""
    rows = [
        {
            "gif_id": gif_id,
            "items": tags,
            "first_own": 0,
            "num_editorial": 0,
            "first_copied": len(tags),
            "is_train": split == TRAIN,
        }
        for gif_id, split, tags in gifs
    ]
    rows.append({"items": ["catt", "cat"]})
    return write_tag_table(pa.Table.from_pylist(rows, ABOUT).to_batches(), str(folder), folder)


def test_likeness_is_that_to_the_other_gifs_with_the_tag(tmp_path):
    gifs = [("a", TRAIN, ["cat", "pet"]), ("b", TRAIN, ["catt"]), ("c", TRAIN, ["pet"]), ("v", VALIDATION, ["cat"])]
    tags = table_of(gifs, tmp_path)
    looks = np.random.default_rng(5).integers(-127, 128, (4, 6)).astype(np.int8)
    rows = pa.RecordBatch.from_arrays([pa.array(["a", "b", "c", "v"]), packed(looks)], schema=LOOKS)
    # two parts, one of them in two batches: b and v, and a alone
    parts = [*sum_looks([rows.slice(2, 1), rows.slice(0, 1)], tags, tmp_path)]
    parts += sum_looks([rows.slice(1, 1), rows.slice(3, 1)], tags, tmp_path)
    whole = [*add_sums(parts, tags.num_tags)]
    known = open_means(write_means(whole, tags.num_tags, str(tmp_path), tmp_path), tmp_path)
    number = {"cat": 0, "pet": 1, "catt": 2}
    assert known.nums.tolist() == [2, 2, 0], "a slip counts for what it meant, and validation GIFs for nothing"
    asked = [(0, "cat", True), (0, "cat", False), (2, "cat", False), (3, "pet", False), (1, "cat", True)]
    asked += [(3, "catt", False), (1, "pet", False)]
    gif, tag, taught = (np.array(column) for column in zip(*asked, strict=True))
    has_look = np.array([True, True, True, True])
    found = likeness(
        known, looks, has_look, gif.astype(np.int64), np.array([number[one] for one in tag], np.int32), taught
    )

    def by_formula(one, *others):
        mean = looks[list(others)].astype(float).sum(axis=0) / (len(others) + MEAN_GIFS)
        return (looks[one] @ mean - mean @ mean / 2) / STEPS**2

    expected = [by_formula(0, 1), by_formula(0, 0, 1), by_formula(2, 0, 1), by_formula(3, 0, 2), by_formula(1, 0)]
    assert found[:5] == pytest.approx(expected, abs=1e-3)
    assert np.isnan(found[5]), "no train GIF has it"
    assert found[6] == pytest.approx(by_formula(1, 0, 2), abs=1e-3)
    has_look[0] = False
    assert np.isnan(likeness(known, looks, has_look, gif.astype(np.int64), np.zeros(7, np.int32), taught)[:2]).all()
    alone = likeness(known, looks, has_look, np.array([2]), np.array([1], np.int32), np.array([True]))
    assert alone == pytest.approx([by_formula(2, 0)], abs=1e-3)


def test_a_tag_that_no_other_gif_has_says_nothing(tmp_path):
    tags = table_of([("a", TRAIN, ["own"])], tmp_path)
    looks = np.ones((1, 4), np.int8)
    rows = pa.RecordBatch.from_arrays([pa.array(["a"]), packed(looks)], schema=LOOKS)
    known = open_means(write_means(sum_looks([rows], tags, tmp_path), tags.num_tags, str(tmp_path), tmp_path), tmp_path)
    args = np.array([True]), np.array([0]), np.array([0], np.int32)
    assert np.isnan(likeness(known, looks, *args, np.array([True]))).all()
    assert np.isfinite(likeness(known, looks, *args, np.array([False]))).all()


def test_without_looks_nothing_is_known(tmp_path):
    tags = table_of([("a", TRAIN, ["own"])], tmp_path)
    assert write_means([], tags.num_tags, str(tmp_path), tmp_path) == ""
    known = open_means("", tmp_path)
    rows = np.array([False]), np.array([0]), np.array([0], np.int32), np.array([False])
    assert np.isnan(likeness(known, np.zeros((1, 0), np.int8), *rows)).all()

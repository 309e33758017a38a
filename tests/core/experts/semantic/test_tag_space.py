"""Tag spaces: the weighted mean against an oracle, abstaining, versions, files."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.preprocessing import normalize

from autotag_core.errors import InputError
from autotag_core.experts import TagSpace, load_tag_space, save_tag_space, sif_weights, tokens_of

SPACE = TagSpace(
    ("tag:cat", "tag:dog", "gif:7"),
    np.array([[1, 0], [0, 1], [-1, 0]], np.float32),
    np.array([3.0, 4.0, 3.0]),
)


def test_tokens_are_the_tags_and_the_gif_itself_and_cannot_be_confused() -> None:
    assert tokens_of("7", ["cat", "gif:7"]) == ["tag:cat", "tag:gif:7", "gif:7"]
    assert tokens_of("7", None) == ["gif:7"]


def test_common_tokens_weigh_less() -> None:
    assert sif_weights(np.array([1, 9]), 10, a=0.1).tolist() == [0.1 / (0.1 + 0.1), 0.1 / (0.1 + 0.9)]


def test_an_embedding_is_the_weighted_mean_by_hand() -> None:
    vector = SPACE.embed(["tag:cat", "tag:dog", "tag:unknown"])
    assert vector is not None
    assert vector.tolist() == pytest.approx([0.6, 0.8])
    assert vector.dtype == np.float32


def test_a_gif_with_no_known_token_abstains() -> None:
    assert SPACE.embed([]) is None
    assert SPACE.embed(["tag:bird"]) is None
    assert SPACE.embed(["tag:cat", "gif:7"]) is None  # equal and opposite: no direction


def test_an_empty_space_always_abstains() -> None:
    empty = TagSpace((), np.empty((0, 2), np.float32), np.empty(0))
    assert empty.embed(["tag:cat"]) is None
    assert empty.version.startswith("word2vec-2-")


def test_embeddings_equal_numpys_weighted_average_in_any_order_of_tokens() -> None:
    random = np.random.default_rng(5)
    names = tuple(f"tag:{i:03d}" for i in range(200))
    space = TagSpace(names, random.normal(size=(200, 64)).astype(np.float32), random.uniform(0.1, 1, 200))
    for _ in range(50):
        rows = random.choice(200, size=random.integers(1, 12), replace=False)
        oracle = normalize(np.average(space.vectors[rows], axis=0, weights=space.weights[rows])[None])[0]
        vector = space.embed([names[row] for row in rows])
        assert vector is not None
        np.testing.assert_allclose(vector, oracle, atol=1e-6)
        backwards = space.embed([names[row] for row in rows[::-1]])
        assert backwards is not None
        assert vector.tobytes() == backwards.tobytes()


def test_a_space_comes_back_from_its_file_with_the_same_version(tmp_path: Path) -> None:
    space = TagSpace(("tag:café", 'tag:"\n'), np.ones((2, 3), np.float32), np.array([0.5, 1.0]))
    save_tag_space(space, str(tmp_path / "space.npz"))
    loaded = load_tag_space(str(tmp_path / "space.npz"))
    assert loaded.vocabulary == space.vocabulary
    assert loaded.vectors.tobytes() == space.vectors.tobytes()
    assert loaded.weights.tobytes() == space.weights.tobytes()
    assert loaded.version == space.version


def test_the_version_changes_with_any_part() -> None:
    others = [
        TagSpace(("tag:cat", "tag:dog", "gif:8"), SPACE.vectors, SPACE.weights),
        TagSpace(SPACE.vocabulary, SPACE.vectors * 2, SPACE.weights),
        TagSpace(SPACE.vocabulary, SPACE.vectors, SPACE.weights * 2),
    ]
    assert len({space.version for space in [SPACE, *others]}) == 4


def test_a_damaged_or_pickled_file_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "text.npz").write_bytes(b"no archive")
    np.savez(tmp_path / "pickled.npz", vocabulary=np.array([{}]), vectors=np.ones(1), weights=np.ones(1))
    (tmp_path / "cut.npz").write_bytes(SPACE.to_bytes()[:-200])
    for name in ("text.npz", "pickled.npz", "cut.npz"):
        with pytest.raises(InputError, match=f"{name}: "):
            load_tag_space(str(tmp_path / name))
    with pytest.raises(InputError, match="there is no such file"):
        load_tag_space(str(tmp_path / "gone.npz"))


def test_parts_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="2 tokens, 1 vectors, 1 weights"):
        TagSpace(("a", "b"), np.ones((1, 2), np.float32), np.ones(1))

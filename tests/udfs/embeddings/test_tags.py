"""Tags and sessions become one space, the same on every run, and every GIF finds its place or abstains."""

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql.pandas.types import to_arrow_schema

from autotag_core.config import Config, SemanticConfig
from autotag_core.errors import InputError
from autotag_core.experts import TagSpace
from autotag_core.tables import EMBEDDINGS, check_columns
from udfs.embeddings import tags as tag_vectors

ANIMALS, FOOD = ["cat", "dog", "paw", "fur"], ["pizza", "cheese", "oven", "dough"]
SMALL = SemanticConfig(vector_size=8, min_count=1, min_gif_count=1, num_iterations=3)
SCHEMA = "gif_id string, tags array<string>, editorial_tags array<string>"


def catalog(spark: SparkSession, tags_of: dict[str, list[str] | None]) -> DataFrame:
    rows = [Row(gif_id=gif_id, tags=tags, editorial_tags=["secret"]) for gif_id, tags in tags_of.items()]
    return spark.createDataFrame(rows, SCHEMA)


def sessions(spark: SparkSession, gif_ids_of: dict[str, list[str]]) -> DataFrame:
    rows = [Row(session_id=session_id, gif_ids=gif_ids) for session_id, gif_ids in gif_ids_of.items()]
    return spark.createDataFrame(rows, "session_id string, gif_ids array<string>")


@pytest.fixture(scope="module")
def topics_df(spark: SparkSession) -> DataFrame:
    """96 GIFs, half with three tags of animals, half with three of food."""
    triples = [*itertools.permutations(ANIMALS, 3), *itertools.permutations(FOOD, 3)]
    return catalog(spark, {f"gif{i:02d}": list(tags) for i, tags in enumerate(triples * 2)}).persist()


def test_a_sentence_is_the_uploaders_tags_in_their_order_and_never_the_editorial_ones(spark: SparkSession) -> None:
    catalog_df = catalog(spark, {"1": ["dog", "cat"], "2": [], "3": None})
    rows = {row.id: row.tokens for row in tag_vectors.sentences(catalog_df, None, 1).collect()}
    assert rows == {"1": ["tag:dog", "tag:cat"], "2": [], "3": []}


def test_gifs_of_sessions_stand_in_their_tag_sentence_and_in_their_sessions(spark: SparkSession) -> None:
    catalog_df = catalog(spark, {"1": ["dog"], "2": ["cat"], "3": []})
    sessions_df = sessions(spark, {"s": ["3", "1", "3"], "t": ["1", "unknown"]})
    rows = {(row.kind, row.id): row.tokens for row in tag_vectors.sentences(catalog_df, sessions_df, 1).collect()}
    assert rows == {
        ("gif", "1"): ["tag:dog", "gif:1"],
        ("gif", "2"): ["tag:cat"],
        ("gif", "3"): ["gif:3"],
        ("session", "s"): ["gif:3", "gif:1", "gif:3"],
        ("session", "t"): ["gif:1", "gif:unknown"],
    }


def test_a_gif_of_few_sessions_has_no_token_however_often_one_of_them_names_it(spark: SparkSession) -> None:
    catalog_df = catalog(spark, {"1": ["dog"], "2": ["cat"], "3": []})
    sessions_df = sessions(spark, {"s": ["3", "2", "1", "3", "3"], "t": ["1", "2"], "u": ["2"], "v": []})
    sessions_df = sessions_df.unionByName(sessions(spark, {"t": ["1"]}))  # the same person, in a second row
    found = tag_vectors.sentences(catalog_df, sessions_df.repartition(3), 3).collect()
    assert sorted((row.kind, row.id, row.tokens) for row in found) == [
        ("gif", "1", ["tag:dog", "gif:1"]),
        ("gif", "2", ["tag:cat", "gif:2"]),
        ("gif", "3", []),
        ("session", "s", ["gif:2", "gif:1"]),
        ("session", "t", ["gif:1"]),
        ("session", "t", ["gif:1", "gif:2"]),
        ("session", "u", ["gif:2"]),
    ]


def test_the_vocabulary_does_not_grow_with_the_gifs_that_one_session_named(spark: SparkSession) -> None:
    catalog_df = catalog(spark, {f"{number}": ["dog"] for number in range(50)})
    sessions_df = sessions(spark, {f"s{number}": [f"{number}", "0"] for number in range(1, 50)})
    config = SemanticConfig(vector_size=4, num_iterations=1)
    assert tag_vectors.fit_tag_space(catalog_df, sessions_df, config, seed=7).vocabulary == ("gif:0", "tag:dog")


def test_the_vocabulary_is_cut_to_the_most_frequent_and_ties_go_together(
    spark: SparkSession, caplog: pytest.LogCaptureFixture
) -> None:
    counts = {"a": 5, "b": 4, "c": 3, "d": 3, "e": 2, "once": 1}
    rows = {f"{tag}{number}": [tag] for tag, count in counts.items() for number in range(count)}
    catalog_df = catalog(spark, rows)  # type: ignore[arg-type]

    def vocabulary(most: int) -> str:
        config = SemanticConfig(vector_size=4, num_iterations=1).model_copy(
            update={"max_vocabulary": most, "common_tag_weight": 1}
        )
        space = tag_vectors.fit_tag_space(catalog_df, None, config, seed=7)
        assert space.weights.tolist() == [1 / (1 + counts[token[4:]] / 18) for token in space.vocabulary]
        return "".join(token[4:] for token in space.vocabulary)

    assert [vocabulary(most) for most in (1, 2, 3, 4, 5, 6)] == ["a", "ab", "ab", "abcd", "abcde", "abcde"]
    assert "max_vocabulary=3 leaves out 3 tokens that occur 2 to 3 times" in caplog.text
    assert "max_vocabulary=5" not in caplog.text


def test_tags_used_together_are_near_and_others_far(topics_df: DataFrame) -> None:
    space = tag_vectors.fit_tag_space(topics_df, None, SemanticConfig(vector_size=16, num_iterations=30), seed=7)
    vectors = {token: space.embed([token]) for token in space.vocabulary}
    assert set(vectors) == {f"tag:{tag}" for tag in ANIMALS + FOOD}

    def similarity(left: list[str], right: list[str]) -> float:
        pairs = [(a, b) for a in left for b in right if a != b]
        return float(np.mean([vectors[f"tag:{a}"] @ vectors[f"tag:{b}"] for a, b in pairs]))  # type: ignore[operator]

    assert similarity(ANIMALS, ANIMALS) > similarity(ANIMALS, FOOD) + 0.5
    assert similarity(FOOD, FOOD) > similarity(ANIMALS, FOOD) + 0.5


def test_weights_follow_the_tags_share_of_all_tags(spark: SparkSession) -> None:
    catalog_df = catalog(spark, {"1": ["gif", "dog"], "2": ["gif", "cat"], "3": ["gif", "dog"], "4": ["gif", "rare"]})
    config = SemanticConfig(vector_size=4, min_count=2, num_iterations=1).model_copy(update={"common_tag_weight": 0.5})
    space = tag_vectors.fit_tag_space(catalog_df, None, config, seed=7)
    assert space.vocabulary == ("tag:dog", "tag:gif")
    assert space.weights.tolist() == [0.5 / (0.5 + 2 / 8), 0.5 / (0.5 + 4 / 8)]


@pytest.mark.parametrize(("num_partitions", "shuffle", "adaptive"), [(1, "1", "false"), (7, "5", "true")])
def test_the_space_has_the_same_bits_however_the_input_is_partitioned(
    spark: SparkSession, topics_df: DataFrame, num_partitions: int, shuffle: str, adaptive: str
) -> None:
    sessions_df = sessions(spark, {f"s{i}": [f"gif{(i * j) % 96:02d}" for j in range(1, 5)] for i in range(40)})
    wanted = tag_vectors.fit_tag_space(topics_df, sessions_df, SMALL, seed=7)
    settings = {"spark.sql.shuffle.partitions": shuffle, "spark.sql.adaptive.enabled": adaptive}
    before = {key: spark.conf.get(key) for key in settings}
    try:
        for key, value in settings.items():
            spark.conf.set(key, value)
        shuffled_df = topics_df.repartition(num_partitions, "tags")
        space = tag_vectors.fit_tag_space(shuffled_df, sessions_df.repartition(num_partitions), SMALL, seed=7)
    finally:
        for key, value in before.items():
            spark.conf.set(key, str(value))
    assert space.vocabulary == wanted.vocabulary
    assert space.version == wanted.version
    assert len({token[:4] for token in space.vocabulary}) == 2  # tags and GIFs


def test_another_seed_gives_another_space(topics_df: DataFrame) -> None:
    spaces = [tag_vectors.fit_tag_space(topics_df, None, SMALL, seed=seed) for seed in (7, 8)]
    assert spaces[0].version != spaces[1].version


@pytest.mark.parametrize("tags_of", [{}, {"1": []}, {"1": ["once"], "2": ["never again"]}])
def test_too_few_tags_give_an_empty_space_in_which_all_abstain(
    spark: SparkSession, tags_of: dict[str, list[str] | None]
) -> None:
    catalog_df = catalog(spark, tags_of)
    space = tag_vectors.fit_tag_space(catalog_df, None, Config().semantic, seed=7)
    assert space.vocabulary == ()
    assert tag_vectors.embed_tags(catalog_df, space, Config()).collect() == []


SPACE = TagSpace(
    ("tag:cat", "tag:dog", "gif:4"), np.array([[1, 0], [0, 1], [-1, 0]], np.float32), np.array([3.0, 4.0, 1.0])
)
TWO = Config(semantic=SemanticConfig(vector_size=2))


def test_new_to_a_space_are_the_tokens_that_would_get_a_vector_and_have_none(spark: SparkSession) -> None:
    tags = {"g1": ["a", "b", "c"], "g2": ["a", "b", "c"], "g3": ["a", "d"]}
    sentences_df = tag_vectors.sentences(catalog(spark, tags), None, 3)
    space = TagSpace(("tag:a", "tag:b"), np.ones((2, 4), np.float32), np.ones(2))
    nothing = TagSpace((), np.empty((0, 4), np.float32), np.empty(0))

    def share(space: TagSpace, **settings: Any) -> float:
        return tag_vectors.unknown_share(sentences_df, space, SemanticConfig().model_copy(update=settings))

    assert share(space) == 2 / 8, "c; d is too rare for a vector"
    assert share(space, min_count=1) == 3 / 8
    assert share(space, max_vocabulary=1) == 0, "of b and c, as frequent as each other, none would get one"
    assert share(nothing) == 7 / 8


def test_each_gif_with_a_known_token_gets_a_row_and_the_others_abstain(spark: SparkSession) -> None:
    catalog_df = catalog(spark, {"1": ["cat", "dog"], "2": ["bird"], "3": None, "4": [], "5": ["cat"]})
    rows_df = tag_vectors.embed_tags(catalog_df.repartition(3), SPACE, TWO)
    check_columns(EMBEDDINGS, to_arrow_schema(rows_df.schema))
    rows = {row.gif_id: row for row in rows_df.collect()}
    assert {gif_id: row.embedding for gif_id, row in rows.items()} == {
        "1": pytest.approx([0.6, 0.8]),
        "4": [-1, 0],
        "5": [1, 0],
    }
    assert {(row.expert, row.model_version) for row in rows.values()} == {("semantic", SPACE.version)}


def test_the_version_changes_with_the_tags_alone(spark: SparkSession) -> None:
    def version(tags: list[str]) -> str:
        row: Any = tag_vectors.embed_tags(catalog(spark, {"1": tags}), SPACE, TWO).first()
        return str(row.version)

    assert version(["cat", "x"]) == version(["cat", "x"])
    assert len({version(["cat"]), version(["dog"]), version(["cat", "x"])}) == 3


def test_a_space_of_another_size_than_the_config_is_refused(spark: SparkSession) -> None:
    with pytest.raises(InputError, match=r"vectors of 2, semantic\.vector_size is 64"):
        tag_vectors.embed_tags(catalog(spark, {}), SPACE, Config())


def test_sessions_are_read_and_rows_that_do_not_fit_are_counted(spark: SparkSession, tmp_path: Path) -> None:
    lines = [
        json.dumps({"session_id": "a", "gif_ids": ["1", "2"]}),
        json.dumps({"session_id": "b", "gif_ids": [], "device": "phone"}),
        json.dumps({"gif_ids": ["1"]}),
        json.dumps({"session_id": "c"}),
        json.dumps({"session_id": "d", "gif_ids": "1"}),
        json.dumps({"session_id": "e", "gif_ids": ["1", None]}),
        json.dumps({"session_id": "f", "gif_ids": ["1", {"id": "2"}]}),
        json.dumps({"session_id": "g", "gif_ids": [["1"]]}),
        json.dumps({"session_id": "h", "gif_ids": [True]}),
        json.dumps({"session_id": "i", "gif_ids": ["1", " "]}),
        json.dumps({"session_id": {"id": "j"}, "gif_ids": ["1"]}),
        json.dumps({"session_id": " ", "gif_ids": ["1"]}),
        json.dumps({"session_id": "k", "gif_ids": ["1"]}) * 2,
        "{not json",
        "",
        json.dumps({"session_id": " n\u00a0", "gif_ids": [" 1\t", "2 3"]}),
        json.dumps({"session_id": 7, "gif_ids": [1, 2]}),
    ]
    (tmp_path / "sessions[1].jsonl").write_text("\n".join(lines))
    sessions_df, num_ignored = tag_vectors.read_sessions(spark, str(tmp_path / "sessions[1].jsonl"))
    assert {row.session_id: row.gif_ids for row in sessions_df.collect()} == {
        "a": ["1", "2"],
        "b": [],
        "n": ["1", "2 3"],
        "7": ["1", "2"],
    }
    assert num_ignored == 12


def test_a_file_without_one_session_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("user,gifs\na,b\n")
    with pytest.raises(InputError, match=r"none of its 1 rows is a session: they have session_id and the list gif_ids"):
        tag_vectors.read_sessions(spark, str(tmp_path / "s.csv"))


def test_unreadable_sessions_are_one_line_that_names_them(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.jsonl: there is no such file") as error:
        tag_vectors.read_sessions(spark, str(tmp_path / "gone.jsonl"))
    assert "\n" not in str(error.value)
    with pytest.raises(InputError, match="the bucket does not exist") as error:
        tag_vectors.read_sessions(spark, "s3a://no-such-bucket-of-sessions/x.jsonl")
    assert "\n" not in str(error.value)

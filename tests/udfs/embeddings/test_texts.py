"""From what is written in GIFs to the text expert's embeddings, each distinct text once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import to_arrow_schema

from autotag_core.config import Config, SparkConfig, TextConfig
from autotag_core.errors import InputError
from autotag_core.experts import load_language_model
from autotag_core.experts.text.language_model import model_version
from autotag_core.tables import EMBEDDINGS, MEDIA, check_columns
from udfs.embeddings import frames as embeddings
from udfs.embeddings import texts

MEDIA_DDL = "gif_id string, text string"
GIFS = "gif_id string, uri string, renditions array<string>"
CONFIG = Config(experts=("text",), spark=SparkConfig(partitions=1))


@pytest.fixture(scope="module")
def rows_df(spark: SparkSession) -> Iterator[DataFrame]:
    rows = [
        ("a", "Good\nLUCK!"),
        ("b", "good   luck! "),
        ("c", "my apologies"),
        ("silent", None),
        ("blank", " \n "),
        ("d", "I'm so sorry"),
    ]
    kept_df = texts.embed_texts(spark.createDataFrame(rows, MEDIA_DDL), CONFIG).persist()
    yield kept_df
    kept_df.unpersist()


def test_gifs_without_words_abstain_and_every_other_gif_has_one_row(rows_df: DataFrame) -> None:
    assert sorted(row.gif_id for row in rows_df.collect()) == ["a", "b", "c", "d"]


def test_rows_are_those_of_the_embeddings_table(rows_df: DataFrame) -> None:
    check_columns(EMBEDDINGS, to_arrow_schema(rows_df.schema))
    assert rows_df.columns == EMBEDDINGS.schema.names
    assert {(row.expert, row.model_version) for row in rows_df.collect()} == {("text", model_version(CONFIG.text))}


def test_texts_that_differ_in_case_and_spaces_alone_are_one_text(rows_df: DataFrame) -> None:
    rows = {row.gif_id: row for row in rows_df.collect()}
    assert rows["a"].version == rows["b"].version != rows["c"].version
    assert rows["a"].embedding == rows["b"].embedding
    oracle = load_language_model(TextConfig(), torch.device("cpu")).embed(["good luck!", "my apologies"])
    assert np.array(rows["a"].embedding, np.float32).tobytes() == oracle[0].tobytes()
    assert np.array(rows["c"].embedding, np.float32).tobytes() == oracle[1].tobytes()


def test_what_means_the_same_is_near(rows_df: DataFrame) -> None:
    vectors = {row.gif_id: np.array(row.embedding) for row in rows_df.collect()}
    assert vectors["c"] @ vectors["d"] > vectors["c"] @ vectors["a"]


def test_gifs_with_one_text_share_its_vector_however_many_tasks_there_are(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    media_df = spark.createDataFrame([(f"g{i}", f"word {i % 5}") for i in range(40)], MEDIA_DDL)
    found = {}
    for texts_per_task in (1, 2000):
        monkeypatch.setattr(texts, "TEXTS_PER_TASK", texts_per_task)
        found[texts_per_task] = {
            row.gif_id: tuple(row.embedding) for row in texts.embed_texts(media_df, CONFIG).collect()
        }
    assert found[1] == found[2000]
    assert len(found[1]) == 40
    assert len(set(found[1].values())) == 5


def test_a_catalog_without_any_words_gives_no_row(spark: SparkSession) -> None:
    assert texts.embed_texts(spark.createDataFrame([("a", None)], MEDIA_DDL), CONFIG).count() == 0


def test_a_model_that_is_missing_is_an_error_before_any_task(spark: SparkSession) -> None:
    config = Config(text=TextConfig(language_model="gpt2"))
    with pytest.raises(InputError, match=r"text\.weights=FOLDER"):
        texts.embed_texts(spark.createDataFrame([], MEDIA_DDL), config)


def test_from_files_to_embeddings_of_their_words(spark: SparkSession, tmp_path: Path) -> None:
    for name, words in (("says", "thank you"), ("silent", "")):
        frames = [Image.new("RGB", (160, 120), (180, 180 + i, 220)) for i in range(4)]
        for frame in frames:
            font = ImageFont.load_default(24)
            ImageDraw.Draw(frame).text((80, 80), words, "white", font, "mm", stroke_width=2, stroke_fill="black")
        frames[0].save(tmp_path / f"{name}.gif", save_all=True, append_images=frames[1:], duration=100)
    names = ("says", "silent", "missing")
    catalog_df = spark.createDataFrame([(name, str(tmp_path / f"{name}.gif"), []) for name in names], GIFS)
    media_df = embeddings.media_rows(embeddings.embed_frames(catalog_df, CONFIG)).persist()
    check_columns(MEDIA, to_arrow_schema(media_df.schema))
    media = {row.gif_id: row for row in media_df.collect()}
    assert set(media) == {"says", "silent"}
    assert media["says"].text.replace(" ", "").lower() == "thankyou"
    (line,) = media["says"].text_lines
    assert (line.text, line.num_frames) == (media["says"].text, 2)
    assert line.confidence > 0.8
    assert (media["silent"].text, media["silent"].text_lines) == (None, None)
    assert "text_skipped" in media["silent"].notes
    assert [row.gif_id for row in texts.embed_texts(media_df, CONFIG).collect()] == ["says"]
    media_df.unpersist()


def test_without_the_text_expert_nobody_reads(spark: SparkSession, tmp_path: Path) -> None:
    Image.new("RGB", (64, 64)).save(tmp_path / "a.gif")
    catalog_df = spark.createDataFrame([("a", str(tmp_path / "a.gif"), [])], GIFS)
    config = Config(experts=("semantic",), spark=SparkConfig(partitions=1))
    (row,) = embeddings.media_rows(embeddings.embed_frames(catalog_df, config)).collect()
    assert (row.text, row.text_lines) == (None, None)

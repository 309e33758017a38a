"""What search documents mean: which words count, and what is taken over from last night."""

from __future__ import annotations

import pyarrow as pa
import pytest

from autotag_core.config import TextConfig
from autotag_core.experts.text.sentences import as_bytes, load_sentences
from autotag_core.tables import SEARCH_DOCUMENTS, check_columns
from udfs.search import meanings
from udfs.search.meanings import add_meanings, sentence

DOCUMENTS = (
    "gif_id string, tags array<struct<tag:string,weight:float,confidence:float,accepted:boolean>>, caption string, "
    "text string, popularity bigint, uri string, related_gifs array<string>, "
    "people array<string>, written_tags array<string>, trend float, meaning array<tinyint>"
)


def documents_df(spark, *rows):
    """Rows of (gif_id, tags, caption, text, meaning)."""
    whole = [
        (gif_id, [(tag, 1.0, 1.0, None) for tag in tags], caption, text, 0, "a.gif", [], [], [], None, meaning)
        for gif_id, tags, caption, text, meaning in rows
    ]
    return spark.createDataFrame(whole, DOCUMENTS)


@pytest.mark.parametrize(
    ("tags", "caption", "text", "said"),
    [
        (["happy cat", "pet"], "a cat at a window", "HELLO", "happy cat, pet. a cat at a window. HELLO"),
        ([], None, "HELLO", "HELLO"),
        (list("abcdefghij"), None, None, "a, b, c, d, e, f, g, h"),
        ([], None, None, ""),
    ],
)
def test_a_sentence_has_the_eight_heaviest_tags_the_caption_and_the_text(spark, tags, caption, text, said):
    found = documents_df(spark, ("a", tags, caption, text, None)).select(sentence().alias("said")).collect()
    assert [row["said"] for row in found] == [said]


def test_a_meaning_is_minilms_vector_of_the_sentence_and_null_without_words(spark):
    found_df = add_meanings(
        documents_df(spark, ("a", ["cat"], "a kitten", None, None), ("b", [], None, None, None)), TextConfig()
    )
    rows = {row["gif_id"]: row["meaning"] for row in found_df.collect()}
    oracle = as_bytes(load_sentences(TextConfig()).embed(["cat. a kitten"]))[0].tolist()
    assert rows == {"a": oracle, "b": None}
    check_columns(SEARCH_DOCUMENTS, found_df.limit(1).toArrow().schema)


def test_last_nights_meaning_stays_where_the_sentence_does(spark):
    known_df = documents_df(spark, ("a", ["cat"], None, None, [7]), ("b", ["cat"], None, None, [8]))
    asked_df = documents_df(spark, ("a", ["cat"], None, None, None), ("b", ["dog"], None, None, None))
    rows = {row["gif_id"]: row["meaning"] for row in add_meanings(asked_df, TextConfig(), known_df).collect()}
    assert rows["a"] == [7]
    assert rows["b"] == as_bytes(load_sentences(TextConfig()).embed(["dog"]))[0].tolist()


def test_a_task_with_nothing_new_loads_no_model(monkeypatch):
    monkeypatch.setattr(meanings, "_embedded", lambda texts, _: {} if not texts else pytest.fail(f"asked for {texts}"))
    row = dict.fromkeys(SEARCH_DOCUMENTS.schema.names) | {"gif_id": "a", "sentence": "cat", "known": [7]}
    schema = pa.schema([*SEARCH_DOCUMENTS.plain_schema, ("sentence", pa.string()), ("known", pa.list_(pa.int8()))])
    (found,) = meanings.mean_batches([pa.RecordBatch.from_pylist([row], schema=schema)], TextConfig())
    assert found["meaning"].to_pylist() == [[7]]

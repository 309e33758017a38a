import pyarrow as pa
from pyspark.sql.pandas.types import to_arrow_schema

from autotag_core.search import BulkOutcome, Refusal
from autotag_core.tables import SEARCH_DOCUMENTS, check_columns
from udfs.search.documents import _documents, _report, build_search_documents

CATALOG = "gif_id string, uri string, caption string, popularity bigint"
VOTED_TAGS = (
    "gif_id string, tag string, confidence float, score float, probability float, accepted boolean, source string"
)


MEDIA = "gif_id string, version string, text string"


def _whole(row):
    """A row of VOTED_TAGS from its first columns."""
    return (*row, *(0.0, None, None, "confirmed")[len(row) - 3 :])


def rows_of(spark, catalog, voted_tags, media=None):
    documents_df = build_search_documents(
        spark.createDataFrame(catalog, CATALOG),
        spark.createDataFrame([_whole(row) for row in voted_tags], VOTED_TAGS),
        None if media is None else spark.createDataFrame(media, MEDIA),
    )
    return sorted(
        (row["gif_id"], [(tag["tag"], round(tag["weight"], 6)) for tag in row["tags"]], *row[2:6])
        for row in documents_df.collect()
    )


def test_a_tags_weight_is_its_probability_and_without_one_its_confidence_or_score(spark):
    catalog = [("a", "a.gif", None, 1)]
    voted_tags = [
        ("a", "sure", 0.7, 0.1, 0.95, True),
        ("a", "doubted", 1.0, 0.9, 0.05, False),
        ("a", "uncalibrated", 0.7, 0.25, None, None),
        ("a", "proposed", 0.0, 0.5, None, None),
    ]
    assert rows_of(spark, catalog, voted_tags)[0][1] == [
        ("sure", 0.95),
        ("uncalibrated", 0.7),
        ("proposed", 0.5),
        ("doubted", 0.05),
    ]


def test_what_an_editor_said_weighs_one_whatever_its_score(spark):
    voted_tags = [
        ("a", "sure", 1.0, 0.9, 0.99, True, "confirmed"),
        ("a", "edited", 1.0, 0.001, None, True, "editorial"),
        ("a", "edited too", 1.0, 0.001, 0.02, False, "editorial"),
        ("a", "kept", 1.0, 0.2, 0.3, False, "original"),
    ]
    assert rows_of(spark, [("a", "a.gif", None, 1)], voted_tags)[0][1] == [
        ("edited", 1.0),
        ("edited too", 1.0),
        ("sure", 0.99),
        ("kept", 0.3),
    ]


def test_tags_are_ordered_by_weight_and_then_alphabetically(spark):
    catalog = [("a", "s3a://gifs/a.gif", "a cat", 5), ("b", "s3a://gifs/b.gif", None, 0)]
    voted_tags = [
        ("a", "dog", 0.7),
        ("a", "zebra", 1.0),
        ("a", "bird", 0.7),
        ("a", "cat", 0.25),
        ("b", "cat", 0.0),
        ("a", "ant", 1.0),
    ]
    assert rows_of(spark, catalog, voted_tags) == [
        (
            "a",
            [("ant", 1.0), ("zebra", 1.0), ("bird", 0.7), ("dog", 0.7), ("cat", 0.25)],
            "a cat",
            None,
            5,
            "s3a://gifs/a.gif",
        ),
        ("b", [("cat", 0.0)], None, None, 0, "s3a://gifs/b.gif"),
    ]


def test_every_catalog_gif_has_one_document_and_no_other_gif_has_one(spark):
    catalog = [("a", "a.gif", None, 1), ("untagged", "u.gif", "words", None)]
    voted_tags = [("a", "cat", 1.0), ("not in the catalog", "cat", 1.0)]
    assert rows_of(spark, catalog, voted_tags) == [
        ("a", [("cat", 1.0)], None, None, 1, "a.gif"),
        ("untagged", [], "words", None, 0, "u.gif"),
    ]


def test_a_document_says_what_is_written_in_the_gif_and_one_without_media_is_there_all_the_same(spark):
    catalog = [("a", "a.gif", None, 1), ("b", "b.gif", None, 1), ("unread", "u.gif", None, 1)]
    media = [("a", "1", "good\nluck"), ("b", "2", None), ("not in the catalog", "3", "lost")]
    assert rows_of(spark, catalog, [], media) == [
        ("a", [], None, "good\nluck", 1, "a.gif"),
        ("b", [], None, None, 1, "b.gif"),
        ("unread", [], None, None, 1, "u.gif"),
    ]


def test_the_columns_are_those_of_the_table(spark):
    documents_df = build_search_documents(spark.createDataFrame([], CATALOG), spark.createDataFrame([], VOTED_TAGS))
    check_columns(SEARCH_DOCUMENTS, to_arrow_schema(documents_df.schema))
    assert documents_df.columns == SEARCH_DOCUMENTS.schema.names


def test_what_is_not_known_is_an_empty_list_but_no_meaning_is_null_since_no_vector_is_empty(spark):
    catalog_df = spark.createDataFrame([("a", "a.gif", None, 1)], CATALOG)
    document = build_search_documents(catalog_df, spark.createDataFrame([], VOTED_TAGS)).first()
    assert (document.related_gifs, document.people, document.written_tags, document.meaning) == ([], [], [], None)


def test_elasticsearch_gets_the_short_decimal_of_a_confidence():
    tags = [
        {"tag": "cat", "weight": 0.8, "confidence": 0.7, "accepted": True},
        {"tag": "dog", "weight": 0.1, "confidence": 1 / 3, "accepted": None},
    ]
    rows = [{"gif_id": "a", "tags": tags}]
    batch = pa.RecordBatch.from_pylist(
        [*rows] * 3, schema=pa.schema([SEARCH_DOCUMENTS.schema.field(n) for n in (0, 1)])
    )
    documents = list(_documents([batch, batch]))
    assert len(documents) == 6
    assert documents[5]["tags"] == [
        {"tag": "cat", "weight": 0.8, "confidence": 0.7, "accepted": True},
        {"tag": "dog", "weight": 0.1, "confidence": 0.33333334, "accepted": None},
    ]


def test_a_report_has_a_row_for_each_refused_document_and_one_for_the_number_indexed():
    outcome = BulkOutcome(8, (Refusal("a", "too long (400)"), Refusal("b", "no number (400)")))
    assert _report(outcome).to_pylist() == [
        failure("a", "too long (400)"),
        failure("b", "no number (400)"),
        {"gif_id": None, "stage": None, "reason": None, "message": None, "num_indexed": 8},
    ]


def failure(gif_id, message):
    return {
        "gif_id": gif_id,
        "stage": "search_documents",
        "reason": "refused_document",
        "message": message,
        "num_indexed": None,
    }


def test_a_document_says_how_much_its_gif_rises_and_nothing_of_others(spark):
    trends = [("gif", "a", 1.234), ("gif", "a", 0.5), ("gif", "b", -0.2), ("tag", "cat", 3.0), ("query", "c", 2.0)]
    catalog = [(name, f"{name}.gif", None, 1) for name in ("a", "b", "c")]
    documents_df = build_search_documents(
        spark.createDataFrame(catalog, CATALOG),
        spark.createDataFrame([], VOTED_TAGS),
        trends_df=spark.createDataFrame(trends, "kind string, item string, score float"),
    )
    rows = documents_df.toArrow()
    assert dict(zip(rows["gif_id"].to_pylist(), rows["trend"].to_pylist(), strict=True)) == {
        "a": pa.scalar(1.23, pa.float32()).as_py(),
        "b": None,
        "c": None,
    }
    sent = {document["gif_id"]: document["trend"] for batch in rows.to_batches() for document in _documents([batch])}
    assert sent == {"a": 1.23, "b": None, "c": None}

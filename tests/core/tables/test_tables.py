"""Every table is declared once, in order and explained; one error names all wrong columns."""

from __future__ import annotations

import pyarrow as pa
import pytest

from autotag_core.errors import AutotagError
from autotag_core.tables import CATALOG, FAILURES, SEARCH_DOCUMENTS, TABLES, VOTED_TAGS, Table, check_columns


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_a_table_names_its_key_its_partitions_and_what_each_column_means(table: Table) -> None:
    names = table.schema.names
    assert table.name == table.name.lower() and table.row
    assert len(set(names)) == len(names)
    assert set(table.key) | set(table.partition_by) <= set(names)
    unexplained = [item.name for item in table.schema if not item.metadata[b"comment"]]
    assert unexplained == []


def test_the_tables_stand_in_the_order_in_which_data_flows() -> None:
    assert list(TABLES) == [
        "catalog",
        "labels",
        "label_decisions",
        "label_edits",
        "written_tags",
        "chosen_tags",
        "editorial_decisions",
        "decided_tags",
        "media",
        "embeddings",
        "neighbors",
        "duplicates",
        "related_tags",
        "related_gifs",
        "related_searches",
        "expert_weights",
        "tag_thresholds",
        "voted_tags",
        "trends",
        "search_documents",
        "training_examples",
        "training_labels",
        "training_funnel",
        "frame_features",
        "tagger_models",
        "predictions",
        "choices",
        "faces",
        "people",
        "gallery",
        "gallery_thumbnails",
        "failures",
        "runs",
    ]


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_the_right_columns_are_accepted_in_any_order(table: Table) -> None:
    check_columns(table, table.schema)
    check_columns(table, pa.schema(list(reversed(list(table.schema)))))


def test_one_error_lists_every_mismatch() -> None:
    found = pa.schema([("gif_id", pa.int64()), ("stage", pa.string()), ("reasons", pa.string())])
    with pytest.raises(AutotagError) as caught:
        check_columns(FAILURES, found)
    assert str(caught.value) == (
        "table failures: reason is missing, it must be string; message is missing, it must be string; "
        "reasons is unknown; gif_id is int64, it must be string"
    )


@pytest.mark.parametrize(
    ("table", "name", "kind"),
    [
        (CATALOG, "tags", pa.list_(pa.field("element", pa.string(), nullable=False))),
        (VOTED_TAGS, "votes", pa.map_(pa.string(), pa.field("value", pa.int32(), nullable=False))),
        (
            SEARCH_DOCUMENTS,
            "tags",
            pa.list_(
                pa.field(
                    "x",
                    pa.struct(
                        [
                            pa.field("tag", pa.string(), False),
                            ("weight", pa.float32()),
                            ("confidence", pa.float32()),
                            ("accepted", pa.bool_()),
                        ]
                    ),
                )
            ),
        ),
    ],
)
def test_the_names_of_list_items_and_whether_they_may_be_null_make_no_other_type(
    table: Table, name: str, kind: pa.DataType
) -> None:
    place = table.schema.get_field_index(name)
    check_columns(table, table.schema.set(place, pa.field(name, kind, nullable=False)))


@pytest.mark.parametrize(
    ("table", "name", "kind"),
    [
        (CATALOG, "tags", pa.list_(pa.int64())),
        (CATALOG, "tags", pa.string()),
        (CATALOG, "popularity", pa.int32()),
        (VOTED_TAGS, "confidence", pa.float64()),
        (VOTED_TAGS, "votes", pa.map_(pa.string(), pa.int64())),
        (SEARCH_DOCUMENTS, "tags", pa.list_(pa.struct([("confidence", pa.float32()), ("tag", pa.string())]))),
        (SEARCH_DOCUMENTS, "tags", pa.list_(pa.struct([("tag", pa.string())]))),
    ],
)
def test_another_type_is_refused_and_both_are_named(table: Table, name: str, kind: pa.DataType) -> None:
    place = table.schema.get_field_index(name)
    with pytest.raises(AutotagError, match="it must be") as caught:
        check_columns(table, table.schema.set(place, pa.field(name, kind)))
    assert str(caught.value).startswith(
        f"table {table.name}: {name} is {kind}, it must be {table.schema.field(name).type}"
    )

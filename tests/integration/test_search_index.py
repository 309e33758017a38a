"""Search documents from Spark into a real Elasticsearch, and the alias that readers use."""

from __future__ import annotations

import uuid

import pytest

from autotag_core.config import ElasticsearchConfig
from autotag_core.errors import InputError, NotPublishedError
from autotag_core.search import (
    ElasticsearchCredentials,
    Owner,
    bulk_index,
    change_mark,
    check_alias,
    check_count,
    copy_index,
    create_index,
    current_indexes,
    elasticsearch_client,
    finish_index,
    held_release,
    mark_published,
    move_alias,
    prune_indexes,
    search_gifs,
    swap_alias,
)
from autotag_core.search.never import Never
from autotag_core.search.serving.searches import Searches
from udfs.search.documents import (
    IndexTarget,
    change_documents,
    count_indexed,
    document_changes,
    executor_errors,
    index_documents,
    refused_documents,
)
from udfs.tasks.table_files import write_rows

pytestmark = pytest.mark.integration

DOCUMENTS = (
    "gif_id string, tags array<struct<tag:string,weight:float,confidence:float,accepted:boolean>>, caption string, "
    "text string, popularity bigint, uri string, related_gifs array<string>, "
    "people array<string>, written_tags array<string>, trend float, meaning array<tinyint>"
)
CONFIG = ElasticsearchConfig(writers=2, keep_indexes=1).model_copy(
    update={"attempts": 3, "initial_backoff_s": 0.001, "max_backoff_s": 0.01}
)


ON_BOTH = pytest.mark.parametrize("server", ["elasticsearch", "elasticsearch_9"], indirect=True)


@pytest.fixture
def server(request):
    """The URL of a real Elasticsearch: 8, unless the test says otherwise."""
    return request.getfixturevalue(getattr(request, "param", "elasticsearch"))


@pytest.fixture
def client(server):
    with elasticsearch_client(server, CONFIG) as client:
        yield client


@pytest.fixture
def alias(client):
    name = f"gifs{uuid.uuid4().hex[:8]}"
    yield name
    for index in client.indices.get(index=f"{name}*"):
        client.indices.delete(index=index)


def owner(alias, warehouse="s3a://bucket/warehouse"):
    return Owner(alias, warehouse)


def document(gif_id, *tags, caption=None, text=None, popularity=0, people=(), written=()):
    """A tag is (tag, weight) or (tag, weight, accepted); its confidence is another number, that nothing ranks by."""
    rows = [(tag, weight, 0.5, accepted[0] if accepted else None) for tag, weight, *accepted in tags]
    words = (["near", "far"], list(people), list(written), None, None)
    return (gif_id, rows, caption, text, popularity, f"s3a://gifs/{gif_id}.gif", *words)


def fill(client, index, rows):
    names = (
        "gif_id",
        "tags",
        "caption",
        "text",
        "popularity",
        "uri",
        "related_gifs",
        "people",
        "written_tags",
        "trend",
        "meaning",
    )
    documents = [dict(zip(names, row, strict=True)) for row in rows]
    for item in documents:
        item["tags"] = [
            dict(zip(("tag", "weight", "confidence", "accepted"), tag, strict=True)) for tag in item["tags"]
        ]
    outcomes = list(bulk_index(client, index, documents, CONFIG))
    assert [outcome.refused for outcome in outcomes if outcome.refused] == []


def run(client, alias, run_id, rows=()):
    """A run from its new index to the moved alias; returns the index and what was pruned."""
    index = create_index(client, owner(alias), run_id, CONFIG)
    fill(client, index, rows)
    check_count(finish_index(client, index, CONFIG), len(rows), 0, CONFIG)
    swap_alias(client, alias, index, CONFIG, run_id)
    return index, prune_indexes(client, owner(alias), CONFIG)


def report_of(spark, url, index, rows, password=None):
    """The report of executors that index the rows, run once."""
    credentials = ElasticsearchCredentials(username=password and "nightly", password=password)
    target = IndexTarget(url, index, CONFIG, credentials)
    return index_documents(spark.createDataFrame(rows, DOCUMENTS), target).persist()


def exists(client, index):
    return bool(client.indices.exists(index=index))


@ON_BOTH
def test_documents_written_by_executors_are_found_through_the_alias(client, alias, spark, server):
    rows = [document(f"gif-{n:04}", ("cat", 1.0), ("Happy Dog", 0.7), popularity=n) for n in range(2500)]
    index = create_index(client, owner(alias), "20260101T000000Z", CONFIG)
    assert count_indexed(report_of(spark, server, index, rows)) == (2500, 0)
    assert finish_index(client, index, CONFIG) == 2500
    assert swap_alias(client, alias, index, CONFIG, "run") == []
    assert current_indexes(client, alias, CONFIG) == [index]
    found = client.get(index=alias, id="gif-0007")["_source"]
    assert found.pop("meaning", None) is None  # Elasticsearch 9 leaves vectors out of what it shows
    assert found == {
        "gif_id": "gif-0007",
        "tags": [
            {"tag": "cat", "weight": 1.0, "confidence": 0.5, "accepted": None},
            {"tag": "Happy Dog", "weight": 0.7, "confidence": 0.5, "accepted": None},
        ],
        "caption": None,
        "text": None,
        "popularity": 7,
        "uri": "s3a://gifs/gif-0007.gif",
        "related_gifs": ["near", "far"],
        "people": [],
        "written_tags": [],
        "trend": None,
    }


@ON_BOTH
def test_gifs_that_mean_the_same_are_found_on_each_server(client, alias):
    index = create_index(client, owner(alias), "20260101T000000Z", CONFIG)
    for gif_id, place in (("a", 0), ("near", 0), ("far", 200)):
        meaning = [127 if at in (0, place) else 0 for at in range(384)]
        client.index(index=index, id=gif_id, document={"gif_id": gif_id, "tags": [], "meaning": meaning}, refresh=True)
    found = Searches(client, index, Never()).related("a", 2)
    assert [one["gif_id"] for one in found] == ["near", "far"]


def test_who_types_a_name_gets_the_gifs_of_that_person_first(client, alias):
    index = create_index(client, owner(alias), "20260101T000000Z", CONFIG)
    rows = [
        document("tagged", ("ann lee", 1.0), ("lee", 1.0)),
        document("seen", ("smile", 0.5), people=["Ann Lee", "Bob"]),
        document("namesake", ("smile", 0.5), people=["Ann Other"]),
    ]
    fill(client, index, rows)
    finish_index(client, index, CONFIG)
    assert next(hit.gif_id for hit in search_gifs(client, index, "ann lee")) == "seen"
    assert {hit.gif_id for hit in search_gifs(client, index, "bob")} == {"seen"}


def test_what_an_uploader_wrote_is_found_where_tags_are_labels_after_what_has_it_as_a_tag(client, alias):
    index = create_index(client, owner(alias), "20260101T000000Z", CONFIG)
    rows = [
        document("label", ("cat", 0.9), written=["#kitty", "asdf"]),
        document("tag", ("kitty", 0.5)),
        document("other", ("dog", 0.9)),
    ]
    fill(client, index, rows)
    assert finish_index(client, index, CONFIG) == 3
    found = search_gifs(client, index, "kitty")
    assert [(hit.gif_id, hit.tags) for hit in found] == [("tag", (("kitty", 0.5),)), ("label", ())]


def test_a_refused_document_is_a_row_of_failures_and_the_others_are_published(client, alias, spark, elasticsearch):
    index = create_index(client, owner(alias), "20260101T000000Z", CONFIG)
    rows = [document("good", ("cat", 1.0)), document("x" * 600, ("cat", 1.0)), document("nan", ("cat", float("nan")))]
    report_df = report_of(spark, elasticsearch, index, rows)
    assert count_indexed(report_df) == (1, 2)
    failures = {row["gif_id"]: row for row in refused_documents(report_df).collect()}
    assert sorted(failures) == ["nan", "x" * 600]
    assert list(failures["nan"].asDict()) == ["gif_id", "stage", "reason", "message"]
    assert failures["nan"]["stage"] == "search_documents"
    assert failures["nan"]["reason"] == "refused_document"
    assert "Non-standard token 'NaN'" in failures["nan"]["message"]
    assert "must be no longer than 512 bytes" in failures["x" * 600]["message"]
    check_count(finish_index(client, index, CONFIG), 3, 2, CONFIG.model_copy(update={"max_refused_share": 0.7}))
    with pytest.raises(NotPublishedError, match="refused 2 of 3"):
        check_count(finish_index(client, index, CONFIG), 3, 2, CONFIG)


@pytest.mark.parametrize("action", ["count", "write a table"])
def test_an_executor_that_gives_up_is_one_line_on_the_driver(spark, tmp_path, action):
    report_df = report_of(spark, "http://127.0.0.1:1", "gifs-run", [document("a")], password="hunter2")
    with pytest.raises(NotPublishedError) as error:
        if action == "count":
            count_indexed(report_df)
        with executor_errors():
            write_rows(report_df, str(tmp_path / "report"))
    assert str(error.value).startswith("Elasticsearch at http://127.0.0.1:1: not reachable")
    assert "hunter2" not in str(error.value)
    assert str(error.value).endswith("1 documents of a batch not indexed after 3 tries")


def test_an_index_is_not_refreshed_while_it_fills_and_served_normally_after(client, alias):
    index = create_index(client, owner(alias), "20260101T000000Z", CONFIG)
    settings = client.indices.get_settings(index=index)[index]["settings"]["index"]
    assert (settings["refresh_interval"], settings["number_of_replicas"]) == ("-1", "0")
    assert finish_index(client, index, CONFIG) == 0
    settings = client.indices.get_settings(index=index)[index]["settings"]["index"]
    assert ("refresh_interval" in settings, settings["number_of_replicas"]) == (False, "1")


@ON_BOTH
def test_readers_stay_on_the_old_index_until_the_swap_and_the_old_one_stays_for_a_rollback(client, alias):
    first, _ = run(client, alias, "20260101T000000Z", [document("a", ("cat", 1.0))])
    second = create_index(client, owner(alias), "20260102T000000Z", CONFIG)
    fill(client, second, [document("b", ("cat", 1.0))])
    finish_index(client, second, CONFIG)
    assert [hit.gif_id for hit in search_gifs(client, alias, "cat")] == ["a"]
    assert swap_alias(client, alias, second, CONFIG, "run") == [first]
    assert [hit.gif_id for hit in search_gifs(client, alias, "cat")] == ["b"]
    move_alias(client, alias, CONFIG, [second], [first])
    assert [hit.gif_id for hit in search_gifs(client, alias, "cat")] == ["a"]


def test_only_the_newest_earlier_indexes_are_kept(client, alias):
    indexes = [run(client, alias, f"2026010{day}T000000Z") for day in (1, 2, 3, 4)]
    assert [pruned for _, pruned in indexes] == [[], [], [indexes[0][0]], [indexes[1][0]]]
    assert [exists(client, index) for index, _ in indexes] == [False, False, True, True]


def test_nothing_is_deleted_where_the_index_of_the_alias_is_not_known_to_hold_a_whole_release(client, alias):
    first, _ = run(client, alias, "20260101T000000Z")
    second, _ = run(client, alias, "20260102T000000Z")
    none = CONFIG.model_copy(update={"keep_indexes": 0})
    change_mark(client, second, CONFIG, holds=None)
    assert prune_indexes(client, owner(alias), none) == []
    change_mark(client, second, CONFIG, holds="20260102T000000Z")
    assert prune_indexes(client, owner(alias, "s3a://other"), none) == []
    assert prune_indexes(client, owner(alias), none) == [first]


def test_an_alias_moves_only_from_where_it_was_and_twice_is_as_once(client, alias):
    first, _ = run(client, alias, "20260101T000000Z")
    second, _ = run(client, alias, "20260102T000000Z")
    third = create_index(client, owner(alias), "20260103T000000Z", CONFIG)
    with pytest.raises(NotPublishedError, match=f"is on {second}, it should be on {third}: .*aliases_not_found"):
        move_alias(client, alias, CONFIG, [first], [third])
    assert current_indexes(client, alias, CONFIG) == [second]
    for _ in range(2):
        move_alias(client, alias, CONFIG, [second], [third])
    assert current_indexes(client, alias, CONFIG) == [third]
    move_alias(client, alias, CONFIG, [third], [])
    assert current_indexes(client, alias, CONFIG) == []


def test_a_leftover_of_a_failed_run_is_deleted_by_the_next_published_one_but_not_a_younger_one(client, alias):
    failed = create_index(client, owner(alias), "20260101T000000Z", CONFIG)
    index = create_index(client, owner(alias), "20260102T000000Z", CONFIG)
    filling = create_index(client, owner(alias), "20260103T000000Z", CONFIG)
    swap_alias(client, alias, index, CONFIG, "run")
    assert prune_indexes(client, owner(alias), CONFIG) == [failed]
    assert [exists(client, name) for name in (failed, index, filling)] == [False, True, True]


def test_nothing_is_pruned_that_another_alias_or_another_hand_made_or_that_readers_use(client, alias):
    neighbor, _ = run(client, f"{alias}-other", "20260101T000000Z")
    client.indices.create(index=f"{alias}-by-hand")
    first, _ = run(client, alias, "20260102T000000Z")
    second, _ = run(client, alias, "20260103T000000Z")
    move_alias(client, alias, CONFIG, [second], [first])
    none = CONFIG.model_copy(update={"keep_indexes": 0})
    assert prune_indexes(client, owner(alias), none) == [second]
    assert [exists(client, name) for name in (neighbor, f"{alias}-by-hand", first)] == [True, True, True]


def test_an_alias_on_an_index_that_somebody_else_made_is_moved_and_that_index_is_left_alone(client, alias):
    client.indices.create(index=f"{alias}-by-hand", aliases={alias: {}})
    index, pruned = run(client, alias, "20260102T000000Z")
    assert current_indexes(client, alias, CONFIG) == [index]
    assert (pruned, exists(client, f"{alias}-by-hand")) == ([], True)


def test_an_index_says_whose_documents_it_holds_once_it_was_filled_to_the_end_and_published(client, alias):
    index, _ = run(client, alias, "20260101T000000Z")
    assert held_release(client, owner(alias), index, CONFIG) == "20260101T000000Z"
    assert held_release(client, owner(f"{alias}-other"), index, CONFIG) is None
    assert held_release(client, owner(alias, "s3a://other"), index, CONFIG) is None
    copy = copy_index(client, index, owner(alias), "20260102T000000Z", CONFIG)
    assert held_release(client, owner(alias), copy, CONFIG) is None
    finish_index(client, copy, CONFIG)
    mark_published(client, copy, CONFIG, holds="20260102T000000Z")
    assert held_release(client, owner(alias), copy, CONFIG) == "20260102T000000Z"
    failed = create_index(client, owner(alias), "20260103T000000Z", CONFIG)
    client.indices.create(index=f"{alias}-by-hand")
    strange = (failed, f"{alias}-by-hand", "gone")
    assert [held_release(client, owner(alias), name, CONFIG) for name in strange] == [None] * 3


@ON_BOTH
def test_documents_that_differ_are_changed_in_a_copy_that_nobody_reads_until_the_alias_moves(
    client, alias, spark, server
):
    index, _ = run(
        client, alias, "20260101T000000Z", [document(name, ("cat", 1.0)) for name in ("same", "new", "gone")]
    )
    before = [document(name, ("cat", 1.0)) for name in ("same", "changed", "gone", "never there")]
    after = [document("same", ("cat", 1.0)), document("changed", ("dog", 1.0)), document("new", ("cat", 0.5))]
    changes_df = document_changes(*(spark.createDataFrame(rows, DOCUMENTS) for rows in (after, before)))
    assert sorted((row["gif_id"], row["is_gone"]) for row in changes_df.collect()) == [
        ("changed", False),
        ("gone", True),
        ("never there", True),
        ("new", False),
    ]
    copy = copy_index(client, index, owner(alias), "20260102T000000Z", CONFIG)
    assert copy_index(client, index, owner(alias), "20260102T000000Z", CONFIG) == copy, "the answer may be lost"
    target = IndexTarget(server, copy, CONFIG, ElasticsearchCredentials())
    assert count_indexed(change_documents(changes_df, target)) == (4, 0)
    assert finish_index(client, copy, CONFIG) == 3
    assert {hit["_id"] for hit in client.search(index=alias)["hits"]["hits"]} == {"same", "new", "gone"}
    swap_alias(client, alias, copy, CONFIG, "20260102T000000Z")
    found = {hit["_id"]: hit["_source"] for hit in client.search(index=alias)["hits"]["hits"]}
    tags = {name: [(tag["tag"], tag["weight"]) for tag in source["tags"]] for name, source in found.items()}
    assert tags == {"same": [("cat", 1.0)], "changed": [("dog", 1.0)], "new": [("cat", 0.5)]}
    # a copy of a copy, which takes documents again
    third = copy_index(client, copy, owner(alias), "20260103T000000Z", CONFIG)
    fill(client, third, [document("late", ("cat", 1.0))])
    assert finish_index(client, third, CONFIG) == 4


def test_an_index_that_has_the_name_of_the_alias_stops_the_run_before_any_work(client, alias):
    check_alias(client, owner(alias), CONFIG)
    client.indices.create(index=alias)
    with pytest.raises(InputError, match=f"'{alias}' is an index, not an alias.* choose another --index"):
        check_alias(client, owner(alias), CONFIG)


def test_an_index_that_is_deleted_while_it_fills_is_not_published_though_its_count_is_right(client, alias):
    index = create_index(client, owner(alias), "20260101T000000Z", CONFIG)
    client.indices.delete(index=index)
    fill(client, index, [document("a", ("cat", 1.0))])
    with pytest.raises(NotPublishedError, match=f"{index} was deleted while it was being filled"):
        finish_index(client, index, CONFIG)


def test_a_document_that_is_missing_is_not_published(client, alias):
    index = create_index(client, owner(alias), "20260101T000000Z", CONFIG)
    fill(client, index, [document("a"), document("b")])
    client.delete(index=index, id="a")
    with pytest.raises(NotPublishedError, match="holds 1 documents where 2 belong"):
        check_count(finish_index(client, index, CONFIG), 2, 0, CONFIG)


def test_the_index_of_another_run_with_the_same_id_is_not_written_into(client, alias):
    index = create_index(client, owner(alias), "20260101T000000Z", CONFIG)
    assert create_index(client, owner(alias), "20260101T000000Z", CONFIG) == index
    fill(client, index, [document("a")])
    with pytest.raises(InputError, match="already exists"):
        create_index(client, owner(alias), "20260101T000000Z", CONFIG)


@pytest.fixture
def found(client, alias):
    """gif_ids and matching tags that a search finds among six GIFs."""
    rows = [
        document("sure", ("cat", 1.0), ("grass", 1.0)),
        document("unsure", ("cat", 0.7), ("Grass", 0.2)),
        document("doubtful", ("cat", 0.1)),
        document("black", ("Black Cat", 1.0)),
        document("caption", ("sofa", 1.0), caption="A cat sleeps."),
        document("twin-b", ("dog", 1.0)),
        document("twin-a", ("dog", 1.0)),
        document("viewed", ("dog", 1.0), popularity=1_000_000),
    ]
    run(client, alias, "20260101T000000Z", rows)
    return lambda words, size=10: [(hit.gif_id, hit.tags) for hit in search_gifs(client, alias, words, size)]


def test_the_surer_a_tag_the_higher_its_gif_ranks(found):
    ids = [gif_id for gif_id, _ in found("cat")]
    assert [gif_id for gif_id in ids if gif_id not in ("black", "caption")] == ["sure", "unsure", "doubtful"]
    assert set(ids) == {"sure", "unsure", "doubtful", "black", "caption"}


def test_a_whole_tag_ranks_above_a_word_of_one(found):
    assert [gif_id for gif_id, _ in found("black cat", 1)] == ["black"]
    ids = [gif_id for gif_id, _ in found("cat")]
    assert ids.index("sure") < ids.index("black")


def test_a_whole_tag_counts_in_any_case(client, alias):
    rows = [document("apart", ("BLACK", 1.0), ("CAT", 1.0)), document("together", ("Black Cat", 1.0))]
    run(client, alias, "20260101T000000Z", rows)
    assert [hit.gif_id for hit in search_gifs(client, alias, "bLACK cAT")] == ["together", "apart"]


def test_a_hit_shows_the_tags_that_matched_in_any_case_surest_first(found):
    hits = dict(found("GRASS cat"))
    assert hits["sure"] == (("cat", 1.0), ("grass", 1.0))
    assert hits["unsure"] == (("cat", 0.7), ("Grass", 0.2))
    assert hits["black"] == (("Black Cat", 1.0),)
    assert hits["caption"] == ()


def test_popularity_orders_equals_and_ties_go_by_id(found):
    assert [gif_id for gif_id, _ in found("dog")] == ["viewed", "twin-a", "twin-b"]


def test_popularity_does_not_bury_a_surer_tag(client, alias):
    rows = [document("sure", ("cat", 1.0)), document("seen", ("cat", 0.2), popularity=10**9), document("x", ("y", 1.0))]
    run(client, alias, "20260101T000000Z", rows)
    assert [hit.gif_id for hit in search_gifs(client, alias, "cat")] == ["sure", "seen"]


def test_a_word_that_is_only_in_the_picture_is_found_below_a_tag_and_above_a_caption(client, alias):
    rows = [
        document("says", ("dog", 1.0), text="GOOD\nluck!"),
        document("tagged", ("luck", 1.0)),
        document("about", ("dog", 1.0), caption="some luck"),
        document("other", ("dog", 1.0), text="good night", caption="a dog"),
    ]
    run(client, alias, "20260101T000000Z", rows)
    assert [hit.gif_id for hit in search_gifs(client, alias, "luck")] == ["tagged", "says", "about"]
    assert [hit.gif_id for hit in search_gifs(client, alias, "good luck", 1)] == ["tagged"]
    assert [hit.gif_id for hit in search_gifs(client, alias, "good")] == ["other", "says"]


def test_with_accepted_only_other_tags_neither_find_a_gif_nor_lift_it(client, alias):
    rows = [
        document("sure", ("cat", 0.9, True), ("black cat", 0.2, False)),
        document("doubtful", ("cat", 0.95, False), ("grass", 1.0, True)),
        document("unknown", ("cat", 1.0)),
        document("less", ("cat", 0.4, True)),
        document("said", ("dog", 1.0, True), caption="a cat"),
    ]
    run(client, alias, "20260101T000000Z", rows)
    found = {only: search_gifs(client, alias, "black cat", accepted_only=only) for only in (False, True)}
    assert {hit.gif_id for hit in found[False]} == {"sure", "doubtful", "unknown", "less", "said"}
    assert [(hit.gif_id, hit.tags) for hit in found[True] if hit.tags] == [
        ("sure", (("cat", 0.9),)),
        ("less", (("cat", 0.4),)),
    ]
    assert {hit.gif_id for hit in found[True]} == {"sure", "less", "said"}, "a caption counts all the same"
    assert next(hit.tags for hit in found[False] if hit.gif_id == "sure") == (("cat", 0.9), ("black cat", 0.2))


def test_a_search_finds_nothing_or_has_no_index(found, client):
    assert found("zebra") == []
    with pytest.raises(InputError, match="no such index"):
        search_gifs(client, "no-such-alias", "cat")

import pytest

from autotag_core.config import ElasticsearchConfig
from autotag_core.errors import NotPublishedError
from autotag_core.search import BulkOutcome, bulk_change, bulk_index, elasticsearch_client, finish_index, retries

pytestmark = pytest.mark.integration


def documents(count):
    return [
        {
            "gif_id": f"gif-{number:03}",
            "tags": [{"tag": "cat", "confidence": 0.7}],
            "caption": None,
            "popularity": number,
            "uri": f"s3a://gifs/{number}.gif",
        }
        for number in range(count)
    ]


def fill(url, index, items, config):
    """(documents indexed, refusals) of a whole run over the items."""
    with elasticsearch_client(url, config) as client:
        outcomes = list(bulk_index(client, index, items, config))
    return sum(outcome.num_indexed for outcome in outcomes), [item for outcome in outcomes for item in outcome.refused]


def ids_in(url, index, config):
    with elasticsearch_client(url, config) as client:
        finish_index(client, index, config)
        hits = client.search(index=index, size=10_000, query={"match_all": {}})["hits"]["hits"]
    return sorted(hit["_id"] for hit in hits)


def small(config, **changes):
    return config.model_copy(update={"bulk_documents": 10, **changes})


def test_batches_end_at_the_configured_number_of_documents(faulty, index, config):
    assert fill(faulty.url, index, documents(25), small(config)) == (25, [])
    assert [len(ids) for ids in faulty.bulk_ids] == [10, 10, 5]
    sent = [gif_id for ids in faulty.bulk_ids for gif_id in ids]
    assert sent == ids_in(faulty.url, index, config) == [f"gif-{n:03}" for n in range(25)]


def test_batches_end_at_the_configured_number_of_bytes_but_hold_at_least_one_document(faulty, index, config):
    items = documents(6)
    items[2]["caption"] = "long " * 500
    assert fill(faulty.url, index, items, small(config, bulk_bytes=400)) == (6, [])
    assert [len(ids) for ids in faulty.bulk_ids] == [2, 1, 2, 1]


def test_no_documents_are_no_requests(faulty, index, config):
    assert fill(faulty.url, index, [], config) == (0, [])
    assert faulty.bulk_ids == []


def test_a_document_is_stored_as_it_was_given(elasticsearch, index, config):
    fill(elasticsearch, index, documents(1), config)
    with elasticsearch_client(elasticsearch, config) as client:
        assert client.get(index=index, id="gif-000")["_source"] == documents(1)[0]


@pytest.mark.parametrize(
    "fault", ["429", "502", "503", "504", "html 502", "broken json", "no items", "cut", "cut after"]
)
def test_every_document_arrives_once_through_a_server_that_fails_for_a_while(faulty, index, config, fault):
    faulty.faults = [fault, fault, "forward", fault]
    assert fill(faulty.url, index, documents(25), small(config)) == (25, [])
    assert ids_in(faulty.url, index, config) == [f"gif-{n:03}" for n in range(25)]
    assert len(faulty.bulk_ids) == 3 + 3


@pytest.mark.parametrize("status", [429, 503])
def test_an_item_turned_away_inside_a_good_answer_is_sent_again_alone(faulty, index, config, status):
    faulty.faults = [f"item {status}", f"item {status}"]
    assert fill(faulty.url, index, documents(10), small(config)) == (10, [])
    assert ids_in(faulty.url, index, config) == [f"gif-{n:03}" for n in range(10)]
    assert faulty.bulk_ids[1:] == [["gif-000"], ["gif-000"]]


def test_one_failure_after_another_of_every_kind(faulty, index, config):
    faulty.faults = ["429", "item 429", "cut after", "503", "forward", "cut", "html 502", "item 503", "forward"]
    assert fill(faulty.url, index, documents(30), small(config, attempts=6)) == (30, [])
    assert ids_in(faulty.url, index, config) == [f"gif-{n:03}" for n in range(30)]


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("503", "not available \\(503\\): busy: come back later; 10 documents of a batch not indexed after 4 tries"),
        ("cut", "not reachable.*; 10 documents of a batch not indexed after 4 tries"),
        ("item 429", "es_rejected_execution_exception: queue full \\(429\\); 1 documents .* not indexed after 4 tries"),
    ],
)
def test_a_failure_that_lasts_ends_after_the_configured_tries(faulty, index, config, fault, says):
    faulty.after = fault
    with pytest.raises(NotPublishedError, match=says):
        fill(faulty.url, index, documents(25), small(config))
    assert len(faulty.bulk_ids) == config.attempts


@pytest.mark.parametrize("fault", ["401", "403", "item 403", "item 404"])
def test_what_would_refuse_every_document_ends_at_once(faulty, index, config, fault):
    faulty.after = fault
    with pytest.raises(NotPublishedError):
        fill(faulty.url, index, documents(25), small(config))
    assert len(faulty.bulk_ids) == 1


def refused_ids(refusals):
    return [refusal.gif_id for refusal in refusals]


def test_documents_that_elasticsearch_refuses_are_told_and_the_others_indexed(faulty, index, config):
    items = documents(6)
    items[1]["tags"][0]["confidence"] = "0.9"
    items[2]["tags"][0]["confidence"] = float("nan")
    items[4]["color"] = "red"
    items[5]["popularity"] = 1.5
    indexed, refusals = fill(faulty.url, index, items, config)
    assert (indexed, refused_ids(refusals)) == (2, ["gif-001", "gif-002", "gif-004", "gif-005"])
    messages = [refusal.message for refusal in refusals]
    assert "failed to parse field [tags.confidence] of type [float]" in messages[0]
    assert "Float value passed as String" in messages[0]
    assert "Non-standard token 'NaN'" in messages[1]
    assert "introduction of [color]" in messages[2]
    assert "popularity" in messages[3]
    assert all(message.endswith("(400)") and "\n" not in message for message in messages)
    assert ids_in(faulty.url, index, config) == ["gif-000", "gif-003"]
    assert len(faulty.bulk_ids) == 1


def test_an_id_that_makes_elasticsearch_refuse_the_whole_request_is_found_and_the_others_indexed(faulty, index, config):
    items = documents(10)
    items[3]["gif_id"], items[8]["gif_id"] = "x" * 513, ""
    items[4]["gif_id"] = "é" * 256  # 512 bytes: the longest that fits
    indexed, refusals = fill(faulty.url, index, items, config)
    assert (indexed, refused_ids(refusals)) == (8, ["x" * 513, ""])
    assert "must be no longer than 512 bytes but was: 513; (400)" in refusals[0].message
    assert len(refusals[0].message) < 600
    assert "if _id is specified it must not be empty" in refusals[1].message
    assert "é" * 256 in ids_in(faulty.url, index, config)


def test_a_proxy_with_a_lower_limit_on_requests_gets_smaller_ones(faulty, index, config):
    faulty.max_bytes = 500
    items = documents(10)
    items[7]["caption"] = "long " * 500
    indexed, refusals = fill(faulty.url, index, items, config)
    assert (indexed, refused_ids(refusals)) == (9, ["gif-007"])
    assert refusals[0].message.endswith("(413)")
    assert len(ids_in(faulty.url, index, config)) == 9


def test_refused_and_repeated_documents_of_one_batch_are_each_counted_once(faulty, index, config):
    faulty.faults = ["item 429", "503", "cut after"]
    items = documents(4)
    items[0]["tags"][0]["confidence"] = "high"
    items[1]["tags"][0]["confidence"] = "high"
    with elasticsearch_client(faulty.url, config) as client:
        outcomes = list(bulk_index(client, index, items, config))
    assert [(outcome.num_indexed, refused_ids(outcome.refused)) for outcome in outcomes] == [
        (2, ["gif-001", "gif-000"])
    ]
    assert isinstance(outcomes[0], BulkOutcome)


def test_a_request_refused_as_a_whole_after_one_that_was_refused_in_part_counts_both(faulty, index, config):
    faulty.faults = ["item 429", "413"]
    items = documents(4)
    items[1]["tags"][0]["confidence"] = "high"
    with elasticsearch_client(faulty.url, config) as client:
        outcomes = list(bulk_index(client, index, items, config))
    assert [(outcome.num_indexed, refused_ids(outcome.refused)) for outcome in outcomes] == [
        (2, ["gif-001", "gif-000"])
    ]
    assert ids_in(faulty.url, index, config) == ["gif-002", "gif-003"]


def test_the_same_documents_again_leave_the_index_as_it_is(elasticsearch, index, config):
    for _ in range(2):
        assert fill(elasticsearch, index, documents(20), config) == (20, [])
    assert ids_in(elasticsearch, index, config) == [f"gif-{n:03}" for n in range(20)]


def test_waits_double_up_to_the_limit_and_are_drawn_from_zero_up(monkeypatch):
    config = ElasticsearchConfig().model_copy(update={"initial_backoff_s": 0.5, "max_backoff_s": 3})
    bounds = []
    monkeypatch.setattr(retries.random, "uniform", lambda low, high: bounds.append((low, high)) or 0)
    for attempt in range(1, 6):
        retries.wait(attempt, config)
    assert bounds == [(0, 0.5), (0, 1.0), (0, 2.0), (0, 3), (0, 3)]


def test_changes_are_made_once_however_often_they_are_sent(faulty, index, config):
    assert fill(faulty.url, index, documents(4), config) == (4, [])
    new = {**documents(1)[0], "popularity": 99}
    changes = [("gif-000", new), ("gif-001", None), ("never there", None), ("x" * 600, new)]
    faulty.faults = ["cut after", "503"]
    with elasticsearch_client(faulty.url, config) as client:
        (outcome,) = bulk_change(client, index, changes, config)
        assert (outcome.num_indexed, [item.gif_id for item in outcome.refused]) == (3, ["x" * 600])
        assert client.get(index=index, id="gif-000")["_source"]["popularity"] == 99
    assert ids_in(faulty.url, index, config) == ["gif-000", "gif-002", "gif-003"]

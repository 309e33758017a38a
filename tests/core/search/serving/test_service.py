"""The API: what each endpoint finds, its shape, its limits and its errors."""

from __future__ import annotations

import re
import socket
import threading

import pytest

from autotag_core.search.never import Never


def ids(answer):
    assert answer.status == 200, answer.data
    return [one["id"] for one in answer.json()["data"]]


def test_an_answer_has_giphys_shape(fill, service):
    fill(**{"a b": {"tags": ("Happy Cat", "pet"), "caption": "<b>a cat</b>"}})
    found = service().get("/v1/search", {"q": "happy cat"}).json()
    assert len(found["meta"].pop("response_id")) == 32
    assert found == {
        "data": [
            {
                "type": "gif",
                "id": "a b",
                "slug": "happy-cat-pet-a b",
                "url": "https://media.example.com/a%20b.gif",
                "title": "<b>a cat</b>",
                "tags": ["Happy Cat", "pet"],
                "images": {"original": {"url": "https://media.example.com/a%20b.gif"}},
            }
        ],
        "pagination": {"total_count": 1, "count": 1, "offset": 0},
        "meta": {"status": 200, "msg": "OK"},
    }


def test_search_has_pages(fill, service):
    fill(**{f"g{number}": {"tags": ("cat",), "popularity": 10**number} for number in range(5)})
    client = service()
    assert ids(client.get("/v1/search?q=cat&limit=2")) == ["g4", "g3"]
    last = client.get("/v1/search?q=cat&limit=2&offset=4")
    assert ids(last) == ["g0"]
    assert last.json()["pagination"] == {"total_count": 5, "count": 1, "offset": 4}
    assert ids(client.get("/v1/search?q=zebra")) == []


def test_what_rises_comes_before_what_is_popular(fill, service):
    fill(popular={"popularity": 9}, unknown={}, slow={"trend": 1.0}, fast={"trend": 3.5})
    assert ids(service().get("/v1/trending")) == ["fast", "slow", "popular", "unknown"]


def test_related_gifs_are_the_nights_or_else_those_that_mean_the_same(fill, service):
    fill(
        a={"tags": ("cat",), "related_gifs": ["c", "gone", "b"]}, b=("dog", "bone"), c=("kitten",), d=("puppy", "bone")
    )
    client = service()
    assert ids(client.get("/v1/related/a")) == ["c", "b"]
    assert ids(client.get("/v1/related/b"))[0] == "d"
    assert "b" not in ids(client.get("/v1/related/b"))
    absent = client.get("/v1/related/zzz")
    assert (absent.status, absent.json()["meta"]["msg"], absent.json()["data"]) == (404, "no GIF zzz", [])


def test_related_tags_are_beside_a_tag_more_often_than_elsewhere(fill, service):
    cats = {f"cat{number}": ("cat", "whiskers", "gif") for number in range(5)}
    fill(**cats, **{f"dog{number}": ("dog", "bone", "gif") for number in range(20)})
    found = service().get("/v1/tags/Cat/related").json()
    assert found["data"] == [{"type": "tag", "name": "whiskers", "count": 5}]
    assert service().get("/v1/tags/zebra/related").json()["data"] == []


def test_a_random_gif_is_of_its_tag_and_the_same_for_the_same_seed(fill, service):
    fill(**{f"c{number}": ("cat",) for number in range(10)}, dog=("dog",))
    client = service()
    found = [client.get(f"/v1/random?tag=cat&seed={seed}").json()["data"]["id"] for seed in range(20)]
    assert len(set(found)) > 3
    assert "dog" not in found
    assert client.get("/v1/random?tag=cat&seed=3").json()["data"]["id"] == found[3]
    assert client.get("/v1/random?tag=zebra").json()["data"] == []


def test_translate_gives_one_gif(fill, service):
    fill(cat=("cat",), car=("car",))
    assert service().get("/v1/translate", {"s": "furry feline"}).json()["data"]["id"] == "cat"


def test_what_never_comes_up_is_in_no_answer(fill, service):
    fill(cat={"tags": ("cat", "pet"), "related_gifs": ["bad"]}, bad=("cat", "clown", "pet"), worse=("cat", "clown"))
    client = service(never=Never(("clown",)))
    for path in ("search?q=clown%20cat", "trending", "related/cat"):
        assert set(ids(client.get(f"/v1/{path}"))) <= {"cat"}, path
    assert client.get("/v1/related/bad").status == 404
    assert {client.get(f"/v1/random?seed={seed}").json()["data"]["id"] for seed in range(9)} == {"cat"}
    assert client.get("/v1/translate?s=clown&weirdness=10").json()["data"]["id"] == "cat"
    assert client.get("/v1/tags/cat/related").json()["data"] == []


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("search", "q: Field required"),
        ("search?q=", "q: String should have at least 1 character"),
        ("search?q=%20", "no words; say what the GIF should show, for example: happy cat"),
        ("search?q=cat&limit=51", "limit: Input should be less than or equal to 50"),
        ("search?q=cat&offset=-1", "offset: Input should be greater than or equal to 0"),
        ("trending?limit=many", "limit: Input should be a valid integer, unable to parse string as an integer"),
        ("translate?s=cat&weirdness=11", "weirdness: Input should be less than or equal to 10"),
        ("translate?s=cat&weirdness=nan", "weirdness: Input should be less than or equal to 10"),
        ("random?seed=-1", "seed: Input should be greater than or equal to 0"),
    ],
)
def test_a_wrong_request_is_400_with_one_line(service, path, message):
    answer = service().get(f"/v1/{path}")
    assert (answer.status, answer.json()["meta"]["msg"], answer.json()["data"]) == (400, message, [])


def test_no_such_path_and_no_such_method_have_the_shape_too(service):
    assert service().get("/v1/absent").json()["meta"]["status"] == 404
    assert service().post("/v1/search").json()["meta"]["status"] == 405


def test_more_requests_than_allowed_are_429_and_say_when_to_come_again(fill, service):
    fill(cat=("cat",))
    client = service(per_minute=3)
    answers = [client.get("/v1/trending") for _ in range(4)]
    assert [one.status for one in answers] == [200, 200, 200, 429]
    assert answers[3].json()["meta"]["msg"] == "at most 3 requests a minute"
    assert 1 <= int(answers[3].headers["retry-after"]) <= 60
    assert client.get("/health").status == 200


def test_with_a_token_requests_must_bring_it(fill, service, monkeypatch):
    fill(cat=("cat",))
    monkeypatch.setenv("AUTOTAG_SERVE_TOKEN", "secret")
    client = service()
    assert client.get("/v1/trending").status == 401
    assert client.get("/v1/trending", x_autotag_token="secret").status == 200
    assert client.get("/health").status == 200


def test_a_large_body_is_refused_unread(service):
    assert service().post("/v1/search", b"x" * 65537).status == 413


def test_without_its_index_or_server_the_service_says_so_and_not_why(service):
    gone = service(name="absent")
    assert (gone.get("/v1/trending").status, gone.get("/health").status) == (503, 503)
    answer = service(url="http://127.0.0.1:9").get("/v1/search?q=cat")
    assert (answer.status, answer.json()["meta"]["msg"]) == (503, "search is not available")


def test_a_server_that_does_not_answer_is_504_in_time(service):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        held = []
        threading.Thread(target=lambda: held.append(silent.accept()), daemon=True).start()
        answer = service(url=f"http://127.0.0.1:{silent.getsockname()[1]}", timeout_s=0.3).get("/v1/trending")
    assert (answer.status, answer.json()["meta"]["msg"]) == (504, "search took too long")


def test_the_page_of_the_api_names_every_endpoint(service):
    client = service()
    page = client.get("/docs")
    assert page.status == 200
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.data.decode())
    assert len(loaded) == 3
    for path in loaded:  # of the service itself: nothing comes from elsewhere
        assert path.startswith("/docs-files/") and client.get(path).status == 200
    assert sorted(client.get("/openapi.json").json()["paths"]) == [
        "/v1/random",
        "/v1/related/{gif_id}",
        "/v1/search",
        "/v1/tags/{tag}/related",
        "/v1/translate",
        "/v1/trending",
    ]

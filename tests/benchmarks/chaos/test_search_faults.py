"""Some items of a bulk request are answered with an error and do not reach the server; all answers are in order."""

from __future__ import annotations

import json

from benchmarks.chaos.proxy import Answer, Request
from benchmarks.chaos.search_faults import Items

ACTIONS = [
    {"index": {"_id": "a"}},
    {"gif_id": "a"},
    {"delete": {"_id": "b", "version": 3}},
    {"index": {"_id": "c"}},
    {"gif_id": "c"},
]
BODY = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in ACTIONS).encode()


def sent(fault: Items, path: str = "/gifs/_bulk?filter_path=x") -> tuple[list[str], list[int]]:
    """The lines that reached the server, and each item's status."""
    reached = list[str]()

    def forward(request: Request) -> Answer:
        reached.extend(request.body.decode().splitlines())
        num_items = sum('"_id"' in line for line in reached)
        return Answer(200, [], json.dumps({"items": [{"index": {"status": 201}}] * num_items}).encode())

    answer = fault(Request("PUT", path, [], BODY), forward)
    return reached, [item["index"]["status"] for item in json.loads(answer.body)["items"]]


def test_items_that_are_met_have_the_error_in_their_place() -> None:
    lines = BODY.decode().splitlines()
    assert sent(Items(lambda gif_id, _: gif_id == "b", 429, "busy")) == ([*lines[:2], *lines[3:]], [201, 429, 201])
    assert sent(Items(lambda _, number: number != 2, 400, "unfit")) == ([lines[2]], [400, 201, 400])
    assert sent(Items(lambda *_: True, 429, "busy")) == ([], [429, 429, 429])
    assert sent(Items(lambda *_: True, 429, "busy"), "/gifs/_search") == (lines, [201, 201, 201])

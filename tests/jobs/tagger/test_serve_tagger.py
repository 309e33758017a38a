"""`autotag serve` as its clients see it: REST, gRPC, metrics, limits, token, and what is not for them."""

from __future__ import annotations

import base64
import http.client
import json
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from autotag_core.frames.load import version_of
from autotag_core.tables import CHOICES
from autotag_core.tagger.tagger_model import load_tagger
from autotag_core.warehouse.own_tables import read_newest
from jobs.tagger.predict_files import open_predictor, predict_files
from tests.posting import post

Served = Any


def infer(served: Served, name: str, *data: str, **headers: str) -> tuple[int, dict[str, Any]]:
    tensor = {"name": name, "shape": [len(data)], "datatype": "BYTES", "data": list(data)}
    return post(f"{served.url}/v2/models/tagger/infer", json.dumps({"inputs": [tensor]}).encode(), **headers)


def outputs(answer: dict[str, Any]) -> dict[str, list[Any]]:
    return {one["name"]: one["data"] for one in answer["outputs"]}


def as_text(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def test_rest_says_what_predict_says_and_bad_files_why(served: Served) -> None:
    paths = [served.gif("g004"), served.gif("g009")]
    predictor, _ = open_predictor(served.model, None, 1)
    first, last = predict_files(predictor, list(map(str, paths)), 5, keep_pictures=False)
    broken = base64.b64encode(b"GIF89a broken").decode()
    status, answer = infer(served, "gif", as_text(paths[0]), broken, as_text(paths[1]))
    found = outputs(answer)
    assert status == 200
    assert found["tags"] == [*(tag.tag for tag in first.tags), *[""] * 5, *(tag.tag for tag in last.tags)]
    chances = [tag.probability for tag in (*first.tags, *last.tags)]
    assert found["probabilities"][:5] + found["probabilities"][10:] == pytest.approx(chances, abs=1e-3)
    assert found["accepted"][:5] == [tag.accepted for tag in first.tags]
    assert found["frames"][:3] == list(first.tags[0].frames)
    assert [error.partition(":")[0] for error in found["error"]] == ["", "undecodable", ""]


def test_a_uri_is_read_from_allowed_places_alone(served: Served, tmp_path: Path) -> None:
    outside = tmp_path / "outside.gif"
    outside.write_bytes(served.gif("g004").read_bytes())
    status, answer = infer(served, "uri", str(served.gif("g004")), str(outside), "http://169.254.169.254/latest")
    found = outputs(answer)
    assert (status, found["tags"][0]) == (200, "green")
    assert [error.partition(":")[0] for error in found["error"]] == ["", "unsupported_uri", "unsupported_uri"]


def test_grpc_takes_the_bytes_themselves_and_many_at_once_are_batched(served: Served) -> None:
    import grpc
    from mlserver.grpc import dataplane_pb2 as pb
    from mlserver.grpc.dataplane_pb2_grpc import GRPCInferenceServiceStub

    def ask(name: str) -> str:
        contents = pb.InferTensorContents(bytes_contents=[served.gif(name).read_bytes()])
        tensor = pb.ModelInferRequest.InferInputTensor(name="gif", shape=[1], datatype="BYTES", contents=contents)
        answer = stub.ModelInfer(pb.ModelInferRequest(model_name="tagger", inputs=[tensor]))
        (tags,) = [one for one in answer.outputs if one.name == "tags"]
        return str(tags.contents.bytes_contents[0].decode())

    with grpc.insecure_channel(served.grpc) as channel, ThreadPoolExecutor(8) as pool:
        stub = GRPCInferenceServiceStub(channel)
        assert stub.ModelReady(pb.ModelReadyRequest(name="tagger")).ready
        names = ["g003", "g004", "g005", "g006"] * 4
        assert list(pool.map(ask, names)) == ["red", "green", "blue", "red"] * 4
    with urllib.request.urlopen(served.metrics) as answer:
        metrics = answer.read().decode()
    assert 'model_infer_request_success_total{model="tagger"' in metrics
    totals = dict(line.rsplit(" ", 1) for line in metrics.splitlines() if line.startswith("tagger_batch_gifs_"))
    num_gifs, num_batches = (
        sum(float(value) for name, value in totals.items() if name.startswith(f"tagger_batch_gifs_{what}"))
        for what in ("sum", "count")
    )
    assert num_gifs > num_batches > 0


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("picture", ["aGk="], "inputs are picture: give one, `gif` with files or `uri` with their places"),
        ("gif", ["no base64!"], "gif: a text is no base64"),
        ("gif", ["aGk="] * 33, "gif: data must be a list of 1 to 32 items"),
        ("gif", [], "gif: data must be a list of 1 to 32 items"),
    ],
)
def test_a_request_that_asks_nothing_is_refused_in_one_line(
    served: Served, name: str, data: list[str], said: str
) -> None:
    assert infer(served, name, *data) == (400, {"error": said})


def test_nobody_unloads_the_tagger_or_sends_more_than_a_file(served: Served) -> None:
    assert post(f"{served.url}/v2/repository/models/tagger/unload", b"{}")[0] == 403
    connection = http.client.HTTPConnection(served.url.removeprefix("http://"))
    connection.putrequest("POST", "/page/suggest")
    connection.putheader("content-length", "42000000")
    connection.endheaders()  # the answer comes before a byte of the body is asked for
    refused = connection.getresponse()
    assert (refused.status, json.loads(refused.read())) == (
        413, {"error": "the request is larger than 41,943,040 bytes"},
    )  # fmt: skip
    status, answer = post(f"{served.url}/page/suggest", bytes(21_000_000))
    assert status == 422 and answer["error"].startswith("file_too_large: ")
    with urllib.request.urlopen(f"{served.url}/v2/health/ready") as ready:
        assert ready.status == 200


def test_a_choice_is_a_row_and_a_wrong_one_is_none(served: Served) -> None:
    before = read_newest(served.warehouse, CHOICES)
    num_before = before[0].num_rows if before else 0
    data = served.gif("g004").read_bytes()
    status, answer = post(f"{served.url}/page/suggest", data)
    assert (status, answer["gif"], answer["tags"][0]["tag"]) == (200, version_of(data), "green")
    offered = {tag["tag"]: tag["probability"] for tag in answer["tags"]}
    choice = {
        "gif": answer["gif"], "gif_id": "new-1", "offered": offered, "taken": ["green"],
        "refused": [tag for tag in offered if tag != "green"], "added": ["my tag"],
    }  # fmt: skip
    url = f"{served.url}/page/choices"
    assert post(url, json.dumps(choice).encode()) == (200, {"stored": True})
    for wrong in ({"taken": []}, {"added": ["green"]}, {"added": ["a\nb"]}, {"gif": "../x"}, {"admin": True}):
        assert post(url, json.dumps(choice | wrong).encode())[0] == 422, wrong
    assert post(url, json.dumps(choice).encode(), content_type="text/plain")[0] == 415
    found = read_newest(served.warehouse, CHOICES)
    assert found is not None and found[0].num_rows == num_before + 1
    (row,) = [one for one in found[0].to_pylist() if one["gif_id"] == "new-1"]
    assert (row["gif"], row["taken"], row["added"]) == (answer["gif"], ["green"], ["my tag"])
    assert dict(row["offered"]) == pytest.approx(offered)
    assert row["model"] == load_tagger(served.model).name


def test_with_a_token_set_each_way_in_needs_it(locked: Served, token: str) -> None:
    gif = locked.gif("g004")
    assert infer(locked, "gif", as_text(gif))[0] == 401
    assert infer(locked, "gif", as_text(gif), x_autotag_token="other")[0] == 401
    assert infer(locked, "gif", as_text(gif), x_autotag_token=token)[0] == 200
    for path in ("suggest", "choices"):
        assert post(f"{locked.url}/page/{path}", gif.read_bytes())[0] == 401
    assert post(f"{locked.url}/page/suggest", gif.read_bytes(), x_autotag_token=token)[0] == 200
    status, answer = infer(locked, "uri", str(gif), x_autotag_token=token)  # no place was allowed
    assert status == 200 and outputs(answer)["error"][0].startswith("unsupported_uri: this server reads no URIs")
    assert _grpc_refuses(locked)


def _grpc_refuses(served: Served) -> bool:
    import grpc
    from mlserver.grpc import dataplane_pb2 as pb
    from mlserver.grpc.dataplane_pb2_grpc import GRPCInferenceServiceStub

    with grpc.insecure_channel(served.grpc) as channel, pytest.raises(grpc.RpcError, match="a token is needed"):
        GRPCInferenceServiceStub(channel).ModelInfer(pb.ModelInferRequest(model_name="tagger"))
    return True

"""`autotag serve --gallery` as its clients see it: people over REST and gRPC, and the page `whom do I look like`."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from autotag_core.faces.gallery import KNOWN_DISTANCE
from tests.browser import Chromium
from tests.posting import post

Served = Any
STATUS = "document.getElementById('status').textContent"


@pytest.fixture(scope="module")
def gif(face_gallery: tuple[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three frames: s2, who is enrolled, beside s9, who is not."""
    frames = []
    for number in (5, 6, 7):
        frame = Image.new("RGB", (368, 224))
        for at, person in enumerate(("s2", "s9")):
            face = Image.open(face_gallery[1] / person / f"{number}.png").convert("RGB").resize((184, 224))
            frame.paste(face, (184 * at, 0))
        frames.append(frame)
    path = tmp_path_factory.mktemp("gif") / "two.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=200)
    return path


def infer(served: Served, name: str, *data: str, **headers: str) -> tuple[int, dict[str, Any]]:
    """(status, {output: data})."""
    tensor = {"name": name, "shape": [len(data)], "datatype": "BYTES", "data": list(data)}
    body = json.dumps({"inputs": [tensor]}).encode()
    status, answer = post(f"{served.url}/v2/models/faces/infer", body, **headers)
    return status, {one["name"]: one["data"] for one in answer.get("outputs", ())} or answer


def as_text(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def test_people_are_named_with_their_boxes_and_bad_files_say_why(served_faces: Served, gif: Path) -> None:
    broken = base64.b64encode(b"GIF89a broken").decode()
    status, found = infer(served_faces, "gif", as_text(gif), broken, as_text(served_faces.gif("g004")))
    assert status == 200
    assert found["num_people"] == [2, 0, 0]
    assert found["names"] == ["s2", *[""] * 59]
    assert found["person_ids"][:2] == ["s2", ""]
    assert found["probabilities"][0] > 0.9 and 0 < found["probabilities"][1] < 0.5
    left, top, right, bottom, *other = found["boxes"][:8]
    assert 0 < left < right < 184 < other[0] < other[2] < 368 and 0 < top < bottom < 224
    assert found["frames"][0] in (0, 1, 2) and found["frames"][2:20] == [-1] * 18
    assert [error.partition(":")[0] for error in found["error"]] == ["", "undecodable", ""]


def test_a_uri_is_read_from_allowed_places_alone(
    served_faces: Served, locked_faces: Served, gif: Path, face_gallery: tuple[str, Path], token: str
) -> None:
    inside = str(face_gallery[1] / "s3" / "9.png")
    status, found = infer(served_faces, "uri", inside, str(gif), "http://169.254.169.254/latest")
    assert (status, found["names"][0], found["num_people"]) == (200, "s3", [1, 0, 0])
    assert [error.partition(":")[0] for error in found["error"]] == ["", "unsupported_uri", "unsupported_uri"]
    _, found = infer(locked_faces, "uri", inside, x_autotag_token=token)  # no place was allowed
    assert found["error"] == ["unsupported_uri: this server reads no URIs, send the file itself"]


def test_grpc_takes_the_bytes_themselves(served_faces: Served, gif: Path) -> None:
    import grpc
    from mlserver.grpc import dataplane_pb2 as pb
    from mlserver.grpc.dataplane_pb2_grpc import GRPCInferenceServiceStub

    contents = pb.InferTensorContents(bytes_contents=[gif.read_bytes()])
    tensor = pb.ModelInferRequest.InferInputTensor(name="gif", shape=[1], datatype="BYTES", contents=contents)
    with grpc.insecure_channel(served_faces.grpc) as channel:
        answer = GRPCInferenceServiceStub(channel).ModelInfer(pb.ModelInferRequest(model_name="faces", inputs=[tensor]))
    (names,) = [one for one in answer.outputs if one.name == "names"]
    assert names.contents.bytes_contents[0] == b"s2"
    assert list(names.shape) == [1, 20]


def test_the_tagger_still_answers_beside_it(served_faces: Served) -> None:
    tensor = {"name": "gif", "shape": [1], "datatype": "BYTES", "data": [as_text(served_faces.gif("g004"))]}
    status, answer = post(f"{served_faces.url}/v2/models/tagger/infer", json.dumps({"inputs": [tensor]}).encode())
    assert (status, answer["outputs"][0]["data"][0]) == (200, "green")
    assert post(f"{served_faces.url}/v2/repository/models/faces/unload", b"{}")[0] == 403
    assert infer(served_faces, "picture", "aGk=")[0] == 400


def test_the_nearest_enrolled_people_of_a_picture_come_nearest_first(
    served_faces: Served, face_gallery: tuple[str, Path]
) -> None:
    url = f"{served_faces.url}/faces/alike"
    status, found = post(url, (face_gallery[1] / "s4" / "8.png").read_bytes())
    people = found["people"]
    assert (status, people[0]["person_id"], len(people)) == (200, "s4", 5)
    distances = [one["distance"] for one in people]
    assert distances == sorted(distances) and distances[0] < KNOWN_DISTANCE < distances[1]
    assert base64.b64decode(people[0]["picture"])[:2] == b"\xff\xd8"  # JPEG
    assert post(url, served_faces.gif("g004").read_bytes()) == (200, {"people": []})
    status, found = post(url, b"GIF89a broken")
    assert status == 422 and found["error"].startswith("undecodable: ")
    status, found = post(url, bytes(21_000_000))
    assert status == 422 and found["error"].startswith("file_too_large: ")


def test_with_a_token_set_each_way_in_needs_it(locked_faces: Served, gif: Path, token: str) -> None:
    assert infer(locked_faces, "gif", as_text(gif))[0] == 401
    assert infer(locked_faces, "gif", as_text(gif), x_autotag_token=token)[0] == 200
    url = f"{locked_faces.url}/faces/alike"
    assert post(url, gif.read_bytes()) == (401, {"error": "a token is needed"})
    assert post(url, gif.read_bytes(), x_autotag_token=token)[0] == 200


def test_a_page_shows_whom_a_picture_looks_like(
    browser: Chromium, served_faces: Served, face_gallery: tuple[str, Path], tmp_path: Path
) -> None:
    browser.open(served_faces.url)
    browser.wait_for("!document.getElementById('people').hidden")
    browser.run("document.querySelector('#people a').click()")
    browser.wait_for("location.pathname === '/faces' && document.body?.dataset.ready")
    browser.choose_file("#file", face_gallery[1] / "s4" / "8.png")
    browser.wait_for("document.querySelectorAll('#people li img').length === 5")
    assert browser.run("document.querySelector('#people li').textContent").startswith(" s4: distance 0.")
    browser.wait_for("document.querySelector('#people img').naturalWidth === 48")
    browser.screenshot(tmp_path / "alike.png")
    browser.choose_file("#file", served_faces.gif("g004"))
    browser.wait_for(f"{STATUS} === 'No face was found.'")
    assert browser.errors == []


def test_where_a_token_is_set_the_page_asks_for_it(
    browser: Chromium, locked_faces: Served, gif: Path, token: str
) -> None:
    browser.open(f"{locked_faces.url}/faces")
    browser.wait_for("!document.getElementById('token-row').hidden")
    browser.choose_file("#file", gif)
    browser.wait_for(f"{STATUS}.endsWith('a token is needed')")
    browser.run("document.getElementById('token').focus()")
    browser.write(token)
    browser.choose_file("#file", locked_faces.gif("g003"))
    browser.wait_for(f"{STATUS} === 'No face was found.'")

"""`autotag translate` and `autotag serve-search` as they are called."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3

from autotag_core.config import ElasticsearchConfig, TextConfig
from autotag_core.experts.text.sentences import as_bytes, load_sentences
from autotag_core.search import Owner, bulk_index, create_index, elasticsearch_client, finish_index
from jobs.commands.app import main

CONFIG = ElasticsearchConfig(replicas=0)
UNREACHABLE = "http://127.0.0.1:9"


def called(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit code, stdout, stderr."""
    with pytest.raises(SystemExit) as caught:
        main(list(arguments))
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    return int(caught.value.code or 0), out, err


@pytest.fixture(scope="module")
def gifs(elasticsearch: str) -> Iterator[str]:
    """An index of a cat, a car and a clown."""
    vectors = as_bytes(load_sentences(TextConfig()).embed(["cat", "car", "clown"]))
    lists = {"people": [], "written_tags": [], "related_gifs": []}
    documents = [
        {
            "gif_id": tag,
            "tags": [{"tag": tag, "weight": 1.0, "confidence": 1.0, "accepted": True}],
            "uri": f"s3a://gifs/{tag}.gif",
            "popularity": 0,
            "meaning": vector.tolist(),
        }
        | lists
        for tag, vector in zip(("cat", "car", "clown"), vectors, strict=True)
    ]
    with elasticsearch_client(elasticsearch, CONFIG) as client:
        name = create_index(client, Owner(f"said-{uuid.uuid4().hex[:8]}", "w"), "run", CONFIG)
        assert [one.refused for one in bulk_index(client, name, documents, CONFIG)] == [()]
        finish_index(client, name, CONFIG)
        yield name
        client.indices.delete(index=name)


def test_a_phrase_becomes_a_gif(gifs: str, elasticsearch: str, capsys: pytest.CaptureFixture[str]) -> None:
    where = ("--elasticsearch", elasticsearch, "--index", gifs)
    code, out, err = called(capsys, "translate", "furry feline", *where)
    assert (code, err) == (0, "")
    assert out.split()[1:] == ["cat", "cat", "s3a://gifs/cat.gif"]
    _, out, _ = called(capsys, "translate", "furry feline", *where, "--most", "3", "--seed", "4", "--json")
    found = json.loads(out)
    assert (found["phrase"], found["weirdness"], found["seed"]) == ("furry feline", 0, 4)
    assert (found["gifs"][0]["gif_id"], found["gifs"][0]["because"]) == ("cat", "cat")
    assert sorted(one["gif_id"] for one in found["gifs"]) == ["car", "cat", "clown"]


def test_what_never_comes_up_is_read_from_a_file(
    gifs: str, elasticsearch: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "never.txt"
    file.write_text("Clown\n")
    where = ("--elasticsearch", elasticsearch, "--index", gifs, "--never", str(file), "--most", "9")
    _, out, _ = called(capsys, "translate", "clown", *where)
    assert sorted(line.split()[1] for line in out.splitlines()) == ["car", "cat"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("translate", " "), "translate: no words"),
        (("translate", "a" * 301), "at most 300"),
        (("translate", "cat", "--elasticsearch", UNREACHABLE), "not reachable"),
        (("translate", "cat", "--elasticsearch", "localhost"), "write http(s)://host:port"),
        (("translate", "cat", "--never", "absent.txt"), "absent.txt"),
        (("serve-search", "--elasticsearch", UNREACHABLE), "not reachable"),
        (("serve-search", "--media", "ftp://x"), "--media ftp://x: write an address"),
    ],
)
def test_what_is_wrong_is_one_line(arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = called(capsys, *arguments)
    errors = [line for line in err.splitlines() if " has failed for " not in line]  # as elastic_transport logs it
    assert (code, out, len(errors)) == (2, "", 1)
    assert said in errors[0]


def test_an_index_that_is_not_there_is_one_line(elasticsearch: str, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (("translate", "cat"), ("serve-search",)):
        code, _, err = called(capsys, *command, "--elasticsearch", elasticsearch, "--index", "absent")
        assert (code, err.count("\n")) == (2, 1)
        assert "absent" in err


def test_the_service_answers_and_ends_when_it_is_told_to(gifs: str, elasticsearch: str) -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    options = ["--elasticsearch", elasticsearch, "--index", gifs, "--http", str(port), "--per-minute", "3"]
    command = [sys.executable, "-m", "jobs.commands.app", "serve-search", *options]
    environment = os.environ | {"AUTOTAG_SLACK_SIGNING_SECRET": "secret"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            for _ in range(600):
                try:
                    health = urllib3.request("GET", f"{url}/health", retries=False)
                    break
                except urllib3.exceptions.HTTPError:
                    assert process.poll() is None, process.communicate()[1]
                    time.sleep(0.2)
            assert health.status == 200
            found = urllib3.request("GET", f"{url}/v1/translate?s=furry%20feline", retries=False).json()
            assert found["data"]["id"] == "cat"
            assert urllib3.request("POST", f"{url}/slack/command", retries=False).status == 401
            assert urllib3.request("GET", f"{url}/v1/random", retries=False).status == 200
            assert urllib3.request("GET", f"{url}/v1/random", retries=False).status == 429
        finally:
            process.send_signal(signal.SIGTERM)
            _, err = process.communicate(timeout=60)
    assert "Traceback" not in err

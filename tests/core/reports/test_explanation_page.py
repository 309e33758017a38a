"""The page that explains a GIF: it plays with its frames and neighbors, and no tag of it is markup."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from autotag_core.reports.explanation import explain_gif
from autotag_core.reports.explanation_page import explanation_page
from tests.browser import Chromium
from tests.core.reports.conftest import MARKUP, second_night


def test_the_page_shows_the_gif_its_frames_and_a_sentence_for_each_tag(
    browser: Chromium, explained_night: str, tmp_path: Path
) -> None:
    page = tmp_path / "why.html"
    page.write_text("".join(explanation_page(explained_night, explain_gif(explained_night, "cat"))), encoding="utf-8")
    assert MARKUP not in page.read_text(encoding="utf-8")
    browser.open(page.as_uri())
    browser.wait_for("[...document.images].every(one => one.complete && one.naturalWidth > 0)")
    assert browser.run("document.querySelectorAll('header img').length") == 1
    assert browser.run("document.querySelectorAll('#frames img').length") == 3
    assert browser.run("document.querySelectorAll('#expert-imagenet img').length") == 2
    assert browser.run("document.querySelector('#tags tbody tr').innerText").split("\t")[:3] == [
        "90%",
        "cat",
        "confirmed",
    ]
    assert browser.run("document.querySelectorAll('#tags details tr').length") == 0


def test_the_page_shows_each_persons_face_where_the_night_saw_it(
    browser: Chromium, publish: Callable[..., str], tmp_path: Path
) -> None:
    def seen(person: int, name: str | None, frame: int, box: list[float]) -> dict[str, Any]:
        known = {"person_id": name, "name": name, "known": name is not None, "probability": 0.9 if name else 0.2}
        return {"gif_id": "cat", "person": person, "best_frame": frame, "box": box, "num_frames": 2} | known

    people = [
        seen(0, MARKUP, 1, [4, 4, 20, 20]),  # frame 1 is orange
        seen(1, None, 0, [30, 30, 60, 60]),  # over the edge of frame 0, which is black
        seen(2, "gone", 7, [0, 0, 9, 9]),  # there is no such frame
    ]
    warehouse = publish("r2", 29, second_night(tmp_path) | {"neighbors": [], "people": people})
    page = tmp_path / "why.html"
    page.write_text("".join(explanation_page(warehouse, explain_gif(warehouse, "cat"))), encoding="utf-8")
    assert MARKUP not in page.read_text(encoding="utf-8")
    browser.open(page.as_uri())
    browser.wait_for("[...document.images].every(one => one.complete && one.naturalWidth > 0)")
    assert browser.run("[...document.querySelectorAll('#people figcaption')].map(one => one.innerText)") == [
        f"{MARKUP} 90%\nin 2 frames",
        "unknown\nin 2 frames",
        "gone 90%\nin 2 frames",
    ]
    sizes = "[...document.querySelectorAll('#people img')].map(one => [one.naturalWidth, one.naturalHeight])"
    assert browser.run(sizes) == [[24, 24], [18, 18]]  # a quarter more on each side, as far as there is a frame
    pixel = """(picture => { const canvas = document.createElement('canvas'); const drawn = canvas.getContext('2d');
        drawn.drawImage(picture, 0, 0); return [...drawn.getImageData(12, 12, 1, 1).data].slice(0, 3); })"""
    red, green, blue = browser.run(f"{pixel}(document.querySelector('#people img'))")
    assert red > 220 and 130 < green < 200 and blue < 60  # orange

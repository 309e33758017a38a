"""The page in a real browser: keys, undo, the saved file, and tags that are hostile."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from autotag_core.reports.gif_thumbnails import read_thumbnails
from autotag_core.review.decided_file import check_rows, read_rows
from autotag_core.review.queue import QueuedTag
from autotag_core.review.review_page import review_page
from autotag_core.warehouse import current_release
from tests.browser import Chromium

HOSTILE = "</script><img src=x onerror=\"document.title='taken'\">"
TURNED = "cat\u202etac"


@pytest.fixture
def page(publish: Callable[..., str], gif: Callable[..., dict[str, Any]], tmp_path: Path) -> Path:
    place = publish({"catalog": [gif("a", 9, "cat"), gif(HOSTILE, 8)]})
    tags = [
        QueuedTag("a", "kitten", "new", 0.51239, 9000, "a.gif", "a cat\nsleeps", ("cat", HOSTILE)),
        QueuedTag("a", "=1+1", "own", None, 9000, "a.gif", None, ()),
        QueuedTag(HOSTILE, HOSTILE, "own", 0.4, 8, "b.gif", HOSTILE, ()),
        QueuedTag("gone", TURNED, "new", 0.4, 8, "c.gif", None, ()),
    ]
    pictures = read_thumbnails(place, current_release(place), ["a", HOSTILE])
    assert all(one.moving for one in pictures.values())
    path = tmp_path / "page.html"
    path.write_text("".join(review_page(tags, "r1", pictures)), encoding="utf-8")
    return path


def press(browser: Chromium, *keys: str) -> None:
    for key in keys:
        for kind in ("keyDown", "keyUp"):
            code = ord(key.upper())
            browser.ask("Input.dispatchKeyEvent", type=kind, key=key, code=f"Key{key}", windowsVirtualKeyCode=code)


def opened(browser: Chromium, page: Path, **size: int) -> None:
    browser.errors.clear()
    browser.open(page.as_uri(), **size)
    browser.wait_for("document.body.dataset.ready")


def text(browser: Chromium, name: str) -> str:
    return str(browser.run(f"document.getElementById('{name}').textContent"))


def test_an_editor_decides_by_keys_takes_back_and_saves_a_file_that_can_be_applied(
    browser: Chromium, page: Path, tmp_path: Path
) -> None:
    opened(browser, page)
    browser.wait_for("document.querySelector('#picture img').naturalWidth > 0")
    assert (text(browser, "tag"), text(browser, "kind")) == ("kitten", "A tag that is proposed, 51% likely")
    assert (text(browser, "views"), text(browser, "others")) == ("9,000", f"cat, {HOSTILE}")
    press(browser, "a", "a", "u")
    assert text(browser, "progress") == "2 of 4, 1 decided"
    press(browser, "r", "j", "r", "k", "k")
    assert (text(browser, "tag"), text(browser, "decided")) == (HOSTILE, "")
    browser.screenshot(tmp_path / "page.png")
    browser.ask("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    press(browser, "s")
    assert text(browser, "status") == "Write your name first."
    browser.write("sara j")  # s and j are letters here
    assert text(browser, "progress") == "3 of 4, 3 decided"
    browser.press("Enter")
    press(browser, "s")
    saved = tmp_path / "decisions.csv"
    deadline = time.monotonic() + 20
    while not saved.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    with saved.open(encoding="utf-8", newline="") as file:
        assert [row["tag"] for row in csv.DictReader(file)] == ["kitten", "'=1+1", TURNED]
    found, refused = check_rows(list(read_rows(str(saved))), {"a": "train"}, None, datetime.now(UTC))
    assert [(one.gif_id, one.tag, one.decision, one.by, one.run_id, one.probability) for one in found] == [
        ("a", "kitten", "accepted", "sara j", "r1", 0.5124),
        ("a", "=1+1", "refused", "sara j", "r1", None),
    ]
    assert [one.gif_id for one in refused] == ["gone"]
    assert browser.errors == []


def test_tags_and_ids_that_are_markup_are_text_and_no_other_script_runs(browser: Chromium, page: Path) -> None:
    opened(browser, page)
    press(browser, "j", "j")
    assert (text(browser, "tag"), text(browser, "gif"), text(browser, "caption")) == (HOSTILE, HOSTILE, HOSTILE)
    press(browser, "j")
    assert text(browser, "tag") == "cat\\u202etac", "nothing turns the text"
    assert browser.run("document.title") == "Is this tag right?"
    script = "const one = document.createElement('script'); one.textContent = \"document.title = 'taken'\"; "
    browser.run(f"(() => {{ {script} document.body.append(one); }})()")
    assert browser.run("document.title") == "Is this tag right?"
    assert any("Content Security Policy" in error for error in browser.errors), "the policy has refused it"


def test_a_click_decides_too_and_the_page_fits_a_phone(browser: Chromium, page: Path, tmp_path: Path) -> None:
    opened(browser, page, width=400, height=800)
    assert browser.run("document.documentElement.scrollWidth <= innerWidth")
    browser.screenshot(tmp_path / "phone.png")
    browser.run("document.getElementById('refuse').click()")
    browser.run("document.getElementById('back').click()")
    assert text(browser, "decided") == "refused"
    assert browser.run("document.getElementById('one').className") == "refused"


def test_each_gif_is_in_the_page_once(page: Path) -> None:
    assert page.read_text(encoding="utf-8").count("<template") == 3

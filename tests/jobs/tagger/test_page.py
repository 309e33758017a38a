"""The uploader's page in a real browser: by mouse and by keyboard, on a desk and on a phone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from autotag_core.frames.load import version_of
from autotag_core.tables import CHOICES
from autotag_core.warehouse.own_tables import read_newest
from tests.browser import Chromium

Served = Any
TAGS = "[...document.querySelectorAll('#tags button')]"
PRESSED = f"{TAGS}.filter(b => b.getAttribute('aria-pressed') === 'true').map(b => b.dataset.tag)"
STATUS = "document.getElementById('status').textContent"


def choices_of(warehouse: str, gif_id: str) -> list[dict[str, Any]]:
    found = read_newest(warehouse, CHOICES)
    return [] if found is None else [row for row in found[0].to_pylist() if row["gif_id"] == gif_id]


def test_an_uploader_takes_leaves_and_adds_tags(browser: Chromium, served: Served, tmp_path: Path) -> None:
    browser.open(f"{served.url}/?gif_id=up-1")
    browser.wait_for("document.querySelectorAll('#vocabulary option').length === 6")
    assert browser.run("document.getElementById('people').hidden") is True  # nobody is named by this server
    browser.choose_file("#file", served.gif("g004"))
    browser.wait_for(f"{TAGS}.length === 5")
    browser.wait_for("document.getElementById('gif').naturalWidth === 112")
    assert browser.run(f"{TAGS}[0].textContent").startswith("green")
    taken = browser.run(PRESSED)
    others = [tag for tag in browser.run(f"{TAGS}.map(b => b.dataset.tag)") if tag not in taken]
    browser.run(f"{TAGS}.find(b => b.dataset.tag === '{others[0]}').click()")
    browser.run("document.getElementById('tag').focus()")
    browser.write("my own")
    browser.press("Enter")
    assert browser.run(PRESSED) == [tag for tag in browser.run(f"{TAGS}.map(b => b.dataset.tag)") if
                                    tag in (*taken, others[0], "my own")]  # fmt: skip
    browser.screenshot(tmp_path / "desk.png")
    browser.run("document.getElementById('save').click()")
    browser.wait_for(f"{STATUS}.startsWith('Saved')")
    (row,) = choices_of(served.warehouse, "up-1")
    assert row["gif"] == version_of(served.gif("g004").read_bytes())
    assert (sorted(row["taken"]), row["added"]) == (sorted([*taken, others[0]]), ["my own"])
    assert sorted(row["refused"]) == sorted(others[1:])
    assert browser.errors == []


def test_it_works_by_keyboard_on_a_phone(browser: Chromium, served: Served, tmp_path: Path) -> None:
    browser.open(f"{served.url}/?gif_id=up-2", width=375, height=800)
    browser.wait_for("document.querySelectorAll('#vocabulary option').length === 6")
    browser.choose_file("#file", served.gif("g009"))
    browser.wait_for(f"document.activeElement === {TAGS}[0]")  # the first tag has the focus
    before = browser.run(PRESSED)
    browser.press("Space")
    first = browser.run(f"{TAGS}[0].dataset.tag")
    assert (first in browser.run(PRESSED)) != (first in before)
    browser.screenshot(tmp_path / "phone.png")
    assert browser.run("document.documentElement.scrollWidth") <= 375
    for _ in range(8):
        if browser.run("document.activeElement.id") == "save":
            break
        browser.press("Tab")
    browser.press("Enter")
    browser.wait_for(f"{STATUS}.startsWith('Saved')")
    (row,) = choices_of(served.warehouse, "up-2")
    assert (first in row["taken"]) == (first not in before)


def test_a_file_that_is_no_gif_and_a_hostile_name_are_one_line_of_text(
    browser: Chromium, served: Served, tmp_path: Path
) -> None:
    bad = tmp_path / "<img src=x onerror=document.title='owned'>.gif"
    bad.write_bytes(b"GIF89a broken")
    browser.open(served.url)
    browser.wait_for("document.querySelectorAll('#vocabulary option').length === 6")
    browser.choose_file("#file", bad)
    browser.wait_for(f"{STATUS}.startsWith('No tags for <img src=x')")
    assert "undecodable" in browser.run(STATUS)
    assert browser.run("document.getElementById('result').hidden") is True
    assert browser.run("document.title") == "Tags for your GIF"


def test_where_a_token_is_set_the_page_asks_for_it(browser: Chromium, locked: Served, token: str) -> None:
    browser.open(locked.url)
    browser.wait_for("!document.getElementById('token-row').hidden")
    browser.choose_file("#file", locked.gif("g004"))
    browser.wait_for(f"{STATUS}.endsWith('a token is needed')")
    browser.run("document.getElementById('token').focus()")
    browser.write(token)
    browser.choose_file("#file", locked.gif("g003"))
    browser.wait_for(f"{TAGS}.length === 5")

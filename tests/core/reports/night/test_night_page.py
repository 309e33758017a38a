"""The page about a night in a real browser: light, dark, on a phone, and with tags that are markup."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from autotag_core.reports.night.night_page import night_page
from autotag_core.reports.night.night_report import read_night
from autotag_core.reports.page_parts import PICTURES_ONLY
from tests.browser import Chromium
from tests.core.reports.conftest import MARKUP, first_night

SECTIONS = (
    "suspicious", "added", "changes", "coverage", "trends", "movers", "copies", "experts", "calibration", "failures",
    "gates", "stages",
)  # fmt: skip


@pytest.fixture
def page(two_nights: str, tmp_path: Path) -> Path:
    file = tmp_path / "night.html"
    file.write_text("".join(night_page(read_night(two_nights))), encoding="utf-8")
    return file


def in_scheme(browser: Chromium, scheme: str) -> None:
    browser.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])


def test_every_section_is_there_with_its_sql_and_can_be_reached(browser: Chromium, page: Path) -> None:
    browser.open(page.as_uri())
    assert browser.run("[...document.querySelectorAll('section[id]')].map(one => one.id)") == [*SECTIONS, "sql"]
    for anchor in SECTIONS:
        assert browser.run(f"document.querySelectorAll('#{anchor} details code').length") >= 1, anchor
        assert browser.run(f"document.querySelectorAll('nav a[href=\"#{anchor}\"]').length") == 1, anchor
    dangling = "[...document.querySelectorAll('a')].filter(one => !document.querySelector(one.getAttribute('href')))"
    assert browser.run(f"{dangling}.length") == 0


def test_tags_that_are_markup_are_text_and_nothing_of_them_runs_or_loads(browser: Chromium, page: Path) -> None:
    assert MARKUP not in page.read_text(encoding="utf-8")
    before = len(browser.errors)
    browser.open(page.as_uri())
    assert browser.run("document.querySelectorAll('script, iframe, object, [onerror], [onload]').length") == 0
    assert browser.run("[...document.images].every(one => one.src.startsWith('data:image/webp;base64,'))")
    texts = "[...document.querySelectorAll('#suspicious figcaption b')].map(one => one.textContent)"
    assert browser.run(texts) == [MARKUP, "wrong", "Lazy  Dog"]
    assert MARKUP in browser.run("document.querySelector('#failures').textContent")
    assert browser.errors[before:] == []


def test_its_policy_lets_in_pictures_of_its_own_and_nothing_else(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert f'http-equiv="Content-Security-Policy" content="{PICTURES_ONLY}"' in text
    assert not re.search(r'(src|href|srcset)="(?!data:image/|#)', text)
    assert not re.search(r"@import|url\((?!#)", text)


def test_gifs_play_as_small_pictures_and_stand_still_for_who_wants_less_motion(browser: Chromium, page: Path) -> None:
    browser.open(page.as_uri())
    browser.wait_for("[...document.images].every(one => one.complete && one.naturalWidth > 0)")
    assert browser.run("document.images.length") == 3 + 3 + 2  # suspicious, new, and a group of copies
    image = "document.querySelector('#suspicious img').currentSrc"
    moving = browser.run(image)
    try:
        browser.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "reduce"}])
        browser.open(page.as_uri())
        assert browser.run(image) != moving
    finally:
        browser.ask("Emulation.setEmulatedMedia", features=[])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_can_be_read_in_light_and_dark(browser: Chromium, page: Path, scheme: str) -> None:
    in_scheme(browser, scheme)
    browser.open(page.as_uri())
    faint = """(() => {
      const parts = text => (text.match(/[\\d.]+/g) || []).map(Number)
      const linear = v => v / 255 <= .04045 ? v / 255 / 12.92 : ((v / 255 + .055) / 1.055) ** 2.4
      const light = ([r, g, b]) => .2126 * linear(r) + .7152 * linear(g) + .0722 * linear(b)
      const ground = one => {
        const found = parts(getComputedStyle(one).backgroundColor)
        return found.length == 3 || found[3] > 0 ? found : ground(one.parentElement)
      }
      const found = []
      for (const one of document.querySelectorAll('body *')) {
        if (![...one.childNodes].some(node => node.nodeType == 3 && node.textContent.trim())) continue
        const style = getComputedStyle(one), ink = one.closest('svg') ? style.fill : style.color
        const [a, b] = [light(parts(ink)), light(ground(one))]
        if ((Math.max(a, b) + .05) / (Math.min(a, b) + .05) < 4.5) found.push(one.textContent)
      }
      return found
    })()"""
    assert browser.run(faint) == []


def test_nothing_is_cut_off_on_a_phone(browser: Chromium, page: Path) -> None:
    browser.open(page.as_uri(), width=360)
    assert browser.run("document.documentElement.scrollWidth") == 360
    parts = "[...document.querySelectorAll('.tile, figure, .chart svg')]"
    assert browser.run(f"{parts}.filter(one => one.getBoundingClientRect().right > 360).length") == 0


def test_the_first_thing_it_says_is_what_needs_somebody(page: Path) -> None:
    items = [html.unescape(re.sub(r"<[^>]+>", "", item)) for item in re.findall(r"<li>(.*?)</li>", page.read_text())]
    assert items[:2] == [
        "6 items failed, most often by not_found (5).",
        f"Own tags look wrong: the most viewed is {MARKUP} on a GIF with 900 views.",
    ]


def test_it_says_what_rises_up_to_when_and_a_night_without_trends_does_not(two_nights: str, page: Path) -> None:
    text = page.read_text(encoding="utf-8").partition('<section id="trends">')[2].partition("</section>")[0]
    assert "up to 2026-11-28 23:00 UTC" in text and html.escape(MARKUP) in text
    assert re.findall(r"<h3>(.*?)</h3>", text) == ["Searches, now", "GIFs, these days", "what rises"]
    cells = '<td>cat</td><td class="num">1,200</td><td class="num">40.5</td><td class="num">6</td>'
    assert cells in text and "<td>dog</td>" not in text  # only the first ten
    assert 'id="trends"' not in "".join(night_page(read_night(two_nights, "r1")))


def test_a_first_night_with_little_in_it_has_a_page_too(publish: Callable[..., str], tmp_path: Path) -> None:
    warehouse = publish("r1", 28, first_night(tmp_path))
    text = "".join(night_page(read_night(warehouse)))
    assert "no earlier release to compare with" in text and "This run has no probabilities" in text
    assert 'id="coverage"' not in text and 'href="#coverage"' not in text


def test_a_picture_that_is_not_what_the_night_has_read_is_not_shown(two_nights: str, tmp_path: Path) -> None:
    (tmp_path / "gifs" / "cat.gif").write_bytes(b"GIF89a, and what kills a decoder")
    found = read_night(two_nights).thumbnails
    assert found["cat"].moving is None and found["cat"].error == "the file is not what the night has read"
    assert found["dog"].moving is not None

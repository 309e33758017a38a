"""The page of pairs in a real browser: keys, choices, the saved file, and queries and GIFs that are hostile."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from PIL import Image

from autotag_core.evaluation.search_quality.blind_page import blind_page
from autotag_core.evaluation.search_quality.head_to_head import BlindPair, count_choices, draw_pairs
from autotag_core.evaluation.search_quality.lost_queries import Answers
from autotag_core.search import SearchHit
from tests.browser import Chromium

HOSTILE = "</script><img src=x onerror=\"document.title='taken'\">"
KEYS = {"ArrowLeft": 37, "ArrowRight": 39, "ArrowDown": 40, "Backspace": 8, "s": 83}


@pytest.fixture
def gifs(tmp_path: Path) -> Path:
    """Six GIFs of two frames, a to f."""
    folder = tmp_path / "gifs"
    folder.mkdir()
    for place, gif_id in enumerate("abcdef"):
        frames = [Image.new("RGB", (60, 40), (40 * place, 120, shade)) for shade in (0, 250)]
        frames[0].save(folder / f"{gif_id}.gif", save_all=True, append_images=frames[1:], duration=200, loop=0)
    return folder


def hits(folder: Path, *ids: str) -> list[SearchHit]:
    return [SearchHit(gif_id, 1.0, (), None, f"{folder}/{gif_id[0]}.gif") for gif_id in ids]


@pytest.fixture
def pairs(gifs: Path) -> list[BlindPair]:
    answers = {
        "cat": Answers({}, hits(gifs, "a", "b", "c"), hits(gifs, "d", "e", "f")),
        HOSTILE: Answers({}, hits(gifs, "a", f"b{HOSTILE}"), hits(gifs, "c", "a")),
        "=1+1": Answers({}, [], hits(gifs, "a")),
    }
    return draw_pairs(answers, dict.fromkeys(answers, 1), 3, seed=1)


@pytest.fixture
def page(pairs: list[BlindPair], gifs: Path, tmp_path: Path) -> Path:
    path = tmp_path / "page.html"
    path.write_text("".join(blind_page(pairs, [f"{gifs}/"])), encoding="utf-8")
    return path


def press(browser: Chromium, key: str) -> None:
    for kind in ("keyDown", "keyUp"):
        browser.ask("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=KEYS[key])


def opened(browser: Chromium, page: Path, **size: int) -> None:
    browser.errors.clear()
    browser.open(page.as_uri(), **size)
    browser.wait_for("document.body.dataset.ready")


def test_a_person_chooses_by_keys_goes_back_and_saves_a_file_that_is_counted(
    browser: Chromium, page: Path, pairs: list[BlindPair], tmp_path: Path
) -> None:
    opened(browser, page)
    browser.wait_for("[...document.querySelectorAll('#sides img')].every((one) => one.naturalWidth === 60)")
    assert browser.run("document.querySelector('#query').textContent") == pairs[0].query
    assert browser.run("document.querySelectorAll('#left-gifs img').length") == len(pairs[0].left)
    for key in ("ArrowLeft", "ArrowRight", "Backspace", "ArrowDown", "ArrowRight"):
        press(browser, key)
    assert browser.run("document.getElementById('done').hidden") is False
    assert browser.run("document.getElementById('progress').textContent") == "3 of 3, 3 decided"
    browser.ask("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    press(browser, "s")
    saved = tmp_path / "choices.csv"
    deadline = time.monotonic() + 20
    while not saved.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    rows = saved.read_text(encoding="utf-8").splitlines()
    assert [row.split(",")[3] for row in rows] == ['"choice"', '"left"', '"tie"', '"right"']
    assert any('"\'=1+1"' in row for row in rows), "a sheet takes it for a text"
    found = count_choices([str(saved)])
    assert (found.num_ties, found.num_before + found.num_after) == (1, 2)
    assert browser.errors == []


def test_nothing_on_the_page_says_which_index_a_side_is(page: Path, pairs: list[BlindPair]) -> None:
    data = page.read_text(encoding="utf-8").split('id="data">')[1].split("</script>")[0]
    assert "before" not in data and "after" not in data
    assert page.read_text(encoding="utf-8").count("data:image/gif") == len(
        {hit.gif_id for pair in pairs for hit in (*pair.left, *pair.right)}
    ), "each GIF is in it once"


def test_queries_and_ids_that_are_markup_are_text_and_no_other_script_runs(
    browser: Chromium, page: Path, pairs: list[BlindPair]
) -> None:
    opened(browser, page)
    for pair in pairs:
        if pair.query == HOSTILE:
            break
        press(browser, "ArrowDown")
    assert browser.run("document.querySelector('#query').textContent") == HOSTILE
    assert browser.run("document.title") == "Which GIFs are better?"
    assert browser.run("document.querySelectorAll('img[src=x]').length") == 0
    script = "const one = document.createElement('script'); one.textContent = \"document.title = 'taken'\"; "
    browser.run(f"(() => {{ {script} document.body.append(one); }})()")
    assert browser.run("document.title") == "Which GIFs are better?"
    assert any("Content Security Policy" in error for error in browser.errors), "the policy has refused it"


def test_a_click_chooses_too_and_the_page_fits_a_phone(browser: Chromium, page: Path, tmp_path: Path) -> None:
    opened(browser, page, width=400, height=800)
    assert browser.run("document.documentElement.scrollWidth <= innerWidth")
    browser.screenshot(tmp_path / "phone.png")
    browser.run("document.getElementById('left').click()")
    assert browser.run("document.getElementById('progress').textContent") == "2 of 3, 1 decided"
    browser.run("document.getElementById('back').click()")
    assert browser.run("document.getElementById('left').classList.contains('chosen')")

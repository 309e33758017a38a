"""The cloud of enrolled faces in a real browser, without a network."""

from __future__ import annotations

import io
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from autotag_core.errors import InputError
from autotag_core.faces.embedder import model_version
from autotag_core.faces.explorer.page import explorer_page
from autotag_core.tables import GALLERY, GALLERY_THUMBNAILS
from autotag_core.warehouse.own_tables import append_rows
from jobs.faces.explore_gallery import explore_gallery
from tests.browser import Chromium

HOSTILE = "</script><img src=x onerror=document.title='owned'><b>"
NAMES = {"p0": HOSTILE, "p1": "Zoë Šimić", "p3": "Max Roe", "p4": "Max Roe"}


@pytest.fixture
def gallery(tmp_path: Path) -> str:
    """Six people of two pictures each; the last one was enrolled before there were thumbnails."""
    chance, rows, thumbnails = np.random.default_rng(1), [], []
    for at in range(6):
        embedding = chance.normal(size=128)
        for number in range(2):
            key = {"person_id": f"p{at}", "picture": str(number)}
            rows.append(
                key
                | {"name": NAMES.get(f"p{at}", f"Person {at}"), "file": "a.png", "sharpness": 90.0}
                | {"embedding": (embedding + number / 9).tolist()}
                | {"model_version": model_version(), "enrolled": datetime.now(UTC)}
            )
            file = io.BytesIO()
            Image.new("RGB", (48, 48), (40 * at, 90, 200)).save(file, "JPEG")
            thumbnails.append(key | {"thumbnail": file.getvalue()})
    uri = str(tmp_path / "gallery")
    append_rows(uri, GALLERY, pa.Table.from_pylist(rows, schema=GALLERY.plain_schema))
    shown = pa.Table.from_pylist(thumbnails[:10], schema=GALLERY_THUMBNAILS.plain_schema)
    append_rows(uri, GALLERY_THUMBNAILS, shown)
    return uri


@pytest.fixture
def page(gallery: str, tmp_path: Path) -> Path:
    attributes = tmp_path / "a.csv"
    rows = [f"p{at},<i>sex</i>,{'female' if at % 2 else 'male'}\n" for at in range(5)]
    attributes.write_text("person,attribute,value\n" + "".join(rows))
    (tmp_path / "page.html").write_text("".join(explorer_page(explore_gallery(gallery, str(attributes)))))
    return tmp_path / "page.html"


def text(browser: Chromium, element: str) -> str:
    return str(browser.run(f"document.getElementById('{element}').textContent"))


def point_at_a_face(browser: Chromium) -> None:
    """Move the mouse over the cloud until a face is shown."""
    for y in range(120, 860, 12):
        for x in range(40, 900, 24):
            browser.ask("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        if browser.run("document.getElementById('name').textContent !== 'Point at a face.'"):
            return
    raise AssertionError("no face under the mouse")


def test_pointing_at_a_face_shows_its_picture_and_its_name(browser: Chromium, page: Path, tmp_path: Path) -> None:
    browser.open(page.as_uri())
    browser.wait_for("document.body.dataset.ready")
    assert text(browser, "about") == "12 faces of 6 people, by PCA. Near ones look alike."
    point_at_a_face(browser)
    shown = text(browser, "name")
    assert re.fullmatch(r".+ \(p[0-5]\)", shown)
    has_picture = "(p5)" not in shown
    browser.wait_for(f"document.getElementById('picture').hidden !== {json.dumps(has_picture)}")
    if has_picture:
        browser.wait_for("document.getElementById('picture').naturalWidth === 48")
    browser.screenshot(tmp_path / "explorer.png")
    assert browser.errors == []


def test_a_name_is_found_without_its_accents_and_its_faces_are_marked(browser: Chromium, page: Path) -> None:
    browser.open(page.as_uri())
    browser.wait_for("document.body.dataset.ready")
    browser.run("document.getElementById('search').focus()")
    browser.write("zoe simic")
    assert text(browser, "found") == "Zoë Šimić"
    browser.press("Enter")
    browser.wait_for("document.querySelectorAll('#faces img').length === 2")
    assert text(browser, "name") == "Zoë Šimić (p1)"
    browser.wait_for("document.getElementById('cloud').data.at(-1).customdata.join() === '2,3'")
    assert browser.run("document.getElementById('cloud').data.map(one => one.marker.opacity)") == [0.15, 0.15, 0.15, 1]
    browser.write("x")
    assert text(browser, "found") == "Nobody of that name is enrolled."
    assert browser.errors == []


def test_people_of_one_name_are_told_apart_by_their_ids(browser: Chromium, page: Path) -> None:
    browser.open(page.as_uri())
    browser.wait_for("document.body.dataset.ready")
    browser.run("document.getElementById('search').focus()")
    browser.write("max")
    found = "[...document.querySelectorAll('#found button')].map(one => one.textContent)"
    assert browser.run(found) == ["Max Roe (p3)", "Max Roe (p4)"]


def test_people_are_coloured_by_group_and_groups_can_be_hidden(browser: Chromium, page: Path) -> None:
    browser.open(page.as_uri())
    browser.wait_for("document.body.dataset.ready")
    labels = "[...document.querySelectorAll('#groups label')].map(one => one.textContent)"
    assert browser.run(labels) == ["male (6)", "female (4)", "not known (2)"]
    browser.run("document.querySelector('#groups input').click()")
    browser.wait_for("document.getElementById('cloud').data[0].visible === false")


def test_a_hostile_name_stays_text(browser: Chromium, page: Path) -> None:
    browser.open(page.as_uri())
    browser.wait_for("document.body.dataset.ready")
    browser.run("document.getElementById('search').focus()")
    browser.write("</script>")
    assert text(browser, "found") == HOSTILE
    browser.press("Enter")
    browser.wait_for("document.getElementById('name').textContent.startsWith('</script>')")
    assert browser.run("document.title") == "Enrolled faces"
    assert browser.run("document.getElementById('attribute').textContent") == "<i>sex</i>"
    assert browser.errors == []


def test_the_page_loads_nothing_and_offers_no_upload(browser: Chromium, page: Path) -> None:
    browser.open(page.as_uri())
    browser.wait_for("document.body.dataset.ready")
    titles = browser.run("[...document.querySelectorAll('.modebar-btn')].map(one => one.dataset.title)")
    assert titles[0] == "Download plot as a PNG"
    assert not [one for one in titles if "hare" in one]
    html = page.read_text()
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', html)
    assert policy.startswith("default-src 'none'; base-uri 'none'; form-action 'none'; img-src data: blob:; style-src")
    assert re.fullmatch(r"('sha256-[\w+/=]{44}' ?){2}", policy.partition("script-src ")[2])


def test_a_gallery_of_nobody_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nobody is enrolled there"):
        explore_gallery(str(tmp_path), None)

"""Pictures in a notebook: files of the places that a release names, pictures alone, and nothing else of a machine."""

from __future__ import annotations

import base64
import io
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image

from autotag_core.reports.pictures import gif_strip, release_places
from autotag_core.warehouse import RunRecord

NOW = datetime(2026, 11, 29, tzinfo=UTC)


def picture(kind: str = "GIF", side: int = 4) -> bytes:
    file = io.BytesIO()
    Image.new("P" if kind == "GIF" else "RGB", (side, side)).save(file, kind)
    return file.getvalue()


def strip(uri: object, *places: object, gif_id: str = "a") -> str:
    return gif_strip([{"gif_id": gif_id, "uri": str(uri)}], "the GIF", [str(place) for place in places])


@pytest.mark.parametrize(("kind", "media"), [("GIF", "gif"), ("PNG", "png"), ("JPEG", "jpeg"), ("WEBP", "webp")])
def test_a_picture_of_an_allowed_place_is_in_the_page(kind: str, media: str, tmp_path: Path) -> None:
    (tmp_path / "a.gif").write_bytes(picture(kind))
    encoded = base64.b64encode(picture(kind)).decode()
    for uri in (f"{tmp_path}/a.gif", (tmp_path / "a.gif").as_uri()):
        assert f'src="data:image/{media};base64,{encoded}"' in strip(uri, tmp_path)


def test_no_file_of_another_place_is_opened(tmp_path: Path) -> None:
    (tmp_path / "gifs").mkdir()
    (tmp_path / "secret.gif").write_bytes(picture())
    (tmp_path / "gifs" / "link.gif").symlink_to(tmp_path / "secret.gif")
    for uri in ("/etc/passwd", f"{tmp_path}/secret.gif", f"{tmp_path}/gifs/../secret.gif", f"{tmp_path}/gifs/link.gif"):
        page = strip(uri, tmp_path / "gifs")
        assert "is in none of the places allowed here" in page and "base64" not in page
    assert "name the places of pictures" in strip(tmp_path / "secret.gif")


def test_what_is_no_picture_is_not_shown_and_none_of_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "passwd").write_text("root:x:0:0:very secret\n")
    page = strip(tmp_path / "passwd", tmp_path)
    assert "base64" not in page and "secret" not in page and f"{tmp_path}/passwd: " in page


def test_nothing_waits_for_a_pipe_and_no_device_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "no regular file" in strip(tmp_path / "pipe", tmp_path)
    assert "no regular file" in strip("/dev/zero", "/dev")


def test_a_size_is_asked_before_a_byte_is_read(tmp_path: Path) -> None:
    with (tmp_path / "large.gif").open("wb") as file:
        file.truncate(2**40)
    assert "bytes; the limit is 5,242,880" in strip(tmp_path / "large.gif", tmp_path)
    (tmp_path / "bomb.png").write_bytes(picture("PNG", side=8000))
    assert "pixels" in strip(tmp_path / "bomb.png", tmp_path)


def test_names_are_no_markup_and_turn_no_text(tmp_path: Path) -> None:
    page = strip(f"{tmp_path}/<script>\u202e.gif", tmp_path, gif_id="<b>\x1b")
    assert "<script>" not in page and "&lt;b&gt;\\u001b" in page and "\u202e" not in page


def test_a_release_says_which_places_its_night_could_read() -> None:
    release = RunRecord("r1", NOW, NOW, "published", config='{"frames": {"allowed_places": ["s3a://gifs/", "/data"]}}')
    assert release_places(release) == ("s3a://gifs/", "/data")
    assert release_places(RunRecord("r1", NOW, NOW, "published")) == ()

"""Where a package of the extra `faces` is missing, whatever needs it says how to install it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from PIL import Image

from autotag_core.errors import InputError
from autotag_core.faces.embedders import load_embedder
from autotag_core.faces.looker import load_looker
from jobs.faces.enroll_people import enroll_people


@pytest.fixture
def people(tmp_path: Path) -> str:
    (tmp_path / "people" / "ann").mkdir(parents=True)
    Image.new("RGB", (100, 100), "red").save(tmp_path / "people" / "ann" / "1.png")
    return str(tmp_path / "people")


@pytest.mark.parametrize("package", ["dlib", "facenet_pytorch"])
def test_enrolling_and_a_night_say_which_package_is_missing(
    package: str, people: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for loaded in (load_embedder, load_looker):
        loaded.cache_clear()
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=rf"^faces: {package} is not installed: pip install 'autotag\[faces\]'"):
        enroll_people(people, str(tmp_path / "gallery"))
    with pytest.raises(InputError, match=rf"^faces: {package} is not installed: pip install 'autotag\[faces\]'"):
        load_looker(20)

"""A small release that the tests of a session read, and copies that a test may write into."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.core.tagger.small_release import write_small_release


@pytest.fixture(scope="session")
def written_release(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A warehouse that nobody writes into."""
    return write_small_release(tmp_path_factory.mktemp("small"))


@pytest.fixture
def small_release(written_release: str, tmp_path: Path) -> str:
    """A warehouse of the test's own, with the same GIFs."""
    copy = tmp_path / "warehouse"
    shutil.copytree(written_release, copy)
    return str(copy)

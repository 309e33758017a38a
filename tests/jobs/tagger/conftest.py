"""The small release of the core's tests, each time in a warehouse of the test's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.core.tagger.small_release import write_small_release


@pytest.fixture
def small_release(tmp_path: Path) -> str:
    """The warehouse; its GIFs lie beside it in gifs/."""
    return write_small_release(tmp_path / "small")

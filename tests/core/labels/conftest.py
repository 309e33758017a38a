"""Dictionaries, loaded once."""

from __future__ import annotations

import pytest

from autotag_core.config import LabelsConfig
from autotag_core.labels import Lexicon


@pytest.fixture(scope="session")
def lexicon() -> Lexicon:
    return Lexicon(LabelsConfig().languages)

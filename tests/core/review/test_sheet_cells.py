"""Cells of a sheet: no formula, and the same text when they come back."""

from __future__ import annotations

import pytest

from autotag_core.review.sheet_cells import inert_cell, plain_cell


@pytest.mark.parametrize("text", ["cat", "=1+1", "-rising", "@home", "+1", "'90s", "''", "'=x", "rock 'n' roll"])
def test_a_text_comes_back_as_it_was(text: str) -> None:
    assert plain_cell(inert_cell(text)) == text
    assert not inert_cell(text).startswith(("=", "+", "-", "@"))


def test_a_text_that_somebody_wrote_with_a_quote_keeps_it() -> None:
    assert plain_cell(" '90s ") == "'90s"

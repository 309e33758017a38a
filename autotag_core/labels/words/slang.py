"""Slang that English GIF captions use, and what it says in plain words if it has one meaning."""

from __future__ import annotations

from autotag_core.word_lists import read_word_list

_ROWS = read_word_list(__package__, "slang.csv")

SAYS: dict[str, str] = {row["slang"]: row["says"] for row in _ROWS if row["says"]}
"""Normalised slang -> what it says, normalised."""

SLANG = frozenset(row["slang"] for row in _ROWS)
"""All of it, and internet words that no dictionary has and that stand for nothing else."""

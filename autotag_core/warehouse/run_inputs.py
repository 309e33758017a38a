"""What a run was given: the part that decides whether a later run may keep its rows, and notes for people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

_ENDINGS = {"versions": "_version", "stamps": "_stamp", "shards": "_shards"}
"""The ends of keys by which the column `inputs` of `runs` tells the fields apart."""


@dataclass
class RunInputs:
    """The column `inputs` of `runs`. Rows of a table depend on versions and stamps, never on the notes."""

    versions: dict[str, str] = field(default_factory=dict)
    """Versions of each expert's model, of the way in which `frames` are made, and of the `reader` of texts."""
    stamps: dict[str, str] = field(default_factory=dict)
    """States of the files of `sessions` and `search_sessions`."""
    shards: dict[str, str] = field(default_factory=dict)
    """By expert: the run that built the index shards with which the release can be searched."""
    notes: dict[str, str] = field(default_factory=dict)
    """What people may ask: which catalog, which base, whether a model was trained or reused, and why."""

    def makes_the_same(self, other: RunInputs) -> bool:
        """Whether a run with the other inputs makes the same rows, given the same catalog and settings."""
        return (self.versions, self.stamps) == (other.versions, other.stamps)

    def shards_of(self, experts: Iterable[str]) -> dict[str, str]:
        """The entries of `shards` for these experts."""
        return {expert: self.shards[expert] for expert in experts if expert in self.shards}

    def to_map(self) -> dict[str, str]:
        """The inputs as the table has them. ValueError where a note's key has the end of another field's keys."""
        found = dict(self.notes)
        if wrong := [key for key in found if key.endswith(tuple(_ENDINGS.values()))]:
            raise ValueError(f"a note must not be called {wrong[0]!r}: its ending is that of another field")
        for name, ending in _ENDINGS.items():
            found |= {f"{key}{ending}": value for key, value in getattr(self, name).items()}
        return found

    @classmethod
    def from_map(cls, found: dict[str, str]) -> RunInputs:
        """The inputs from the table's column."""
        inputs = cls()
        for key, value in found.items():
            name = next((name for name, ending in _ENDINGS.items() if key.endswith(ending)), "notes")
            getattr(inputs, name)[key.removesuffix(_ENDINGS.get(name, ""))] = value
        return inputs

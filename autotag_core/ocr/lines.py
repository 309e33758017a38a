"""Merges lines of text: the readings of one line in several frames become one line, in reading order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

_LETTERS_PER_ERROR = 4
"""Two readings may differ in one letter of four. OCR takes O for 0 and l for I, but `good luck` is not `good night`."""


class ReadLine(NamedTuple):
    """One line as it was read in one frame; confidence 0..1."""

    text: str
    confidence: float


@dataclass(frozen=True)
class TextLine:
    """One line of a GIF: its surest reading, and how many of the frames that were read have it."""

    text: str
    confidence: float
    num_frames: int


@dataclass(frozen=True)
class ReadText:
    """What is written in a GIF, in reading order. No lines: nothing was found, or nothing was likely to be."""

    lines: tuple[TextLine, ...] = ()
    is_skipped: bool = False
    """Whether the GIF was not read, because words in it are unlikely."""

    @property
    def text(self) -> str | None:
        """The lines joined with newlines, None where nothing is written."""
        return "\n".join(line.text for line in self.lines) or None


@dataclass(eq=False)
class _Growing:
    """A merged line so far. It is equal only to itself, since a GIF may say the same twice."""

    text: str
    confidence: float
    num_frames: int = 1

    def add(self, line: ReadLine) -> None:
        if line.confidence > self.confidence:
            self.text, self.confidence = line
        self.num_frames += 1


def merge_lines(frames: Sequence[Sequence[ReadLine]]) -> tuple[TextLine, ...]:
    """The lines of a GIF from the lines of its frames, which are in order of time and each in reading order.

    Near-equal lines of different frames are one line; two lines of one frame never are. The surest reading of a line is
    kept, the first one among equals. A line that a later frame adds comes after the line that it follows there, or
    before the one that it precedes. The lines of a frame that shares no line with those before it come last.
    """
    merged: list[_Growing] = []
    for lines in frames:
        known = _match(lines, merged)
        place = min((merged.index(line) for line in known if line is not None), default=len(merged))
        for line, same in zip(lines, known, strict=True):
            if same is None:
                merged.insert(place, _Growing(*line))
            else:
                same.add(line)
                place = merged.index(same)
            place += 1
    return tuple(TextLine(line.text, line.confidence, line.num_frames) for line in merged)


def _match(lines: Sequence[ReadLine], merged: Sequence[_Growing]) -> list[_Growing | None]:
    """For each line of a frame the nearest merged line that is near enough, each at most once. First one wins ties."""
    free = list(merged)
    found: list[_Growing | None] = []
    for line in lines:
        letters = letters_of(line.text)
        distances = [_edit_distance(letters, letters_of(other.text)) for other in free]
        best = min(range(len(free)), key=distances.__getitem__, default=None)
        if best is None or distances[best] > max(len(letters), len(letters_of(free[best].text))) // _LETTERS_PER_ERROR:
            found.append(None)
        else:
            found.append(free.pop(best))
    return found


def letters_of(text: str) -> str:
    """Letters and digits alone, without case. Readings of a line are compared by them."""
    return "".join(character for character in text.casefold() if character.isalnum())


def _edit_distance(one: str, other: str) -> int:
    """Levenshtein's: insertions, deletions and substitutions of a letter."""
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, start=1):
        diagonal, row[0] = row[0], i
        for j, other_letter in enumerate(other, start=1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (letter != other_letter))
    return row[-1]

"""What one trial showed, and the table of all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from benchmarks.targets import PROJECT, commit, machine

PAGE = PROJECT / "docs" / "reliability.md"
BEGIN, END = "<!-- chaos: written by make chaos ARGS=--write -->", "<!-- end of chaos -->"


@dataclass(frozen=True)
class Differences:
    """Rows against those of an undisturbed night, and reads that were neither the old release nor the new one."""

    lost: int = 0
    duplicate: int = 0
    """Rows too many: twice there, or other than they should be."""
    partial: int = 0

    def __add__(self, other: Differences) -> Differences:
        """The sum of each."""
        return Differences(self.lost + other.lost, self.duplicate + other.duplicate, self.partial + other.partial)


NONE = Differences()


@dataclass(frozen=True)
class Result:
    """One trial, a row of the table."""

    part: str
    done: str
    expected: str
    seen: str
    differences: Differences = NONE
    seconds: float = 0.0
    as_expected: bool = True
    """Whether what was seen is what was expected, apart from the differences."""

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong."""
        return self.as_expected and self.differences == NONE


def as_section(part: str, results: Sequence[Result], seconds: float) -> str:
    """A part's heading, when and where it ran and what it comes to, and a table with a row a trial."""
    lines = [
        f"### {part}",
        "",
        summary(results, seconds),
        "",
        "| done | expected | seen | lost | duplicate | partial | s | |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for result in results:
        found = result.differences
        cells = [result.done, result.expected, result.seen, found.lost, found.duplicate, found.partial]
        cells += [f"{result.seconds:.0f}", "holds" if result.holds else "**fails**"]
        lines.append("| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
    return "\n".join(lines)


def summary(results: Sequence[Result], seconds: float) -> str:
    """When and where the trials ran, and what they come to."""
    total = sum((result.differences for result in results), NONE)
    num_held = sum(result.holds for result in results)
    return (
        f"Commit {commit()}, {machine()}, {datetime.now(UTC):%Y-%m-%d}, {seconds / 60:.0f} minutes: {num_held} of "
        f"{len(results)} hold; lost {total.lost}, duplicate {total.duplicate}, partial {total.partial}."
    )


def with_sections(page: str, sections: Mapping[str, str], parts: Sequence[str]) -> str:
    """The page with these parts' sections between its markers, in the order of all parts; other parts keep theirs."""
    before, _, rest = page.partition(BEGIN)
    old, _, after = rest.partition(END)
    kept = {text.partition("\n")[0]: f"### {text.strip()}" for text in old.split("### ")[1:]}
    found = kept | dict(sections)
    body = "\n\n".join(found[part] for part in parts if part in found)
    return f"{before}{BEGIN}\n{body}\n{END}{after}"

"""What a check found: one line, how bad it is, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from autotag_core.errors import AutotagError, as_raised, cause, scrubbed

OK, WARNING, ERROR = "ok", "warning", "error"


@dataclass(frozen=True)
class Finding:
    """One line of the report. A warning lets a night run; an error would stop it or lose its work."""

    check: str
    level: str
    said: str
    advice: str = ""
    """What to do. Empty where all is well."""

    @property
    def line(self) -> str:
        """The finding as one line."""
        return f"{self.level:<8} {self.check:<13} {self.said}{f': {self.advice}' if self.advice else ''}"


Check = Callable[[], Iterable[Finding]]


def examine(name: str, check: Check) -> list[Finding]:
    """What the check finds. An error that it raises is a finding too: no check keeps another from being made."""
    found: list[Finding] = []
    try:
        for finding in check():
            found.append(finding)
    except Exception as error:
        raised = as_raised(error)
        said = scrubbed(str(raised)) if isinstance(raised, AutotagError) else cause(raised)
        found.append(Finding(name, ERROR, said))
    return found

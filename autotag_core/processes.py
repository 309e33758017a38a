"""Processes of this machine, by their numbers: when each started, and which it has started."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


def start_of(pid: int) -> str:
    """When the process started. Empty where there is none, where it is a zombie, and on systems without /proc."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in ("Z", "X") else fields[19]


def descendants(pid: int) -> dict[int, str]:
    """Children of the process, theirs and so on, each with the time of its start. Empty on systems without /proc."""
    children: dict[int, list[int]] = {}
    for place in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parent = int(place.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(place.parent.name))
    found: dict[int, str] = {}
    waiting = list(children.get(pid, []))
    while waiting:
        child = waiting.pop()
        found[child] = start_of(child)
        waiting += children.get(child, [])
    return found

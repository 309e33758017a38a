"""How much memory this process may use: the machine's, or less where a control group (a container, a unit) says so."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

ROOT, OWN = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")


def driver_memory_mb() -> int:
    """A quarter of the memory that this process may use, in MiB, from 1 to 8 GiB. Python workers need the rest."""
    return max(1024, min(8192, memory_limit() // 4 // 2**20))


def memory_limit(root: Path = ROOT, own: Path = OWN) -> int:
    """Bytes that this process may use: the least of the machine's and of the limits of its groups, v1 and v2."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for file in _limit_files(root, own):
        text = file.read_text().strip() if file.is_file() else "max"
        limits += [int(text)] if text.isdigit() else []  # `max` is no limit
    return min(limits)


def _limit_files(root: Path, own: Path) -> Iterator[Path]:
    """The file of this process's group and of each one above it. Within a container its own group is the root."""
    for line in own.read_text().splitlines() if own.is_file() else [""]:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers and "memory" not in controllers.split(","):
            continue
        parts = [part for part in path.split("/") if part]
        place = (root / "memory", "memory.limit_in_bytes") if controllers else (root, "memory.max")
        for end in range(len(parts) + 1):
            yield place[0].joinpath(*parts[:end]) / place[1]
